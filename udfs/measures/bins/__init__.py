"""Metrics of score bins: areas under curves, thresholds, calibration."""
