"""The marks of a report's charts: where they stand, worked out here; what they look like, templates and a style say."""
