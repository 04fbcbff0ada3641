"""Questions in SQL over the tables and views of an evaluation: parsed, checked, answered."""
