"""Calibration: what was predicted against what happened, and how much of the loss better calibration would save."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jobs.judgement.bins.corp import Corp, corp_of_log_loss
from jobs.judgement.changes.causes import by_slice
from jobs.results.rows import of_pair
from jobs.surfaces.report.charts.reliability import Band, Diagram, diagram
from jobs.surfaces.report.night import Night, Row
from jobs.surfaces.report.section import Section
from udfs.kinds import KINDS

TITLE = "Calibration"
BANDS = 10
LEAD = (
    f"Scores in {BANDS} bands of equal weight: on the line what was predicted has happened, above it more has, below "
    "it less. Whiskers are 95 % intervals (Wilson), as if impressions were independent; weighted tasks have none."
)
# The square of the 97.5 % quantile of the normal distribution, as a double in SQL.
Z2 = "3.8414588206941236E0"
SHOWN = 12


class Skill(NamedTuple):
    """The log loss of a task and model and its parts: log loss = MCB − DSC + UNC."""

    task: str
    model: str
    number: int
    parts: Corp


class Calibration(NamedTuple):
    """Diagrams by task, the bands as rows, the parts of the loss, and how many diagrams were left out."""

    diagrams: list[Diagram]
    rows: Sequence[Row]
    skills: list[Skill]
    more: int


def sql(night: Night) -> str:
    """The query for the bands of all impressions: bins of the score until each band has its share of the weight."""
    # Of a bin that weighs nearly nothing the middle is the whole, as doubles have it: it is of the last band.
    band = f"LEAST(CAST(FLOOR({BANDS} * middle / whole) AS INT), {BANDS - 1})"
    return f"""\
WITH binned AS (
  SELECT task, model, bin, SUM(n) AS n, SUM(positive_weight) AS positives,
    SUM(positive_weight + negative_weight) AS weight, SUM(score_sum) AS score_sum
  FROM score_bins
  WHERE {night.itself} AND slice = ''
  GROUP BY task, model, bin
),
placed AS (
  SELECT task, model, n, positives, weight, score_sum,
    CAST(SUM(weight) OVER (PARTITION BY task, model ORDER BY bin) AS DOUBLE) - CAST(weight AS DOUBLE) / 2 AS middle,
    CAST(SUM(weight) OVER (PARTITION BY task, model) AS DOUBLE) AS whole
  FROM binned
  WHERE weight > 0
),
banded AS (
  SELECT task, model, {band} AS band,
    SUM(n) AS n, CAST(SUM(weight) AS DOUBLE) AS weight,
    CAST(SUM(positives) AS DOUBLE) / CAST(SUM(weight) AS DOUBLE) AS actual,
    CAST(SUM(score_sum) AS DOUBLE) / CAST(SUM(weight) AS DOUBLE) AS predicted
  FROM placed
  GROUP BY task, model, {band}
),
spread AS (
  SELECT task, model, band, n, weight, predicted, actual,
    CASE WHEN weight = n THEN (actual + {Z2} / (2 * n)) / (1 + {Z2} / n) END AS center,
    SQRT({Z2} * (actual * (1 - actual) + {Z2} / (4 * n)) / n) / (1 + {Z2} / n) AS reach
  FROM banded
)
SELECT task, model, band, n, weight, predicted, actual,
  CASE WHEN center < reach THEN 0E0 ELSE center - reach END AS low,
  CASE WHEN center + reach > 1 THEN 1E0 ELSE center + reach END AS high
FROM spread
ORDER BY task, model, band"""


def made(night: Night) -> Section:
    """The diagrams, or why there are none."""
    why = _why_not(night)
    if why is not None:
        return Section("calibration", TITLE, LEAD, why)
    query = sql(night)
    rows = night.rows(query)
    if not rows:
        why = "This night was evaluated without score bins of all impressions."
        return Section("calibration", TITLE, LEAD, why)
    diagrams = [*_diagrams(night, rows)]
    shown = diagrams[:SHOWN]
    drawn = {each.key.removeprefix("reliability/") for each in shown}
    of_shown = [row for row in rows if row["task"] in drawn]
    content = Calibration(shown, of_shown, [*_skills(night)], len(diagrams) - len(shown))
    return Section("calibration", TITLE, LEAD, None, content, query)


def _why_not(night: Night) -> str | None:
    if not any(KINDS[kind].bins for kind in night.settings.kinds):
        return "None of the tasks has scores that are probabilities of one event."
    if not night.settings.keeps_bins(()):
        return "Score bins of all impressions are not kept: `bins.slices` in the configuration has no []."
    return None if "score_bins" in night.made else "No night was evaluated with score bins yet."


def _diagrams(night: Night, rows: Sequence[Row]) -> Iterator[Diagram]:
    for task in night.settings.tasks:
        own = [row for row in rows if row["task"] == task]
        models = [
            (model, number, [_band(row) for row in own if row["model"] == model])
            for number, model in enumerate(night.settings.models)
        ]
        there = [each for each in models if each[2]]
        if there:
            yield diagram(f"reliability/{task}", f"{task}: predicted against actual", there)


def _band(row: Row) -> Band:
    return Band(row["predicted"], row["actual"], row["low"], row["high"], row["n"])


def _skills(night: Night) -> Iterator[Skill]:
    """Calibration and discrimination of each task and model, from its bins and its published log loss."""
    of_night = f"{night.itself} AND slice = ''"
    columns = "task, model, slice, bin, positive_weight, negative_weight"
    bins = night.table(f"SELECT {columns} FROM score_bins WHERE {of_night}")
    losses = night.rows(
        f"SELECT task, model, value FROM metrics WHERE {of_night} AND metric = 'log_loss' AND value IS NOT NULL"
    )
    values = {(row["task"], row["model"]): row["value"] for row in losses}
    numbers = {model: i for i, model in enumerate(night.settings.models)}
    for task, model in night.settings.pairs:
        own = by_slice(of_pair(bins, task, model))
        if "" in own and (task, model) in values:
            yield Skill(task, model, numbers[model], corp_of_log_loss(own[""], values[task, model]))
