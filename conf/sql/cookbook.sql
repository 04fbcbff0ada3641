-- The daily questions. Each statement runs unchanged on Apache Spark, on Sail and on DuckDB, over our tables and views:
--   lossledger sql CONFIG "SELECT …"
-- Elsewhere make the views first: CREATE VIEW clip AS the text of clip.sql, then price, chosen_age, statistics_latest, then
-- the others; put your dimensions where a comment in a file says so, as in ledger.sql and slice_metrics.sql.
-- For most questions the view ledger is enough: whole losses, one age, DOUBLE. The log loss of anything is
--   SELECT country, SUM(nll) / SUM(weight) AS log_loss FROM ledger WHERE task = 'ctr' AND model = 'champion' GROUP BY country
-- Dimensions are those of conf/nightly.yaml; put your own in place of country and device, any of them, or none.
-- Three rules:
--   * Add statistics, never average metrics: a mean of ratios is the ratio of nothing.
--   * CAST a sum to DOUBLE before it is divided: Apache Spark keeps 6 digits of DECIMAL / DECIMAL.
--   * A sum over days that did not all record a statistic is NULL, not a part: COUNT(x) = COUNT(*) says so.

-- 1. How good is each model per country and device over the last 28 days whose labels are complete? For a week, put 7.
WITH final_day AS (
  SELECT event_date, age_hours, task FROM chosen_age WHERE is_final
),
slice AS (
  SELECT
    task, model, country, device,
    SUM(n) AS n,
    CAST(SUM(weight) AS DOUBLE) AS weight,
    CAST(SUM(positive_weight) AS DOUBLE) AS positives,
    CAST(SUM(negative_weight) AS DOUBLE) AS negatives,
    CAST(SUM(score_sum) AS DOUBLE) AS expected,
    CASE WHEN COUNT(nll) = COUNT(*) THEN CAST(SUM(nll) AS DOUBLE) END AS nll
  FROM statistics_priced
  JOIN final_day USING (event_date, age_hours, task)
  WHERE event_date > (SELECT MAX(event_date) FROM metrics_final) - 28
  GROUP BY task, model, country, device
)
SELECT
  task, model, country, device, n,
  nll / NULLIF(weight, 0) AS log_loss,
  CASE WHEN positives > 0 AND negatives > 0
    THEN nll / (positives * LN(weight / positives) + negatives * LN(weight / negatives)) END AS normalized_entropy,
  expected / NULLIF(positives, 0) AS predicted_over_actual
FROM slice
-- Below this, a number says more about chance than about a model.
WHERE n >= 50
ORDER BY task, country, device, model;

-- 2. How do traffic, rates and losses move from day to day? Where a day is not final, labels are still to come.
WITH whole_day AS (
  SELECT
    event_date, age_hours, task, model,
    SUM(n) AS n,
    SUM(unscored) AS unscored,
    CAST(SUM(weight) AS DOUBLE) AS weight,
    CAST(SUM(positive_weight) AS DOUBLE) AS positives,
    CAST(SUM(negative_weight) AS DOUBLE) AS negatives,
    CAST(SUM(score_sum) AS DOUBLE) AS expected,
    CASE WHEN COUNT(nll) = COUNT(*) THEN CAST(SUM(nll) AS DOUBLE) END AS nll
  FROM statistics_priced
  GROUP BY event_date, age_hours, task, model
)
SELECT
  event_date, age_hours, task, model, final_day.is_final IS NOT NULL AS is_final, n, unscored,
  positives / NULLIF(weight, 0) AS base_rate,
  expected / NULLIF(weight, 0) AS mean_score,
  nll / NULLIF(weight, 0) AS log_loss,
  CASE WHEN positives > 0 AND negatives > 0
    THEN nll / (positives * LN(weight / positives) + negatives * LN(weight / negatives)) END AS normalized_entropy
FROM whole_day
LEFT JOIN (SELECT event_date, age_hours, task, is_final FROM chosen_age WHERE is_final) AS final_day
  USING (event_date, age_hours, task)
ORDER BY task, model, event_date;

-- 3. Which slices got worse than the day before? Most harm first: the change times the traffic. Equal ages only; where
-- loss.clip was another, the scores of exactly 0 and 1 were priced otherwise: there is no harm to tell.
SELECT
  today.event_date, today.task, today.model, today.slice, today.n,
  before.value AS normalized_entropy_before,
  today.value AS normalized_entropy,
  before.clip IS NOT DISTINCT FROM today.clip AS same_clip,
  CASE WHEN before.clip IS NOT DISTINCT FROM today.clip THEN (today.value - before.value) * today.weight END AS harm
FROM metrics_final AS today
JOIN metrics_final AS before
  ON before.event_date = today.event_date - 1 AND before.age_hours = today.age_hours AND before.task = today.task
  AND before.model = today.model AND before.slice = today.slice AND before.metric = today.metric
WHERE today.metric = 'normalized_entropy' AND today.value IS NOT NULL AND before.value IS NOT NULL
ORDER BY harm DESC NULLS LAST
LIMIT 20;

-- 4. Which model does better, and where? A positive gain is for the model on the left; it says nothing of chance yet.
SELECT
  a.event_date, a.task, a.slice, a.n, a.model, b.model AS other_model,
  a.value AS log_loss,
  b.value AS other_log_loss,
  CASE WHEN b.clip IS NOT DISTINCT FROM a.clip THEN (b.value - a.value) / NULLIF(b.value, 0) END AS gain
FROM metrics_final AS a
JOIN metrics_final AS b
  ON b.event_date = a.event_date AND b.age_hours = a.age_hours AND b.task = a.task
  AND b.slice = a.slice AND b.metric = a.metric AND b.model > a.model
WHERE a.metric = 'log_loss'
ORDER BY a.event_date DESC, a.task, a.slice, a.model, other_model;

-- 5. Did the nights run, and did every row end somewhere? in_doubt: run that day again before you read its numbers.
SELECT
  event_date, age_hours, state, in_doubt, started_time, ended_time,
  rows_read, rows_outside, rows_rejected, rows_duplicate, rows_scored,
  rows_read = rows_outside + rows_rejected + rows_duplicate + rows_scored AS ties_out,
  message
FROM runs_latest
ORDER BY event_date DESC, age_hours;

-- 6. What was rejected, and why? Of the newest run of each day; the exact counts of all rows are in runs.rejected.
SELECT event_date, age_hours, source, task, model, reason, COUNT(*) AS stored_rows, MIN(key) AS for_example
FROM rejects
JOIN (SELECT run_id FROM runs_latest) AS newest USING (run_id)
GROUP BY event_date, age_hours, source, task, model, reason
ORDER BY event_date DESC, stored_rows DESC, source, reason, task NULLS FIRST, model NULLS FIRST;

-- 7. Do clicks find their impressions? Orphans: compare the ids. Before: compare the clocks. `click` is the label log.
SELECT
  event_date, age_hours, run_id,
  CAST(NULLIF(REGEXP_EXTRACT(label_events, '"click": [{][^{}]*"inside": ([0-9]+)', 1), '') AS BIGINT) AS inside,
  CAST(NULLIF(REGEXP_EXTRACT(label_events, '"click": [{][^{}]*"before": ([0-9]+)', 1), '') AS BIGINT) AS before,
  CAST(NULLIF(REGEXP_EXTRACT(label_events, '"click": [{][^{}]*"after": ([0-9]+)', 1), '') AS BIGINT) AS after,
  CAST(NULLIF(REGEXP_EXTRACT(label_events, '"click": [{][^{}]*"orphan": ([0-9]+)', 1), '') AS BIGINT) AS orphans,
  label_events
FROM runs
WHERE state = 'done' AND label_events IS NOT NULL
ORDER BY event_date DESC, age_hours, event_time DESC;

-- 8. What made a number: which run, code, configuration, input and versions?
SELECT DISTINCT
  m.event_date, m.age_hours, m.run_id, r.event_time AS done_time, r.code_hash, r.config_hash, r.inputs, r.versions
FROM metrics_latest AS m
JOIN runs AS r ON r.run_id = m.run_id AND r.state = 'done'
ORDER BY event_date DESC;

-- 9. Did last night run, is it whole, is anything red? No row: it never began, as missing_nights says.
SELECT
  event_date, age_hours, status, as_of, ended_time, rows_read, rows_rejected, gates, gates_failed, labels_late,
  labels_missing, message
FROM night_status
ORDER BY event_date DESC, age_hours;

-- 10. Which gates did not pass, and why? Needs `gates`.
SELECT event_date, age_hours, gate, country, device, verdict, fails, sentence
FROM gates_latest
WHERE verdict <> 'passed'
ORDER BY event_date DESC, fails DESC, gate, slice;

-- 11. Where is it worse than before by more than chance allows, why, and since when? Needs `changes`.
SELECT
  event_date, task, model, against, place, slice, country, device, difference, ci_low, ci_high, harm, within, mix,
  first_bad_day, n
FROM worst_slices
WHERE metric = 'log_loss' AND place <= 20
ORDER BY event_date DESC, against, task, model, place;

-- 12. How did every country move, and is it the model (within) or the traffic (mix)? Needs `changes`.
SELECT event_date, task, model, country, against, before, now, difference, ci_low, ci_high, within, mix, interaction
FROM slice_changes
WHERE metric = 'normalized_entropy' AND country IS NOT NULL AND device IS NULL
ORDER BY event_date DESC, task, model, country, against;

-- 13. Does the candidate beat the champion, and is it nowhere worse? Needs `comparisons`.
SELECT
  event_date, comparison, task, country, device, candidate_value, baseline_value, difference, ci_low, ci_high, p_adjusted,
  CASE WHEN ci_low > 0 THEN 'worse' WHEN ci_high < 0 THEN 'better' WHEN ci_low IS NOT NULL THEN 'not told apart'
    ELSE ci_reason END AS candidate_is,
  n, only_candidate, only_baseline
FROM slice_comparisons
WHERE metric = 'log_loss'
ORDER BY event_date DESC, comparison, task, country NULLS FIRST, device NULLS FIRST;

-- 14. Is too much predicted anywhere? By country and device, with intervals; NULL in both is all together.
SELECT event_date, age_hours, is_final, task, model, country, device, value, ci_low, ci_high, n, reason, ci_reason
FROM slice_metrics
WHERE metric = 'predicted_over_actual'
ORDER BY event_date DESC, task, model, country NULLS FIRST, device NULLS FIRST;

-- 15. Which labels are late or missing, and where; how much of each is to come? Needs a label that comes as a log.
SELECT
  event_date, age_hours, label, slice, verdict, positives, expected_positives, expected_low, expected_high, share,
  share_low, share_high, retracted, reason
FROM label_arrival
WHERE verdict IN ('labels_late', 'labels_missing') OR slice = ''
ORDER BY event_date DESC, age_hours, label, slice;

-- 16. How much of each label is there in every country, beside what earlier days let expect, and what was taken back?
-- of_expected is 1 where all of it is there that is as a rule at this age. Needs a label that comes as a log.
SELECT
  event_date, age_hours, is_final, label, country, verdict, positives, expected_positives, of_expected, share, share_low,
  share_high, retracted, reason
FROM slice_arrival
WHERE country IS NOT NULL AND device IS NULL
ORDER BY event_date DESC, label, of_expected NULLS LAST, country;

-- 17. Are both tables of sums the same to the last digit? Over all cells, and over all shards of the total (slice '').
-- Where the total is not among the slices, nothing agrees.
SELECT
  event_date, age_hours, task, model, cells.n,
  cells.n IS NOT DISTINCT FROM shards.n AND cells.weight IS NOT DISTINCT FROM shards.weight
    AND cells.positives IS NOT DISTINCT FROM shards.positives
    AND cells.positive_nll IS NOT DISTINCT FROM shards.positive_nll
    AND cells.negative_nll IS NOT DISTINCT FROM shards.negative_nll
    AND cells.squared_error IS NOT DISTINCT FROM shards.squared_error AS agrees
FROM (
  SELECT
    event_date, age_hours, task, model, SUM(n) AS n, SUM(weight) AS weight, SUM(positive_weight) AS positives,
    SUM(positive_nll) AS positive_nll, SUM(negative_nll) AS negative_nll, SUM(squared_error) AS squared_error
  FROM statistics
  GROUP BY event_date, age_hours, task, model
) AS cells
FULL JOIN (
  SELECT
    event_date, age_hours, task, model, SUM(n) AS n, SUM(weight) AS weight, SUM(positive_weight) AS positives,
    SUM(positive_nll) AS positive_nll, SUM(negative_nll) AS negative_nll, SUM(squared_error) AS squared_error
  FROM shard_statistics
  WHERE slice = ''
  GROUP BY event_date, age_hours, task, model
) AS shards USING (event_date, age_hours, task, model)
ORDER BY event_date DESC, task, model;
