-- The runs that each table holds rows of, by day and age: one and the same where all is well. runs_latest asks it.
-- An evaluation has the first three tables and may lack the others: leave out what is not there, as `lossledger sql` does.
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
UNION ALL
SELECT DISTINCT 'comparisons' AS held_by, event_date, age_hours, run_id FROM comparisons
UNION ALL
SELECT DISTINCT 'unpaired_statistics' AS held_by, event_date, age_hours, run_id FROM unpaired_statistics
UNION ALL
SELECT DISTINCT 'unpaired_bins' AS held_by, event_date, age_hours, run_id FROM unpaired_bins
UNION ALL
SELECT DISTINCT 'unpaired_classes' AS held_by, event_date, age_hours, run_id FROM unpaired_classes
UNION ALL
SELECT DISTINCT 'pair_statistics' AS held_by, event_date, age_hours, run_id FROM pair_statistics
UNION ALL
SELECT DISTINCT 'label_arrival' AS held_by, event_date, age_hours, run_id FROM label_arrival
