"""The formulas: statistics and metrics, one file for each family."""
