-- The class_ledger by declared slice and shard: one row per day, task, model, slice and shard, at one label age.
-- The loss is whole: scores of exactly 0 and 1 are in it, all days priced at the clip that is configured now.
-- Slices overlap: take one of them at a time, e.g. WHERE slice = ''. In DOUBLE, so that a quotient keeps its digits.
--   is_final        whether the labels of the task no longer change at this age
--   provisional     whether not all labels of this age were known; only where there is no other age
--   correct_weight  weight of the rows whose class has the highest score; ties are shared
--   nll             negative log-likelihood, nats: SUM(nll) / SUM(weight) is the log loss. NaN, not NULL, where
--                   it was not recorded: a sum would pass over NULL, and be too small
SELECT
  s.event_date, s.age_hours, chosen.is_final, chosen.provisional, s.task, s.model,
  s.slice, s.shard,
  s.n, s.unscored,
  CAST(s.weight AS DOUBLE) AS weight,
  CAST(s.correct_weight AS DOUBLE) AS correct_weight,
  COALESCE(
    CAST(s.class_nll AS DOUBLE)
    + CASE WHEN s.hard_wrong_weight = 0 THEN 0
      ELSE CAST(s.hard_wrong_weight AS DOUBLE) * COALESCE(price.of_wrong, CAST('Infinity' AS DOUBLE)) END
    + CAST(s.hard_right_weight AS DOUBLE) * price.of_right,
    CAST('NaN' AS DOUBLE)
  ) AS nll,
  s.as_of, s.run_id
FROM shard_statistics AS s
JOIN chosen_age AS chosen
  ON chosen.event_date = s.event_date AND chosen.age_hours = s.age_hours AND chosen.task = s.task
CROSS JOIN price
-- The rows of tasks of other kinds have no such weight.
WHERE s.correct_weight IS NOT NULL
