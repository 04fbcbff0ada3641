-- What there is to count of gates by day and age, for night_status: add it. A night without gates has rows of 0.
-- An evaluation may lack the last table: leave it out, as `lossledger sql` does.
--   gates         1 for a gate in a slice
--   gates_failed  1 where the night fails by it
SELECT DISTINCT event_date, age_hours, 0 AS gates, 0 AS gates_failed FROM runs
UNION ALL
SELECT event_date, age_hours, 1 AS gates, CASE WHEN fails THEN 1 ELSE 0 END AS gates_failed FROM gate_results
