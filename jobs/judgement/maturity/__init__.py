"""Maturity: labels that still arrive, beside how they arrived on earlier days, and what metrics will be in the end."""
