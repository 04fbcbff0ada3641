-- The sums of multi-class tasks for analysts, at one label age: one row per day, task, model and cell.
-- The loss is whole: scores of exactly 0 and 1 are in it, all days priced at the clip that is configured now.
-- In DOUBLE, so that a quotient keeps its digits. For `dimensions of raw` put yours:
-- COALESCE(raw.country, '(not recorded)') AS country, …: so is what days have on which it was no dimension.
--   is_final        whether the labels of the task no longer change at this age
--   provisional     whether not all labels of this age were known; only where there is no other age
--   correct_weight  weight of the rows whose class has the highest score; ties are shared
--   nll             negative log-likelihood, nats: SUM(nll) / SUM(weight) is the log loss. NaN, not NULL, where
--                   it was not recorded: a sum would pass over NULL, and be too small
SELECT
  raw.event_date, raw.age_hours, chosen.is_final, chosen.provisional, raw.task, raw.model,
  /* dimensions of raw */
  raw.n, raw.unscored,
  CAST(raw.weight AS DOUBLE) AS weight,
  CAST(raw.correct_weight AS DOUBLE) AS correct_weight,
  COALESCE(
    CAST(raw.class_nll AS DOUBLE)
    + CASE WHEN raw.hard_wrong_weight = 0 THEN 0
      ELSE CAST(raw.hard_wrong_weight AS DOUBLE) * COALESCE(price.of_wrong, CAST('Infinity' AS DOUBLE)) END
    + CAST(raw.hard_right_weight AS DOUBLE) * price.of_right,
    CAST('NaN' AS DOUBLE)
  ) AS nll,
  raw.as_of, raw.run_id
FROM statistics AS raw
JOIN chosen_age AS chosen
  ON chosen.event_date = raw.event_date AND chosen.age_hours = raw.age_hours AND chosen.task = raw.task
CROSS JOIN price
-- The rows of tasks of other kinds have no such weight.
WHERE raw.correct_weight IS NOT NULL
