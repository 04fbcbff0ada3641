-- How far every metric of every declared slice is from earlier days, and why: changes at the one label age of chosen_age,
-- the slice's dimensions as columns, as in slice_metrics.
--   is_final     whether the labels of the task no longer change at this age
--   provisional  whether not all labels of this age were known; only where there is no other age
SELECT
  m.event_date, m.age_hours, chosen.is_final, chosen.provisional, m.task, m.model, m.slice,
  /* dimensions of m */
  m.metric, m.against, m.before, m.now, m.difference, m.ci_low, m.ci_high, m.relative_difference, m.p_adjusted,
  m.within, m.mix, m.interaction, m.calibration, m.discrimination, m.uncertainty, m.harm, m.first_bad_day,
  m.n, m.weight, m.reason, m.ci_reason
FROM changes AS m
JOIN chosen_age AS chosen
  ON chosen.event_date = m.event_date AND chosen.age_hours = m.age_hours AND chosen.task = m.task
