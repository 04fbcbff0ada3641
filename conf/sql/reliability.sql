-- The reliability of scores, for a plot: the bins of each slice in ten parts of equal weight from the lowest scores to the
-- highest; at the one label age of chosen_age. Where predicted_over_actual is above 1, scores of that part are too high.
-- A bin belongs to the part in which its middle lies, so parts of few distinct scores may be missing.
--   part                   1 for the tenth of the weight with the lowest scores, to 10
--   low                    low edge of the lowest bin, on the scale of the task's score
--   n                      rows scored
--   weight                 sum of weights
--   positives              weight of the positive part of the labels
--   mean_score             mean of the scores, as probabilities
--   base_rate              positives / weight
--   predicted_over_actual  mean score over base rate; NULL without positives
SELECT
  m.event_date, m.age_hours, m.is_final, m.provisional, m.task, m.model, m.slice,
  /* dimensions of m */
  m.part, m.low, m.n, m.weight, m.positives,
  m.score_sum / NULLIF(m.weight, 0) AS mean_score,
  m.positives / NULLIF(m.weight, 0) AS base_rate,
  m.score_sum / NULLIF(m.positives, 0) AS predicted_over_actual
FROM (
  SELECT
    event_date, age_hours, is_final, provisional, task, model, slice, part,
    MIN(bin) AS low,
    CAST(SUM(n) AS BIGINT) AS n,
    CAST(SUM(weight) AS DOUBLE) AS weight,
    CAST(SUM(positives) AS DOUBLE) AS positives,
    CAST(SUM(score_sum) AS DOUBLE) AS score_sum
  FROM (
    SELECT
      b.*,
      CAST(LEAST(FLOOR(10 * (running - 0.5 * CAST(weight AS DOUBLE)) / NULLIF(whole, 0)), 9) AS INT) + 1 AS part
    FROM (
      SELECT
        s.event_date, s.age_hours, chosen.is_final, chosen.provisional, s.task, s.model, s.slice, s.bin,
        s.n, s.weight, s.positives, s.score_sum,
        CAST(SUM(s.weight) OVER (
          PARTITION BY s.event_date, s.age_hours, s.task, s.model, s.slice ORDER BY s.bin
        ) AS DOUBLE) AS running,
        CAST(SUM(s.weight) OVER (
          PARTITION BY s.event_date, s.age_hours, s.task, s.model, s.slice
        ) AS DOUBLE) AS whole
      FROM (
        SELECT
          event_date, age_hours, task, model, slice, bin, SUM(n) AS n,
          CAST(SUM(positive_weight) + SUM(negative_weight) AS DECIMAL(37, 15)) AS weight,
          SUM(positive_weight) AS positives, SUM(score_sum) AS score_sum
        FROM score_bins
        GROUP BY event_date, age_hours, task, model, slice, bin
      ) AS s
      JOIN chosen_age AS chosen
        ON chosen.event_date = s.event_date AND chosen.age_hours = s.age_hours AND chosen.task = s.task
    ) AS b
  ) AS c
  WHERE part IS NOT NULL
  GROUP BY event_date, age_hours, is_final, provisional, task, model, slice, part
) AS m
