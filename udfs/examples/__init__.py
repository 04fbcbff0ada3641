"""From the columns of a batch to the columns that the formulas read."""
