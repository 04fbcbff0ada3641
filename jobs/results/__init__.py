"""From combined sums to the rows of the tables: statistics, metrics, what ties them together."""
