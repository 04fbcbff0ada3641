-- Nights that never ran: days that no run has begun at an age although it has begun days before or after them. Of each
-- age from the first day that was begun at any, to the day that reaches it with the newest one of the youngest age.
--   first_day  the first of some days in a row
--   last_day   the last of them: lossledger backfill CONFIG --from FIRST_DAY --to LAST_DAY --ages AGE
WITH begun AS (
  SELECT DISTINCT event_date, age_hours FROM runs
),
ends AS (
  SELECT MIN(event_date) AS first_day, MIN(age_hours) AS youngest FROM begun
),
newest AS (
  SELECT MIN(ends.first_day) AS first_day, MIN(ends.youngest) AS youngest, MAX(begun.event_date) AS newest_day
  FROM begun
  JOIN ends ON begun.age_hours = ends.youngest
),
expected AS (
  SELECT
    begun.age_hours, MIN(newest.first_day) AS first_day, MAX(begun.event_date) AS begun_day,
    MIN(newest.newest_day) - CAST(FLOOR((begun.age_hours - MIN(newest.youngest)) / 24) AS INT) AS due_day
  FROM begun
  CROSS JOIN newest
  GROUP BY begun.age_hours
),
placed AS (
  SELECT
    age_hours, event_date, LEAD(event_date) OVER (PARTITION BY age_hours ORDER BY event_date) AS next_date
  FROM (
    SELECT age_hours, event_date FROM begun
    UNION ALL
    SELECT age_hours, first_day - 1 AS event_date FROM expected
    UNION ALL
    SELECT age_hours, GREATEST(begun_day, due_day) + 1 AS event_date FROM expected
  ) AS with_ends
)
SELECT age_hours, event_date + 1 AS first_day, next_date - 1 AS last_day
FROM placed
WHERE next_date > event_date + 1
