-- What scores of exactly 0 and 1 are priced at, loss.clip: here its default; `lossledger sql` has the configured one.
--   clip  score that a certain and wrong prediction is taken for, and 1 - clip where it is right
SELECT CAST(1.0E-15 AS DOUBLE) AS clip
