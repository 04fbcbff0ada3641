"""Models: what each of them scores on all impressions, with intervals, and which one of two is better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from jobs.surfaces import compared
from jobs.surfaces.report.charts.glyphs import Whisker, shared, whisker
from jobs.surfaces.report.night import Night, Row, texts
from jobs.surfaces.report.section import Section
from udfs.kinds import KINDS

TITLE = "Models"
LEAD = "Of all impressions, with 95 % intervals by shard of users. Of losses and normalized entropy less is better."
NOT_THEN = "This night was evaluated without [] among its slices: there is no number of all impressions."
NO_TOTAL = (
    "There is no number of all impressions, as [] is none of `slices` in the configuration; "
    "the view slice_metrics has those of the slices."
)
BESIDE = ("normalized_entropy", "predicted_over_actual", "auc", "accuracy", "mrr", "ndcg@5", "base_rate")
TITLES = {
    "log_loss": "Log loss",
    "normalized_entropy": "Normalized entropy",
    "predicted_over_actual": "Predicted / actual",
    "auc": "AUC",
    "base_rate": "Base rate",
}
COMPARED = (
    *("comparison", "task", "slice", "metric", "candidate", "baseline", "candidate_value", "baseline_value"),
    *("difference", "ci_low", "ci_high", "relative_difference", "relative_low", "relative_high", "p_adjusted"),
    *("running_low", "running_high", "running_since", "n", "only_candidate", "only_baseline", "reason", "ci_reason"),
)


class OfTask(NamedTuple):
    """The models of a task: names of metrics, and by model a row of `metrics` for each or None."""

    task: str
    metrics: list[str]
    models: list[tuple[str, int, list[Row | None]]]


class Compared(NamedTuple):
    """A comparison of one metric, and its relative difference as a mark."""

    row: Row
    mark: Whisker | None


class Models(NamedTuple):
    """The tasks, the comparisons and the query for those, and why there are none."""

    tasks: list[OfTask]
    comparisons: list[Compared]
    facts: list[dict[str, Any]]
    comparisons_sql: str | None
    no_comparisons: str | None


def title(metric: str) -> str:
    """What a metric is called in a heading.

    >>> title("auc"), title("mean_squared_error")
    ('AUC', 'Mean squared error')
    """
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


def headline(night: Night, task: str) -> tuple[str, ...]:
    """The metrics of a task that are shown first, as far as it has them: its loss and some beside it."""
    return (*dict.fromkeys((KINDS[night.settings.tasks[task].kind].loss, *BESIDE)),)


def made(night: Night) -> Section:
    """The numbers of all impressions, or why there are none."""
    named = dict.fromkeys(name for task in night.settings.tasks for name in headline(night, task))
    query = (
        "SELECT task, model, metric, value, ci_low, ci_high, n, is_final, reason, ci_reason\n"
        f"FROM metrics\nWHERE {night.itself} AND slice = ''\n  AND metric IN ({texts(named)})\n"
        "ORDER BY task, model, metric"
    )
    rows = night.rows(query)
    if not rows:
        why = NOT_THEN if () in night.settings.slices else NO_TOTAL
        return Section("models", TITLE, LEAD, why, Models([], [], [], None, why))
    tasks = [found for task in night.settings.tasks if (found := _task(night, task, rows)).models]
    return Section("models", TITLE, LEAD, None, Models(tasks, *_compared(night)), query)


def _task(night: Night, task: str, rows: Iterable[Row]) -> OfTask:
    own = {(row["model"], row["metric"]): row for row in rows if row["task"] == task}
    there = {metric for _, metric in own}
    metrics = [name for name in headline(night, task) if name in there]
    numbers = {model: i for i, model in enumerate(night.settings.models)}
    models = [
        (model, number, [own.get((model, metric)) for metric in metrics])
        for model, number in numbers.items()
        if model in {name for name, _ in own}
    ]
    return OfTask(task, metrics, models)


def _compared(night: Night) -> tuple[list[Compared], list[dict[str, Any]], str | None, str | None]:
    """The comparisons drawn and as `compare` tells them, their query, and why there are none."""
    if not night.settings.comparisons:
        return [], [], None, "No comparison of two models is declared: see `comparisons` in the configuration."
    if "comparisons" not in night.made:
        return [], [], None, "No night was evaluated with the comparisons yet."
    query = (
        f"SELECT {', '.join(COMPARED)}\nFROM comparisons\nWHERE {night.itself} AND slice = ''\n"
        f"  AND metric IN ({texts(compared.TOLD)})\nORDER BY comparison, task, metric"
    )
    found = night.table(query)
    if not found.num_rows:
        return [], [], None, "This night was evaluated without the comparisons."
    return _drawn(found), compared.facts(found), query, None


def _drawn(found: pa.Table) -> list[Compared]:
    facts: Sequence[dict[str, Any]] = compared.facts(found)
    ends = ("relative_difference", "relative_low", "relative_high")
    spread = [row for row in facts if row["relative_low"] is not None]
    scale = shared([0.0, *(row[name] for row in spread for name in ends)])
    marks = {id(row): whisker(scale, (row[ends[0]], row[ends[1]], row[ends[2]]), 0.0) for row in spread}
    return [Compared(row, marks.get(id(row))) for row in facts]
