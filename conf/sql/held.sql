-- The runs that each table holds rows of, by day and age: one and the same where all is well. runs_latest asks it.
-- An evaluation may lack the last four tables: leave out what is not there, as `lossledger sql` does.
--   held_by  the table
SELECT DISTINCT 'statistics' AS held_by, event_date, age_hours, run_id FROM statistics
UNION ALL
SELECT DISTINCT 'shard_statistics' AS held_by, event_date, age_hours, run_id FROM shard_statistics
UNION ALL
SELECT DISTINCT 'metrics' AS held_by, event_date, age_hours, run_id FROM metrics
UNION ALL
SELECT DISTINCT 'score_bins' AS held_by, event_date, age_hours, run_id FROM score_bins
UNION ALL
SELECT DISTINCT 'class_statistics' AS held_by, event_date, age_hours, run_id FROM class_statistics
UNION ALL
SELECT DISTINCT 'gate_results' AS held_by, event_date, age_hours, run_id FROM gate_results
UNION ALL
SELECT DISTINCT 'changes' AS held_by, event_date, age_hours, run_id FROM changes
