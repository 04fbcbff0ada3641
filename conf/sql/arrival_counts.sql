-- What there is to count of labels by day and age, for night_status: add it. A night without any has rows of 0.
-- An evaluation may lack the last table: leave it out, as `lossledger sql` does.
--   labels_late     1 for a label that is late in a slice
--   labels_missing  1 for a label that is missing in a slice
SELECT DISTINCT event_date, age_hours, 0 AS labels_late, 0 AS labels_missing FROM runs
UNION ALL
SELECT
  event_date, age_hours,
  CASE WHEN verdict = 'labels_late' THEN 1 ELSE 0 END AS labels_late,
  CASE WHEN verdict = 'labels_missing' THEN 1 ELSE 0 END AS labels_missing
FROM label_arrival
