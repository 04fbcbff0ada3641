"""Metrics of sums that grew too large for the tables, as those of squares of heavy weights: their values stay.

A run makes them before it narrows its sums (`natural`), a refresh has them in `metrics` alone. No option decides them
and no clip; only how many rows a slice has to have may be another number now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from jobs.ledger.tables import statistics_of_kind
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from udfs.catalog import published
from udfs.kinds import KINDS

Pair = tuple[str, str]
KEYS = ["task", "model", "slice", "metric"]
COLUMNS = [*KEYS, "n", "weight", "value", "reason"]
FEW = "too_few_rows"


def metrics_of(lost: Collection[str], kind: str, settings: Evaluation) -> set[str]:
    """The metrics that read one of the lost sums of a kind of task, by their published names."""
    every = published(kind, settings.loss.options)
    return {name for name, metric in every.items() if not {*metric.inputs}.isdisjoint(lost)}


def by_pair(
    statistics: pa.Table, settings: Evaluation, units: Mapping[str, Mapping[str, float]]
) -> dict[Pair, set[str]]:
    """By task and model the sums that grew too large for the tables, where there are any.

    Args:
        statistics: The table of a day.
        settings: What is configured.
        units: By task those in which its weights and values were summed.
    """
    found = {
        (task, model): _too_large(
            of_pair(statistics, task, model), settings.tasks[task].kind, settings, units.get(task, {})
        )
        for task, model in settings.pairs
    }
    return {pair: names for pair, names in found.items() if names}


def known(metrics: pa.Table, lost: Mapping[Pair, Collection[str]], settings: Evaluation) -> pa.Table:
    """The rows of `metrics` of a day that read lost sums, with the columns `COLUMNS`."""
    parts = []
    for (task, model), columns in lost.items():
        names = pa.array(sorted(metrics_of(columns, settings.tasks[task].kind, settings)), type=pa.string())
        own = of_pair(metrics, task, model)
        parts.append(own.filter(pc.is_in(own["metric"], value_set=names)).select(COLUMNS))
    return pa.concat_tables([metrics.select(COLUMNS).slice(0, 0), *parts])


def unknown(rows: pa.Table, lost: Mapping[Pair, Collection[str]], settings: Evaluation) -> Iterator[str]:
    """The metrics that read lost sums and were not told: they are newer, or their slices had too few rows then."""
    told = {tuple(row[key] for key in ("task", "model", "metric")) for row in rows.to_pylist()}
    for (task, model), columns in lost.items():
        for name in sorted(metrics_of(columns, settings.tasks[task].kind, settings)):
            if (task, model, name) not in told:
                yield f"{name} of {task} / {model}"
    withheld = pc.and_(pc.equal(rows["reason"], FEW), pc.greater_equal(rows["n"], settings.limits.min_rows))
    # Without weight there is none to tell, whatever its sums.
    asked = pc.and_(pc.fill_null(withheld, False), pc.greater(rows["weight"], 0.0))
    for row in rows.filter(asked).to_pylist():
        yield f"{row['metric']} of {row['task']} / {row['model']} in slice {row['slice']!r}"


def put_back(metrics: pa.Table, rows: pa.Table) -> pa.Table:
    """The rows of `metrics`, those of lost sums with what was told of them.

    Args:
        metrics: As they are made of the tables of sums: not recorded, where a sum was lost.
        rows: What was told, of `known`.
    """
    told = {tuple(row[key] for key in KEYS): row for row in rows.to_pylist()}
    if not told:
        return metrics
    values, reasons = metrics["value"].to_pylist(), metrics["reason"].to_pylist()
    for i, key in enumerate(zip(*(metrics[name].to_pylist() for name in KEYS), strict=True)):
        if reasons[i] == "not_recorded" and key in told:
            values[i], reasons[i] = told[key]["value"], told[key]["reason"]
    for name, column in (("value", values), ("reason", reasons)):
        place = metrics.column_names.index(name)
        metrics = metrics.set_column(place, name, pa.array(column, type=metrics.schema.field(name).type))
    return metrics


def _too_large(rows: pa.Table, kind: str, settings: Evaluation, units: Mapping[str, float]) -> set[str]:
    """The sums of a task × model that are NULL as they grew too large, and of which no metric depends on an option.

    Args:
        rows: Those of a task × model in a table of sums.
        kind: The kind of the task.
        settings: What is configured.
        units: In which its weights and values were summed: where they are 1, all sums fit.
    """
    if max(units.values(), default=1.0) == 1.0:
        return set()
    return {
        name
        for name, of in statistics_of_kind(settings, kind).items()
        if rows[name].null_count and 2 in (of.weight_degree, of.value_degree) and not KINDS[kind].losses & {*of.inputs}
    }
