-- Every gate in every slice as it was last judged: at the newest label age of the day that is not provisional, else at
-- the newest. The slice's dimensions are columns, as in slice_metrics.
SELECT
  m.event_date, m.age_hours, m.provisional, m.gate, m.slice,
  /* dimensions of m */
  m.verdict, m.fails, m.sentence, m.value, m.low, m.high, m.least, m.most
FROM gate_results AS m
JOIN (
  SELECT
    event_date,
    COALESCE(MAX(CASE WHEN NOT COALESCE(provisional, FALSE) THEN age_hours END), MAX(age_hours)) AS age_hours
  FROM gate_results
  GROUP BY event_date
) AS newest
  ON m.event_date = newest.event_date AND m.age_hours = newest.age_hours
