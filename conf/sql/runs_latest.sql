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
-- Windows over a day and age in place of joins of `runs` with itself: Apache Spark plans each of these anew, and prunes
-- the partitions of one by all of the others.
known AS (
  SELECT
    placed.*,
    MAX(CASE WHEN placed.place = 1 THEN placed.run_id END) OVER night AS newest_id,
    MAX(CASE WHEN placed.place = 1 THEN placed.ending END) OVER night AS newest_ending,
    COUNT(placed.done_time) OVER night > 0 AS was_done,
    counted.event_date IS NOT NULL AS has_rows,
    counted.sums_id, counted.made_id,
    COALESCE(counted.sums_id = counted.other_sums_id AND counted.required_sums = 2, FALSE) AS has_one_sums,
    COALESCE(counted.made_id = counted.other_made_id AND counted.required_made = 1, FALSE) AS has_one_made,
    MAX(CASE WHEN placed.run_id = counted.made_id THEN placed.sums_run_id END) OVER night AS made_of
  FROM placed
  LEFT JOIN counted
    ON counted.event_date = placed.event_date AND counted.age_hours = placed.age_hours
  WINDOW night AS (PARTITION BY placed.event_date, placed.age_hours)
),
-- held_run_id: the same run in every table, or of what is made of sums the refresh that was made of these.
held_by_one AS (
  SELECT
    known.*,
    CASE WHEN has_one_sums AND has_one_made AND sums_id = COALESCE(made_of, made_id) THEN made_id END AS held_run_id
  FROM known
),
-- trusted_run_id: that run, where it was done and is the last to begin or to end.
-- whole_run_id: the newest run of rows that was done, whose sums a refresh may be made of.
trusted AS (
  SELECT
    held_by_one.*,
    MAX(CASE
      WHEN run_id = held_run_id AND done_time IS NOT NULL AND (place_by_start = 1 OR place_by_end = 1) THEN run_id
    END) OVER night AS trusted_run_id,
    MAX(CASE
      WHEN has_one_sums AND run_id = sums_id AND done_time IS NOT NULL AND sums_run_id IS NULL
        AND (place_of_rows_by_start = 1 OR place_of_rows_by_end = 1) THEN run_id
    END) OVER night AS whole_run_id
  FROM held_by_one
  WINDOW night AS (PARTITION BY event_date, age_hours)
)
SELECT
  event_date, age_hours, run_id,
  COALESCE(ending, 'in_doubt') AS state,
  started_time, ended_time,
  rows_read, rows_outside, rows_rejected, rows_duplicate, rows_scored,
  rejected, message,
  newest_ending IS NULL OR (trusted_run_id IS NULL AND (has_rows OR was_done)) AS in_doubt,
  held_run_id, whole_run_id AS sums_run_id
FROM trusted
WHERE run_id = CASE WHEN newest_ending = 'done' THEN COALESCE(trusted_run_id, newest_id) ELSE newest_id END
