"""Our own tables: what they hold, what every row carries, how a run replaces its day."""
