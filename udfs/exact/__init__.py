"""Exact sums and reproducible functions: the arithmetic that everything else rests on."""
