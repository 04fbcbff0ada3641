-- How much of every label has arrived, in every declared slice: label_arrival at the one label age of chosen_age, the
-- slice's dimensions as columns, as in slice_metrics. Other ages of the day are in label_arrival.
--   is_final     whether the labels of the task no longer change at this age
--   provisional  whether not all labels of this age were known; only where there is no other age
--   of_expected  positives as a part of expected_positives: 1 where all is there that is as a rule at this age
SELECT
  m.event_date, m.age_hours, chosen.is_final, chosen.provisional, m.label, m.task, m.slice,
  /* dimensions of m */
  m.verdict, m.positives, m.positive_rows, m.expected_positives, m.expected_low, m.expected_high,
  m.positives / NULLIF(m.expected_positives, 0) AS of_expected, m.p_adjusted, m.share, m.share_low, m.share_high, m.share_of,
  m.retracted, m.n, m.weight, m.reason
FROM label_arrival AS m
JOIN chosen_age AS chosen
  ON chosen.event_date = m.event_date AND chosen.age_hours = m.age_hours AND chosen.task = m.task
