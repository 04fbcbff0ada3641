"""Tables and views for others to ask: as statements for a catalog, and as a source for dbt."""
