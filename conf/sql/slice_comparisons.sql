-- Two models on the impressions that both can score, in every declared slice: comparisons at the one label age of
-- chosen_age, the slice's dimensions as columns, as in slice_metrics.
--   is_final     whether the labels of the task no longer change at this age
--   provisional  whether not all labels of this age were known; only where there is no other age
SELECT
  m.event_date, m.age_hours, chosen.is_final, chosen.provisional, m.comparison, m.task, m.slice,
  /* dimensions of m */
  m.metric, m.candidate, m.baseline, m.candidate_value, m.baseline_value, m.difference, m.ci_low, m.ci_high,
  m.relative_difference, m.p_adjusted, m.running_value, m.running_low, m.running_high, m.running_since, m.detectable,
  m.n, m.weight, m.only_candidate, m.only_baseline, m.reason, m.ci_reason
FROM comparisons AS m
JOIN chosen_age AS chosen
  ON chosen.event_date = m.event_date AND chosen.age_hours = m.age_hours AND chosen.task = m.task
