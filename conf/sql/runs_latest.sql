-- The run that counts for every day and label age, and whether the tables can be trusted there: one row per day and age.
--   run_id       of the newest run; where that one was done, of the run whose rows the tables hold
--   state        done | failed | refused | in_doubt, the last for a run that did not end: it was killed, or is under way
--   in_doubt     true for such a run, and where the tables of results hold anything but the rows of one run that was
--                done, the last to begin or to end; run the day again. A run that was refused or failed before it wrote
--                leaves the day as good as it was.
--   held_run_id  the run that the rows of all tables are of; NULL where there are none, or of several
--   started_time  when the run began, UTC
--   ended_time   when it ended, UTC; NULL for a run that did not
WITH run AS (
  SELECT
    event_date, age_hours, run_id,
    COALESCE(MAX(turn), 0) AS turn,
    MAX(CASE WHEN state = 'started' THEN event_time END) AS started_time,
    MAX(CASE WHEN state NOT IN ('started', 'running') THEN event_time END) AS ended_time,
    MAX(CASE WHEN state = 'done' THEN event_time END) AS done_time,
    MAX(CASE WHEN state NOT IN ('started', 'running') THEN state END) AS ending,
    MAX(rows_read) AS rows_read,
    MAX(rows_outside) AS rows_outside,
    MAX(rows_rejected) AS rows_rejected,
    MAX(rows_duplicate) AS rows_duplicate,
    MAX(rows_scored) AS rows_scored,
    MAX(rejected) AS rejected,
    MAX(CASE WHEN state NOT IN ('started', 'running') THEN message END) AS message
  FROM runs
  GROUP BY event_date, age_hours, run_id
),
placed AS (
  SELECT
    run.*,
    ROW_NUMBER() OVER (
      PARTITION BY event_date, age_hours ORDER BY turn DESC, started_time DESC NULLS LAST, run_id DESC
    ) AS place,
    ROW_NUMBER() OVER (
      PARTITION BY event_date, age_hours, done_time IS NULL ORDER BY turn DESC, started_time DESC NULLS LAST, run_id DESC
    ) AS place_by_start,
    ROW_NUMBER() OVER (
      PARTITION BY event_date, age_hours, done_time IS NULL ORDER BY done_time DESC, run_id DESC
    ) AS place_by_end
  FROM run
),
-- Every day and age of `runs` with what the tables hold of it: the run where it is one, and whether it may be trusted.
known AS (
  SELECT
    newest.event_date, newest.age_hours, newest.run_id, newest.ending, done.event_date IS NOT NULL AS was_done,
    counted.run_id IS NOT NULL AS has_rows,
    CASE WHEN counted.run_id = counted.other_run_id AND counted.required = 3 THEN counted.run_id END AS held_run_id
  FROM placed AS newest
  LEFT JOIN placed AS done
    ON done.event_date = newest.event_date AND done.age_hours = newest.age_hours
    AND done.done_time IS NOT NULL AND done.place_by_end = 1
  LEFT JOIN (
    SELECT
      event_date, age_hours, MIN(run_id) AS run_id, MAX(run_id) AS other_run_id,
      COUNT(DISTINCT CASE WHEN held_by IN ('statistics', 'shard_statistics', 'metrics') THEN held_by END) AS required
    FROM held
    GROUP BY event_date, age_hours
  ) AS counted
    ON counted.event_date = newest.event_date AND counted.age_hours = newest.age_hours
  WHERE newest.place = 1
),
trusted AS (
  SELECT known.*, holder.run_id AS trusted_run_id
  FROM known
  LEFT JOIN placed AS holder
    ON holder.event_date = known.event_date AND holder.age_hours = known.age_hours
    AND holder.run_id = known.held_run_id AND holder.done_time IS NOT NULL
    AND (holder.place_by_start = 1 OR holder.place_by_end = 1)
)
SELECT
  shown.event_date, shown.age_hours, shown.run_id,
  COALESCE(shown.ending, 'in_doubt') AS state,
  shown.started_time, shown.ended_time,
  shown.rows_read, shown.rows_outside, shown.rows_rejected, shown.rows_duplicate, shown.rows_scored,
  shown.rejected, shown.message,
  trusted.ending IS NULL OR (trusted.trusted_run_id IS NULL AND (trusted.has_rows OR trusted.was_done)) AS in_doubt,
  trusted.held_run_id
FROM trusted
JOIN placed AS shown
  ON shown.event_date = trusted.event_date AND shown.age_hours = trusted.age_hours
  AND shown.run_id = CASE WHEN trusted.ending = 'done' THEN COALESCE(trusted.trusted_run_id, trusted.run_id)
    ELSE trusted.run_id END
