-- The one label age at which a task of a day is looked at: the newest whose labels no longer change, else the newest.
SELECT
  held.event_date, held.task,
  COALESCE(MAX(CASE WHEN final.task IS NOT NULL THEN held.age_hours END), MAX(held.age_hours)) AS age_hours,
  COUNT(final.task) > 0 AS is_final
FROM (SELECT DISTINCT event_date, age_hours, task FROM statistics) AS held
LEFT JOIN (SELECT DISTINCT event_date, age_hours, task FROM metrics WHERE is_final) AS final
  ON final.event_date = held.event_date AND final.age_hours = held.age_hours AND final.task = held.task
GROUP BY held.event_date, held.task
