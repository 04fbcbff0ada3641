-- The sums of binary tasks for analysts, at one label age: one row per day, task, model and cell.
-- Every loss is whole: scores of exactly 0 and 1 are in it, all days priced at the clip that is configured now.
-- In DOUBLE, so that a quotient keeps its digits. For `dimensions of s` put yours: s.country, s.device, …,
-- for `dimensions of raw` COALESCE(raw.country, '(not recorded)') AS country, …: days on which it was no dimension.
--   is_final       whether the labels of the task no longer change at this age
--   provisional    whether not all labels of this age were known; only where there is no other age
--   positives      weight of the positive part of the labels
--   negatives      weight of the negative part
--   positive_nll   negative log-likelihood of the positive part, nats; infinite for a wrong 0 at a clip of 0
--   negative_nll   negative log-likelihood of the negative part, nats; infinite for a wrong 1 at a clip of 0
--   nll            of both, nats: SUM(nll) / SUM(weight) is the log loss. NaN, not NULL, where a part was not
--                  recorded: a sum would pass over NULL, and be too small
SELECT
  s.event_date, s.age_hours, chosen.is_final, chosen.provisional, s.task, s.model,
  /* dimensions of s */
  s.n, s.unscored,
  CAST(s.weight AS DOUBLE) AS weight,
  CAST(s.positive_weight AS DOUBLE) AS positives,
  CAST(s.negative_weight AS DOUBLE) AS negatives,
  CAST(s.score_sum AS DOUBLE) AS score_sum,
  CAST(s.squared_error AS DOUBLE) AS squared_error,
  s.positive_nll, s.negative_nll, s.positive_nll + s.negative_nll AS nll,
  s.as_of, s.run_id
FROM (
  SELECT
    raw.event_date, raw.age_hours, raw.task, raw.model,
    /* dimensions of raw */
    raw.n, raw.unscored, raw.weight, raw.positive_weight, raw.negative_weight, raw.score_sum, raw.squared_error,
    COALESCE(
      CAST(raw.positive_nll AS DOUBLE)
      + CASE WHEN raw.hard_wrong_positive_weight = 0 THEN 0
        ELSE CAST(raw.hard_wrong_positive_weight AS DOUBLE) * COALESCE(price.of_wrong, CAST('Infinity' AS DOUBLE)) END
      + CAST(raw.hard_right_positive_weight AS DOUBLE) * price.of_right,
      CAST('NaN' AS DOUBLE)
    ) AS positive_nll,
    COALESCE(
      CAST(raw.negative_nll AS DOUBLE)
      + CASE WHEN raw.hard_wrong_negative_weight = 0 THEN 0
        ELSE CAST(raw.hard_wrong_negative_weight AS DOUBLE) * COALESCE(price.of_wrong, CAST('Infinity' AS DOUBLE)) END
      + CAST(raw.hard_right_negative_weight AS DOUBLE) * price.of_right,
      CAST('NaN' AS DOUBLE)
    ) AS negative_nll,
    raw.as_of, raw.run_id
  FROM statistics AS raw
  CROSS JOIN price
  -- The rows of tasks of other kinds have no such weight.
  WHERE raw.positive_weight IS NOT NULL
) AS s
JOIN chosen_age AS chosen
  ON chosen.event_date = s.event_date AND chosen.age_hours = s.age_hours AND chosen.task = s.task
