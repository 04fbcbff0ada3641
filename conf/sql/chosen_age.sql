-- The one label age at which a task of a day is looked at: the newest whose labels no longer change, else the newest
-- that is not provisional, else the newest.
--   is_final     whether the labels of the task no longer change at this age
--   provisional  whether not all labels of this age were known: such a day compares with no other
SELECT event_date, task, age_hours, is_final, provisional
FROM (
  SELECT
    held.event_date, held.task, held.age_hours, final.task IS NOT NULL AS is_final, held.provisional,
    ROW_NUMBER() OVER (
      PARTITION BY held.event_date, held.task
      ORDER BY CASE WHEN final.task IS NOT NULL THEN 0 WHEN NOT held.provisional THEN 1 ELSE 2 END, held.age_hours DESC
    ) AS place
  FROM (
    SELECT event_date, age_hours, task, MAX(CASE WHEN provisional THEN 1 ELSE 0 END) = 1 AS provisional
    FROM statistics
    GROUP BY event_date, age_hours, task
  ) AS held
  -- Where labels are missing in a slice, that one is not final, and so not all cells of the day are.
  LEFT JOIN (
    SELECT event_date, age_hours, task
    FROM metrics
    GROUP BY event_date, age_hours, task
    HAVING MIN(CASE WHEN is_final THEN 1 ELSE 0 END) = 1
  ) AS final
    ON final.event_date = held.event_date AND final.age_hours = held.age_hours AND final.task = held.task
) AS ages
WHERE place = 1
