-- The exact sums of every day at its newest label age, one row per cell.
SELECT s.*
FROM statistics AS s
JOIN (SELECT event_date, MAX(age_hours) AS age_hours FROM statistics GROUP BY event_date) AS newest
  ON s.event_date = newest.event_date AND s.age_hours = newest.age_hours
