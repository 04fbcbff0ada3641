"""Judgement: from small tables of exact sums to intervals, differences and decisions, without an engine."""
