"""Delta Lake whatever the engine: one door, and two writers of the same functions behind it."""
