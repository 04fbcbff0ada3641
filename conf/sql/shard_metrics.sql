-- The ledger of shards with the numbers of every slice and shard divided out. Add no ratios.
--   base_rate              positives / weight
--   mean_score             mean of the scores, as probabilities
--   predicted_over_actual  mean score over base rate; NULL without positives
--   brier_score            mean squared error of the scores
--   log_loss               mean negative log-likelihood, nats; NULL where it is infinite or was not recorded
--   label_entropy          log loss of a model that knows the base rate, nats
--   normalized_entropy     log loss over label entropy: below 1 the model beats the base rate; NULL for a single class
SELECT
  event_date, age_hours, is_final, provisional, task, model,
  slice, shard,
  n, weight, positives, base_rate, mean_score, predicted_over_actual, brier_score, log_loss, label_entropy,
  log_loss / NULLIF(label_entropy, 0) AS normalized_entropy
FROM (
  SELECT
    l.*,
    positives / NULLIF(weight, 0) AS base_rate,
    score_sum / NULLIF(weight, 0) AS mean_score,
    score_sum / NULLIF(positives, 0) AS predicted_over_actual,
    squared_error / NULLIF(weight, 0) AS brier_score,
    CASE WHEN nll < CAST('Infinity' AS DOUBLE) THEN nll / NULLIF(weight, 0) END AS log_loss,
    (CASE WHEN positives > 0 THEN positives * LN(weight / positives) ELSE 0 END
      + CASE WHEN negatives > 0 THEN negatives * LN(weight / negatives) ELSE 0 END) / NULLIF(weight, 0) AS label_entropy
  FROM shard_ledger AS l
) AS finished
