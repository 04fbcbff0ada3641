-- Every metric at the newest label age it was computed for; is_final says whether labels can still change it.
SELECT m.*
FROM metrics AS m
JOIN (
  SELECT event_date, task, model, slice, metric, MAX(age_hours) AS age_hours
  FROM metrics
  GROUP BY event_date, task, model, slice, metric
) AS newest
  ON m.event_date = newest.event_date AND m.age_hours = newest.age_hours AND m.task = newest.task
  AND m.model = newest.model AND m.slice = newest.slice AND m.metric = newest.metric
