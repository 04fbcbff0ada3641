"""The users' logs: their columns checked and brought to ours, each value a number or a reason why not."""
