"""What people see: the verdict of a run, what a machine or an evaluation lacks."""
