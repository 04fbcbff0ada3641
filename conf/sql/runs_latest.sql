-- The run that counts for every day and label age, and whether the tables can be trusted there: one row per day and age.
--   run_id       of the newest run; where that one was done, of the run whose rows the tables hold
--   state        done | failed | refused | in_doubt, the last for a run that did not end: it was killed, or is under way
--   in_doubt     true for such a run, and where the tables of results hold anything but the rows of one run that was
--                done, the last to begin or to end; run the day again. A run that was refused or failed before it wrote
--                leaves the day as good as it was.
--   held_run_id  the run that the rows of all tables are of; NULL where there are none, or of several. After a refresh
--                the tables of sums are still of the run whose sums it was made of
--   sums_run_id  the run that the sums are of, and that was done: refresh makes all else of them; NULL where there are
--                none, or of several
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
    MAX(sums_run_id) AS sums_run_id,
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
    ) AS place_by_end,
    ROW_NUMBER() OVER (
      PARTITION BY event_date, age_hours, done_time IS NULL, sums_run_id IS NULL
      ORDER BY turn DESC, started_time DESC NULLS LAST, run_id DESC
    ) AS place_of_rows_by_start,
    ROW_NUMBER() OVER (
      PARTITION BY event_date, age_hours, done_time IS NULL, sums_run_id IS NULL ORDER BY done_time DESC, run_id DESC
    ) AS place_of_rows_by_end
  FROM run
),
-- The runs that the sums of a day and age are of, and what is made of them; where both are equal there is one run.
counted AS (
  SELECT
    event_date, age_hours,
    MIN(CASE WHEN NOT is_made THEN run_id END) AS sums_id, MAX(CASE WHEN NOT is_made THEN run_id END) AS other_sums_id,
    MIN(CASE WHEN is_made THEN run_id END) AS made_id, MAX(CASE WHEN is_made THEN run_id END) AS other_made_id,
    COUNT(DISTINCT CASE WHEN held_by IN ('statistics', 'shard_statistics') THEN held_by END) AS required_sums,
    COUNT(DISTINCT CASE WHEN held_by = 'metrics' THEN held_by END) AS required_made
  FROM (
    SELECT
      held.*, held_by IN ('metrics', 'label_arrival', 'comparisons', 'changes', 'gate_results') AS is_made
    FROM held
  ) AS each_table
  GROUP BY event_date, age_hours
),
-- The sums that a refresh may be made of: of the newest run of rows that was done.
whole AS (
  SELECT counted.event_date, counted.age_hours, counted.sums_id AS sums_run_id
  FROM counted
  JOIN placed AS summed
    ON summed.event_date = counted.event_date AND summed.age_hours = counted.age_hours
    AND summed.run_id = counted.sums_id AND summed.done_time IS NOT NULL AND summed.sums_run_id IS NULL
    AND (summed.place_of_rows_by_start = 1 OR summed.place_of_rows_by_end = 1)
  WHERE counted.sums_id = counted.other_sums_id AND counted.required_sums = 2
),
-- The run that all rows are of: the same in every table, or of what is made of sums the refresh that was made of these.
one AS (
  SELECT counted.event_date, counted.age_hours, counted.made_id AS run_id
  FROM counted
  LEFT JOIN run AS made
    ON made.event_date = counted.event_date AND made.age_hours = counted.age_hours AND made.run_id = counted.made_id
  WHERE counted.made_id = counted.other_made_id AND counted.sums_id = counted.other_sums_id
    AND counted.required_sums = 2 AND counted.required_made = 1
    AND counted.sums_id = COALESCE(made.sums_run_id, counted.made_id)
),
-- Every day and age of `runs` with what the tables hold of it: the run where it is one, and whether it may be trusted.
known AS (
  SELECT
    newest.event_date, newest.age_hours, newest.run_id, newest.ending, done.event_date IS NOT NULL AS was_done,
    counted.event_date IS NOT NULL AS has_rows, one.run_id AS held_run_id, whole.sums_run_id
  FROM placed AS newest
  LEFT JOIN placed AS done
    ON done.event_date = newest.event_date AND done.age_hours = newest.age_hours
    AND done.done_time IS NOT NULL AND done.place_by_end = 1
  LEFT JOIN counted
    ON counted.event_date = newest.event_date AND counted.age_hours = newest.age_hours
  LEFT JOIN one
    ON one.event_date = newest.event_date AND one.age_hours = newest.age_hours
  LEFT JOIN whole
    ON whole.event_date = newest.event_date AND whole.age_hours = newest.age_hours
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
  trusted.held_run_id, trusted.sums_run_id
FROM trusted
JOIN placed AS shown
  ON shown.event_date = trusted.event_date AND shown.age_hours = trusted.age_hours
  AND shown.run_id = CASE WHEN trusted.ending = 'done' THEN COALESCE(trusted.trusted_run_id, trusted.run_id)
    ELSE trusted.run_id END
