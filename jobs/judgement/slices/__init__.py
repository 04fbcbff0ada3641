"""Which slices: every cross of the dimensions as exact sums, the worst of them, their calibration."""
