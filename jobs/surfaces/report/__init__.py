"""The report of a night: one HTML file that needs nothing else, and the queries that its numbers come from."""
