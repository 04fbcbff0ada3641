-- The daily questions, by who asks them. Each statement runs unchanged on DuckDB, Sail and Apache Spark, with equal answers:
--   lossledger sql CONFIG "SELECT …", or all of them: lossledger sql CONFIG -f cookbook.sql
-- docs/cookbook.md is made of this file. For tools of your own, lossledger views makes the views in their catalog.
-- For most questions the view ledger is enough: whole losses, one age, DOUBLE. The log loss of anything is
--   SELECT country, SUM(nll) / SUM(weight) AS log_loss FROM ledger WHERE task = 'ctr' AND model = 'champion' GROUP BY country
-- Dimensions are those of conf/nightly.yaml; put your own in place of country and device, any of them, or none.
-- Four rules:
--   * Add statistics, never average metrics: a mean of ratios is the ratio of nothing.
--   * CAST a sum to DOUBLE before it is divided: Apache Spark keeps 6 digits of DECIMAL / DECIMAL.
--   * A sum over days that did not all record a statistic is NULL, not a part: COUNT(x) = COUNT(*) says so.
--   * ROUND what you have divided: engines add doubles in any order, and differ in the last of 16 digits.

-- # How good are the models
-- Data scientist, any day: numbers over days and slices that nobody declared, and the curves behind them.

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
  ROUND(nll / NULLIF(weight, 0), 6) AS log_loss,
  ROUND(
    CASE WHEN positives > 0 AND negatives > 0
      THEN nll / (positives * LN(weight / positives) + negatives * LN(weight / negatives)) END,
    6
  ) AS normalized_entropy,
  ROUND(expected / NULLIF(positives, 0), 6) AS predicted_over_actual
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
  ROUND(positives / NULLIF(weight, 0), 6) AS base_rate,
  ROUND(expected / NULLIF(weight, 0), 6) AS mean_score,
  ROUND(nll / NULLIF(weight, 0), 6) AS log_loss,
  ROUND(
    CASE WHEN positives > 0 AND negatives > 0
      THEN nll / (positives * LN(weight / positives) + negatives * LN(weight / negatives)) END,
    6
  ) AS normalized_entropy
FROM whole_day
LEFT JOIN (SELECT event_date, age_hours, task, is_final FROM chosen_age WHERE is_final) AS final_day
  USING (event_date, age_hours, task)
ORDER BY task, model, event_date, age_hours;

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
ORDER BY harm DESC NULLS LAST, event_date, task, model, slice
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

-- 5. How did normalized entropy and predicted over actual move, and how sure is that? By day and model, with intervals. Of a
-- day that is not final the nowcast says what it will be.
SELECT
  event_date, age_hours, is_final, task, model, n,
  normalized_entropy, normalized_entropy_low, normalized_entropy_high, normalized_entropy_nowcast,
  predicted_over_actual, predicted_over_actual_low, predicted_over_actual_high, predicted_over_actual_nowcast
FROM slice_summary
WHERE slice = ''
ORDER BY task, model, event_date;

-- 6. Is too much predicted at low scores, or at high ones? Ten parts of equal weight, from the lowest scores to the highest:
-- the points of a reliability diagram. Needs `bins`.
SELECT
  event_date, task, model, part, n,
  ROUND(mean_score, 6) AS mean_score, ROUND(base_rate, 6) AS base_rate,
  ROUND(predicted_over_actual, 6) AS predicted_over_actual
FROM reliability
WHERE slice = ''
ORDER BY task, model, event_date, part;

-- 7. Which countries is the loss made of? Their share of it beside their share of the traffic.
SELECT
  task, model, country, CAST(SUM(n) AS BIGINT) AS n,
  ROUND(SUM(weight) / SUM(SUM(weight)) OVER (PARTITION BY task, model), 6) AS share_of_weight,
  ROUND(SUM(nll) / SUM(SUM(nll)) OVER (PARTITION BY task, model), 6) AS share_of_loss,
  ROUND(SUM(nll) / SUM(weight), 6) AS log_loss
FROM ledger
GROUP BY task, model, country
ORDER BY task, model, share_of_loss DESC, country;

-- 8. How many clicks and conversions too many are predicted, and where? The sum of the scores less what came, over all days.
SELECT
  task, model, country, device, CAST(SUM(n) AS BIGINT) AS n,
  ROUND(SUM(score_sum), 3) AS expected,
  ROUND(SUM(positives), 3) AS positives,
  ROUND(SUM(score_sum) - SUM(positives), 3) AS too_many,
  ROUND(SUM(score_sum) / NULLIF(SUM(positives), 0), 6) AS predicted_over_actual
FROM ledger
GROUP BY task, model, country, device
ORDER BY too_many DESC, task, model, country, device
LIMIT 20;

-- 9. How good is each model over the week up to each day? Sums of seven days, divided once: no mean of daily numbers.
SELECT
  days.event_date, week.task, week.model, COUNT(DISTINCT week.event_date) AS days, CAST(SUM(week.n) AS BIGINT) AS n,
  ROUND(SUM(week.nll) / SUM(week.weight), 6) AS log_loss,
  ROUND(SUM(week.score_sum) / NULLIF(SUM(week.positives), 0), 6) AS predicted_over_actual
FROM (SELECT DISTINCT event_date FROM ledger) AS days
JOIN ledger AS week ON week.event_date > days.event_date - 7 AND week.event_date <= days.event_date
GROUP BY days.event_date, week.task, week.model
ORDER BY week.task, week.model, days.event_date;

-- # Did last night run
-- On-call, 07:00: did it run, is it whole, was it late, is anything red?

-- 10. Did last night run, is it whole, is anything red? No row: it never began, as missing_nights says.
SELECT
  event_date, age_hours, status, as_of, ended_time, rows_read, rows_rejected, gates, gates_failed, labels_late,
  labels_missing, message
FROM night_status
ORDER BY event_date DESC, age_hours;

-- 11. Did the nights run, and did every row end somewhere? in_doubt: run that day again before you read its numbers.
SELECT
  event_date, age_hours, state, in_doubt, started_time, ended_time,
  rows_read, rows_outside, rows_rejected, rows_duplicate, rows_scored,
  rows_read = rows_outside + rows_rejected + rows_duplicate + rows_scored AS ties_out,
  message
FROM runs_latest
ORDER BY event_date DESC, age_hours;

-- 12. Which nights never ran? lossledger backfill with these days and this age mends it.
SELECT age_hours, first_day, last_day
FROM missing_nights
ORDER BY first_day, age_hours;

-- 13. Which gates did not pass, and why? Needs `gates`.
SELECT event_date, age_hours, gate, country, device, verdict, fails, sentence
FROM gates_latest
WHERE verdict <> 'passed'
ORDER BY event_date DESC, fails DESC, gate, slice;

-- # Is it data, labels, traffic or the model
-- On-call, something is red.

-- 14. What moved since the day before: rows, the base rate, the loss, and of it traffic (mix) or the model (within)? One row per
-- task and model. Needs `changes`.
SELECT
  m.event_date, m.task, m.model, m.n, m.base_rate, m.is_final,
  c.against, c.difference, c.ci_low, c.ci_high, c.within, c.mix, c.interaction, c.first_bad_day
FROM slice_summary AS m
JOIN slice_changes AS c
  ON c.event_date = m.event_date AND c.age_hours = m.age_hours AND c.task = m.task AND c.model = m.model
  AND c.slice = m.slice
WHERE m.slice = '' AND c.metric = 'log_loss'
ORDER BY m.event_date DESC, m.task, m.model, c.against;

-- 15. What was rejected, and why? Of the newest run of each day; the exact counts of all rows are in runs.rejected.
SELECT event_date, age_hours, source, task, model, reason, COUNT(*) AS stored_rows, MIN(key) AS for_example
FROM rejects
JOIN (SELECT run_id FROM runs_latest) AS newest USING (run_id)
GROUP BY event_date, age_hours, source, task, model, reason
ORDER BY event_date DESC, age_hours, stored_rows DESC, source, reason, task NULLS FIRST, model NULLS FIRST;

-- 16. What part of the rows was left out, and is that more than usual? Beside the mean of the other days.
SELECT
  event_date, age_hours, rows_read, rows_rejected,
  ROUND(CAST(rows_rejected AS DOUBLE) / NULLIF(rows_read, 0), 6) AS rejected_share,
  ROUND(
    CAST(SUM(rows_rejected) OVER (PARTITION BY age_hours) - rows_rejected AS DOUBLE)
      / NULLIF(SUM(rows_read) OVER (PARTITION BY age_hours) - rows_read, 0),
    6
  ) AS on_other_days,
  rows_duplicate, rows_outside
FROM runs_latest
WHERE state = 'done'
ORDER BY event_date DESC, age_hours;

-- 17. Do clicks find their impressions? Orphans: compare the ids. Before: compare the clocks. `click` is the label log.
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

-- 18. Which labels are late or missing, and where; how much of each is to come? Needs a label that comes as a log.
SELECT
  event_date, age_hours, label, slice, verdict, positives, expected_positives, expected_low, expected_high, share,
  share_low, share_high, retracted, reason
FROM label_arrival
WHERE verdict IN ('labels_late', 'labels_missing') OR slice = ''
ORDER BY event_date DESC, age_hours, label, slice;

-- 19. How much of each label is there in every country, beside what earlier days let expect, and what was taken back?
-- of_expected is 1 where all of it is there that is as a rule at this age. Needs a label that comes as a log.
SELECT
  event_date, age_hours, is_final, label, country, verdict, positives, expected_positives, of_expected, share, share_low,
  share_high, retracted, reason
FROM slice_arrival
WHERE country IS NOT NULL AND device IS NULL
ORDER BY event_date DESC, label, of_expected NULLS LAST, country;

-- # Which slice, and since when
-- ML engineer: what became worse, by how much, and on which day it began.

-- 20. Where is it worse than before by more than chance allows, why, and since when? Needs `changes`.
SELECT
  event_date, task, model, against, place, slice, country, device, difference, ci_low, ci_high, harm, within, mix,
  first_bad_day, n
FROM worst_slices
WHERE metric = 'log_loss' AND place <= 20
ORDER BY event_date DESC, against, task, model, place;

-- 21. Since which day is it bad? Every slice whose loss is bad today, with the day on which that began. Needs `changes`.
SELECT event_date, task, model, slice, country, device, first_bad_day, before, now, difference, p_adjusted, n
FROM slice_changes
WHERE metric = 'log_loss' AND first_bad_day IS NOT NULL
ORDER BY first_bad_day, event_date, task, model, against, slice;

-- 22. How did every country move, and is it the model (within) or the traffic (mix)? Needs `changes`.
SELECT event_date, task, model, country, against, before, now, difference, ci_low, ci_high, within, mix, interaction
FROM slice_changes
WHERE metric = 'normalized_entropy' AND country IS NOT NULL AND device IS NULL
ORDER BY event_date DESC, task, model, country, against;

-- 23. Is too much predicted anywhere? By country and device, with intervals; NULL in both is all together.
SELECT event_date, age_hours, is_final, task, model, slice, country, device, value, ci_low, ci_high, n, reason, ci_reason
FROM slice_metrics
WHERE metric = 'predicted_over_actual'
ORDER BY event_date DESC, task, model, country NULLS FIRST, device NULLS FIRST, slice;

-- # Is the candidate better
-- ML engineer, before a release: on exactly the impressions that both models can score.

-- 24. Does the candidate beat the champion, and is it nowhere worse? Needs `comparisons`.
SELECT
  event_date, comparison, task, slice, country, device, candidate_value, baseline_value, difference, ci_low, ci_high,
  p_adjusted,
  CASE WHEN ci_low > 0 THEN 'worse' WHEN ci_high < 0 THEN 'better' WHEN ci_low IS NOT NULL THEN 'not told apart'
    ELSE ci_reason END AS candidate_is,
  n, only_candidate, only_baseline
FROM slice_comparisons
WHERE metric = 'log_loss'
ORDER BY event_date DESC, comparison, task, country NULLS FIRST, device NULLS FIRST, slice;

-- 25. May I stop looking? The mean difference of all nights since the comparison began, with an interval that may be read every
-- night. Needs `comparisons`.
SELECT
  event_date, comparison, task, metric, candidate, baseline, difference, running_value, running_low, running_high,
  running_since, detectable, n
FROM slice_comparisons
WHERE slice = '' AND metric IN ('log_loss', 'normalized_entropy')
ORDER BY event_date DESC, comparison, task, metric;

-- 26. Which rows can only one of them score? A candidate without features for some rows looks better than it is.
SELECT
  event_date, comparison, task, country, device, n, only_candidate, only_baseline,
  ROUND(CAST(only_baseline AS DOUBLE) / NULLIF(n + only_candidate + only_baseline, 0), 6) AS share_lost
FROM slice_comparisons
WHERE metric = 'log_loss'
ORDER BY event_date DESC, share_lost DESC, comparison, task, slice;

-- # What made a number, and what did it cost
-- Auditor and platform.

-- 27. What made a number: which run, code, configuration, input and versions?
SELECT DISTINCT
  m.event_date, m.age_hours, m.run_id, r.event_time AS done_time, r.code_hash, r.config_hash, r.inputs, r.versions
FROM metrics_latest AS m
JOIN runs AS r ON r.run_id = m.run_id AND r.state = 'done'
ORDER BY event_date DESC;

-- 28. What did each night cost? Seconds of its stages, and rows in each second.
SELECT
  event_date, age_hours, run_id, rows_read, label, summarise, finish, judge,
  ROUND(rows_read / NULLIF(cells + label + summarise + finish + judge, 0), 0) AS rows_per_second
FROM (
  SELECT
    event_date, age_hours, run_id, rows_read,
    CAST(NULLIF(REGEXP_EXTRACT(stages, '"cells": ([0-9.]+)', 1), '') AS DOUBLE) AS cells,
    CAST(NULLIF(REGEXP_EXTRACT(stages, '"label": ([0-9.]+)', 1), '') AS DOUBLE) AS label,
    CAST(NULLIF(REGEXP_EXTRACT(stages, '"summarise": ([0-9.]+)', 1), '') AS DOUBLE) AS summarise,
    CAST(NULLIF(REGEXP_EXTRACT(stages, '"finish": ([0-9.]+)', 1), '') AS DOUBLE) AS finish,
    CAST(NULLIF(REGEXP_EXTRACT(stages, '"judge": ([0-9.]+)', 1), '') AS DOUBLE) AS judge
  FROM runs
  WHERE state = 'done'
) AS staged
ORDER BY event_date DESC, age_hours, run_id;

-- 29. Does a published number follow from the sums? The loss of `metrics` beside that of the ledger, over all cells.
SELECT
  m.event_date, m.age_hours, m.task, m.model,
  ROUND(m.value, 9) AS published, ROUND(l.log_loss, 9) AS from_sums, ROUND(m.value, 9) = ROUND(l.log_loss, 9) AS agrees
FROM slice_metrics AS m
JOIN (
  SELECT event_date, task, model, SUM(nll) / SUM(weight) AS log_loss
  FROM ledger
  GROUP BY event_date, task, model
) AS l
  ON l.event_date = m.event_date AND l.task = m.task AND l.model = m.model
WHERE m.metric = 'log_loss' AND m.slice = ''
ORDER BY m.event_date DESC, m.task, m.model;

-- 30. Are both tables of sums the same to the last digit? Over all cells, and over all shards of the total (slice '').
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
ORDER BY event_date DESC, age_hours, task, model;
