"""Upkeep of Delta tables: fewer files, none that nobody needs, a short log; by the writer that a table has."""
