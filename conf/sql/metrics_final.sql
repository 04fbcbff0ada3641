-- Every metric whose labels no longer change, at the newest label age; compare days with these.
SELECT m.*
FROM metrics AS m
JOIN (
  SELECT event_date, task, model, slice, metric, MAX(age_hours) AS age_hours
  FROM metrics
  WHERE is_final
  GROUP BY event_date, task, model, slice, metric
) AS newest
  ON m.event_date = newest.event_date AND m.age_hours = newest.age_hours AND m.task = newest.task
  AND m.model = newest.model AND m.slice = newest.slice AND m.metric = newest.metric
