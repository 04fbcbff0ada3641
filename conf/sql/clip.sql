-- What scores of exactly 0 and 1 are priced at, loss.clip: here its default; `lossledger sql` has the configured one.
SELECT CAST(1.0E-15 AS DOUBLE) AS clip
