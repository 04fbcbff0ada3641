"""The sections of a report: what each asks of the tables, and what its template is given."""
