-- Every metric of every declared slice with its interval, the slice's dimensions as columns; at the one label age of
-- chosen_age. Values are spelled as in ledger. For `dimensions of m` put yours, as for country:
--   CASE WHEN POSITION(',country=' IN CONCAT(',', m.slice)) > 0
--   THEN SPLIT_PART(SPLIT_PART(CONCAT(',', m.slice), ',country=', 2), ',', 1) END AS country,
-- A dimension that a slice leaves open is NULL: take one declaration at a time, as slices overlap.
--   is_final     whether the labels of the task no longer change at this age
--   provisional  whether not all labels of this age were known; only where there is no other age
SELECT
  m.event_date, m.age_hours, chosen.is_final, chosen.provisional, m.task, m.model, m.slice,
  /* dimensions of m */
  m.metric, m.value, m.ci_low, m.ci_high, m.n, m.weight, m.positives, m.reason, m.ci_reason, m.clip
FROM metrics AS m
JOIN chosen_age AS chosen
  ON chosen.event_date = m.event_date AND chosen.age_hours = m.age_hours AND chosen.task = m.task
