-- What scores of exactly 0 and 1 are priced at: loss.clip as it is configured (in this file its default).
--   clip  score that a certain and wrong prediction is taken for, and 1 - clip where it is right
SELECT CAST(1.0E-15 AS DOUBLE) AS clip
