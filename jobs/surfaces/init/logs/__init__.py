"""Somebody's logs on this machine, and what the values of their columns are."""
