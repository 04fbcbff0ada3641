"""Measures of groups of candidates."""
