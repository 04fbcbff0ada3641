"""What the demo asks of its tables in SQL."""

from typing import Final

from jobs.demo.truths import Truths

# A change counts in multiples of its error: that of ln(predicted / actual) is nearly 1 / √positives for
# either day, where all weights are 1.
MOVERS: Final = """
SELECT
  now.task, now.model, now.slice, now.n, before.value AS before, now.value AS now,
  ABS(LN(now.value / before.value)) / SQRT(1 / now.positives + 1 / before.positives) AS errors
FROM metrics AS now
JOIN metrics AS before
  ON before.task = now.task AND before.model = now.model AND before.slice = now.slice
  AND before.metric = now.metric AND before.age_hours = now.age_hours
  AND before.event_date = DATE_SUB(now.event_date, 1)
WHERE now.metric = 'predicted_over_actual' AND now.event_date = DATE '{today}' AND now.weight = now.n
  AND now.value > 0 AND before.value > 0
ORDER BY errors DESC, slice, task, model
LIMIT 6
"""

SINCE: Final = """\
SELECT event_date, n, positives, value AS predicted_over_actual FROM metrics_latest
WHERE task = 'ctr' AND metric = 'predicted_over_actual' AND model = '{model}' AND slice = '{slice}'
ORDER BY event_date"""

UNDECLARED: Final = """\
SELECT placement, SUM(n) AS n, CAST(SUM(nll) AS DOUBLE) / CAST(SUM(weight) AS DOUBLE) AS log_loss,
  CAST(SUM(score_sum) AS DOUBLE) / CAST(SUM(positive_weight) AS DOUBLE) AS predicted_over_actual
FROM statistics_priced WHERE task = 'ctr' AND model = 'candidate' AND event_date >= DATE '{first}'
GROUP BY placement ORDER BY placement"""

EXACT: Final = """\
SELECT model, by_cell.loss AS over_cells, by_shard.loss AS over_shards, by_cell.loss - by_shard.loss AS difference
FROM (SELECT model, SUM(negative_nll) AS loss FROM statistics WHERE task = 'ctr' GROUP BY model) AS by_cell
JOIN (SELECT model, SUM(negative_nll) AS loss FROM shard_statistics WHERE task = 'ctr' AND slice = '' GROUP BY model)
  AS by_shard USING (model) ORDER BY model"""


def questions(truths: Truths) -> dict[str, str]:
    """Three questions with their SQL: since when, of a slice that nobody declared, and whether the sums tie out."""
    return {
        f"Since when is {truths.wrong_slice} wrong for the {truths.wrong_model}?": SINCE.format(
            slice=truths.wrong_slice, model=truths.wrong_model
        ),
        "How good is each placement over all days? No slice of it was declared.": UNDECLARED.format(
            first=truths.days[0].date
        ),
        "Do both tables of sums agree, to the fifteenth decimal?": EXACT,
    }
