-- The newest run of every day and label age, and whether the tables can be trusted there: one row per day and age.
--   state     done | failed | refused | in_doubt, the last for a run that did not end: it was killed, or is under way
--   in_doubt  true for such a run, and where statistics, shard_statistics and metrics hold anything but the rows of the
--             newest run that was done; run the day again. A run that was refused or failed before it wrote leaves the
--             day as good as it was.
--   started_time  when the run began, UTC
--   ended_time    when it ended, UTC; NULL for a run that did not
WITH run AS (
  SELECT
    event_date, age_hours, run_id,
    MAX(CASE WHEN state = 'started' THEN event_time END) AS started_time,
    MAX(CASE WHEN state <> 'started' THEN event_time END) AS ended_time,
    MAX(CASE WHEN state = 'done' THEN event_time END) AS done_time,
    MAX(CASE WHEN state <> 'started' THEN state END) AS ending,
    MAX(rows_read) AS rows_read,
    MAX(rows_outside) AS rows_outside,
    MAX(rows_rejected) AS rows_rejected,
    MAX(rows_duplicate) AS rows_duplicate,
    MAX(rows_scored) AS rows_scored,
    MAX(rejected) AS rejected,
    MAX(CASE WHEN state <> 'started' THEN message END) AS message
  FROM runs
  GROUP BY event_date, age_hours, run_id
),
newest AS (
  SELECT * FROM (
    SELECT run.*, ROW_NUMBER() OVER (
      PARTITION BY event_date, age_hours ORDER BY started_time DESC NULLS LAST, run_id DESC
    ) AS place
    FROM run
  ) AS placed
  WHERE place = 1
),
newest_done AS (
  SELECT * FROM (
    SELECT run.*, ROW_NUMBER() OVER (PARTITION BY event_date, age_hours ORDER BY done_time DESC, run_id DESC) AS place
    FROM run
    WHERE done_time IS NOT NULL
  ) AS placed
  WHERE place = 1
),
-- The runs that each table holds rows of: one per table where all is well.
held AS (
  SELECT 'statistics' AS held_by, event_date, age_hours, run_id FROM statistics
  UNION
  SELECT 'shard_statistics' AS held_by, event_date, age_hours, run_id FROM shard_statistics
  UNION
  SELECT 'metrics' AS held_by, event_date, age_hours, run_id FROM metrics
),
counted AS (
  SELECT
    held.event_date, held.age_hours,
    COUNT(*) AS pieces,
    COUNT(CASE WHEN held.run_id = newest_done.run_id THEN 1 END) AS pieces_of_done
  FROM held
  LEFT JOIN newest_done ON newest_done.event_date = held.event_date AND newest_done.age_hours = held.age_hours
  GROUP BY held.event_date, held.age_hours
)
SELECT
  newest.event_date, newest.age_hours, newest.run_id,
  COALESCE(newest.ending, 'in_doubt') AS state,
  newest.started_time, newest.ended_time,
  newest.rows_read, newest.rows_outside, newest.rows_rejected, newest.rows_duplicate, newest.rows_scored,
  newest.rejected, newest.message,
  newest.ending IS NULL
    -- Three pieces, all of the run that was done; or none, where none was done yet.
    OR COALESCE(counted.pieces, 0) <> CASE WHEN newest_done.run_id IS NULL THEN 0 ELSE 3 END
    OR COALESCE(counted.pieces, 0) <> COALESCE(counted.pieces_of_done, 0)
    AS in_doubt
FROM newest
LEFT JOIN newest_done ON newest_done.event_date = newest.event_date AND newest_done.age_hours = newest.age_hours
LEFT JOIN counted ON counted.event_date = newest.event_date AND counted.age_hours = newest.age_hours
