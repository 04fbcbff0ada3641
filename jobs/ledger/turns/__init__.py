"""Whose turn it is: a day at an age is of one run at a time, and of two the one whose turn is later counts."""
