-- Did last night run, is it whole, was it late, is anything red? One row per day and age that was begun; of a night that
-- never began there is none, missing_nights has those.
--   status        ok | red, a gate fails | labels_missing | labels_late | provisional | refused | failed
--                 | in_doubt: run it again, see runs_latest
--   as_of         moment up to which labels were known, mostly that of the age: a run is late by ended_time less this
--   started_time  when the run began, UTC
--   ended_time    when it ended, UTC; NULL for a run that did not
--   gates         how many gates were judged, each slice counted
--   gates_failed  by how many of them the night fails
--   labels_late     in how many slices a label is late, each label counted; see label_arrival
--   labels_missing  in how many it is missing; see there
--   message       why it failed, was refused or is provisional
SELECT
  r.event_date, r.age_hours,
  CASE
    WHEN r.in_doubt THEN 'in_doubt'
    WHEN r.state <> 'done' THEN r.state
    WHEN run.provisional = 1 THEN 'provisional'
    WHEN judged.gates_failed > 0 THEN 'red'
    WHEN labels.labels_missing > 0 THEN 'labels_missing'
    WHEN labels.labels_late > 0 THEN 'labels_late'
    ELSE 'ok' END AS status,
  run.as_of, r.started_time, r.ended_time, r.rows_read, r.rows_rejected, r.rows_scored,
  judged.gates, judged.gates_failed, labels.labels_late, labels.labels_missing, r.message, r.run_id
FROM runs_latest AS r
JOIN (
  SELECT run_id, MAX(as_of) AS as_of, MAX(CASE WHEN provisional THEN 1 ELSE 0 END) AS provisional
  FROM runs
  GROUP BY run_id
) AS run
  ON run.run_id = r.run_id
JOIN (
  SELECT
    event_date, age_hours,
    CAST(SUM(gates) AS BIGINT) AS gates, CAST(SUM(gates_failed) AS BIGINT) AS gates_failed
  FROM gate_counts
  GROUP BY event_date, age_hours
) AS judged
  ON judged.event_date = r.event_date AND judged.age_hours = r.age_hours
JOIN (
  SELECT
    event_date, age_hours,
    CAST(SUM(labels_late) AS BIGINT) AS labels_late, CAST(SUM(labels_missing) AS BIGINT) AS labels_missing
  FROM arrival_counts
  GROUP BY event_date, age_hours
) AS labels
  ON labels.event_date = r.event_date AND labels.age_hours = r.age_hours
