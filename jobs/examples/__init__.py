"""One row per impression with its labels, then exact sums: cells, labels, groups, the pass, what is left out."""
