-- Every metric at the newest label age it was computed for; is_final says whether labels can still change it.
-- A nowcast, as log_loss[nowcast], is shown as long as that is the newest age: what has come is better than what was to.
-- What is provisional (see there) is shown only where nothing else is; days compare without it, as in metrics_final.
SELECT m.*
FROM metrics AS m
JOIN (
  SELECT
    event_date, task, model, slice, REPLACE(metric, '[nowcast]', '') AS metric,
    COALESCE(MAX(CASE WHEN NOT COALESCE(provisional, FALSE) THEN age_hours END), MAX(age_hours)) AS age_hours
  FROM metrics
  GROUP BY event_date, task, model, slice, REPLACE(metric, '[nowcast]', '')
) AS newest
  ON m.event_date = newest.event_date AND m.age_hours = newest.age_hours AND m.task = newest.task
  AND m.model = newest.model AND m.slice = newest.slice AND REPLACE(m.metric, '[nowcast]', '') = newest.metric
