-- The exact sums of every day at its newest label age, one row per cell; without what is provisional. In the files a
-- dimension that came later is NULL on the days before it: `lossledger sql` shows it as (not recorded), as ledger does.
SELECT s.*
FROM statistics AS s
JOIN (
  SELECT event_date, MAX(age_hours) AS age_hours
  FROM statistics
  WHERE NOT COALESCE(provisional, FALSE)
  GROUP BY event_date
) AS newest
  ON s.event_date = newest.event_date AND s.age_hours = newest.age_hours
