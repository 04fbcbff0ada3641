-- statistics_latest with the losses complete: scores of exactly 0 and 1 are in them, priced at the clip.
--   priced_positive_nll   negative log-likelihood of the positive part of the labels, nats
--   priced_negative_nll   of the negative part, nats
--   nll                   of both, nats: SUM(nll) over SUM(weight) is the log loss
-- They add over cells and days like the other sums, in any order to the same digits: so they are DECIMAL. CAST their
-- sums to DOUBLE before you divide. NULL: not defined, as weight on the wrong side at a clip of 0 costs without end.
SELECT priced.*, CAST(priced_positive_nll + priced_negative_nll AS DECIMAL(37, 15)) AS nll
FROM (
  SELECT
    s.*,
    CAST(
      positive_nll
      + CASE WHEN hard_wrong_positive_weight = 0 THEN CAST(0 AS DECIMAL(37, 15))
        ELSE CAST(CAST(hard_wrong_positive_weight AS DOUBLE) * price.of_wrong AS DECIMAL(37, 15)) END
      + CAST(CAST(hard_right_positive_weight AS DOUBLE) * price.of_right AS DECIMAL(37, 15))
      AS DECIMAL(37, 15)
    ) AS priced_positive_nll,
    CAST(
      negative_nll
      + CASE WHEN hard_wrong_negative_weight = 0 THEN CAST(0 AS DECIMAL(37, 15))
        ELSE CAST(CAST(hard_wrong_negative_weight AS DOUBLE) * price.of_wrong AS DECIMAL(37, 15)) END
      + CAST(CAST(hard_right_negative_weight AS DOUBLE) * price.of_right AS DECIMAL(37, 15))
      AS DECIMAL(37, 15)
    ) AS priced_negative_nll
  FROM statistics_latest AS s
  CROSS JOIN price
) AS priced
