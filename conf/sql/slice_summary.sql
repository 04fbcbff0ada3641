-- The usual numbers of every declared slice as columns, with their intervals: slice_metrics turned, one row per day, task,
-- model and slice. NULL: the task has no such metric, or slice_metrics says why. Of values, candidates and several classes
-- take slice_metrics, which has all metrics.
--   n                           rows scored; of tasks about candidates, groups
--   base_rate                   positives / weight
--   log_loss                    mean negative log-likelihood, nats
--   log_loss_low                lower end of its 95 % interval
--   log_loss_high               upper end of it
--   normalized_entropy          log loss over the entropy of the base rate: below 1 the model beats the base rate
--   normalized_entropy_low      lower end of its 95 % interval
--   normalized_entropy_high     upper end of it
--   predicted_over_actual       mean score over base rate: above 1 too much is predicted
--   predicted_over_actual_low   lower end of its 95 % interval
--   predicted_over_actual_high  upper end of it
--   auc                         area under the ROC curve, where score bins are kept
--   log_loss_nowcast            log loss that will be once all labels are there, while they arrive
--   normalized_entropy_nowcast     normalized entropy that will be, likewise
--   predicted_over_actual_nowcast  predicted over actual that will be, likewise
SELECT
  w.event_date, w.age_hours, w.is_final, w.provisional, w.task, w.model, w.slice,
  /* dimensions of w */
  MAX(w.n) AS n, MAX(w.weight) AS weight, MAX(w.positives) AS positives,
  MAX(CASE WHEN w.metric = 'base_rate' THEN w.value END) AS base_rate,
  MAX(CASE WHEN w.metric = 'log_loss' THEN w.value END) AS log_loss,
  MAX(CASE WHEN w.metric = 'log_loss' THEN w.ci_low END) AS log_loss_low,
  MAX(CASE WHEN w.metric = 'log_loss' THEN w.ci_high END) AS log_loss_high,
  MAX(CASE WHEN w.metric = 'normalized_entropy' THEN w.value END) AS normalized_entropy,
  MAX(CASE WHEN w.metric = 'normalized_entropy' THEN w.ci_low END) AS normalized_entropy_low,
  MAX(CASE WHEN w.metric = 'normalized_entropy' THEN w.ci_high END) AS normalized_entropy_high,
  MAX(CASE WHEN w.metric = 'predicted_over_actual' THEN w.value END) AS predicted_over_actual,
  MAX(CASE WHEN w.metric = 'predicted_over_actual' THEN w.ci_low END) AS predicted_over_actual_low,
  MAX(CASE WHEN w.metric = 'predicted_over_actual' THEN w.ci_high END) AS predicted_over_actual_high,
  MAX(CASE WHEN w.metric = 'auc' THEN w.value END) AS auc,
  MAX(CASE WHEN w.metric = 'log_loss[nowcast]' THEN w.value END) AS log_loss_nowcast,
  MAX(CASE WHEN w.metric = 'normalized_entropy[nowcast]' THEN w.value END) AS normalized_entropy_nowcast,
  MAX(CASE WHEN w.metric = 'predicted_over_actual[nowcast]' THEN w.value END) AS predicted_over_actual_nowcast
FROM slice_metrics AS w
GROUP BY
  w.event_date, w.age_hours, w.is_final, w.provisional, w.task, w.model,
  /* dimensions of w */
  w.slice
