-- Slices that are worse than on an earlier day by more than chance allows, at a false discovery rate of 5 %; those
-- that harm most first. The total (slice '') is among them; the slice's dimensions are columns, as in slice_metrics.
--   place  1 for the slice with most harm of its day, task, model, metric and earlier day
SELECT
  w.event_date, w.age_hours, w.is_final, w.provisional, w.task, w.model, w.metric, w.against,
  CAST(ROW_NUMBER() OVER (
    PARTITION BY w.event_date, w.task, w.model, w.metric, w.against ORDER BY w.harm DESC, w.slice
  ) AS INT) AS place,
  w.slice,
  /* dimensions of w */
  w.before, w.now, w.difference, w.ci_low, w.ci_high, w.p_adjusted, w.within, w.mix, w.interaction,
  w.harm, w.first_bad_day, w.n, w.weight
FROM slice_changes AS w
WHERE w.harm > 0 AND w.p_adjusted <= 0.05
