"""A day from rows in memory, without an engine: the pass over them, the one merge, and all tables that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.examples import sent, slices, summarise
from jobs.examples.cells import Cells
from jobs.inputs.scorings import Scoring, scorings
from jobs.judgement.comparisons import compared
from jobs.judgement.estimates import Known
from jobs.judgement.intervals import with_intervals
from jobs.ledger.stamp import Stamp
from jobs.results.new_rows import new_rows
from jobs.results.rows import Combined
from jobs.settings import Evaluation
from udfs.scan.keyed import KEYS
from udfs.scan.partials import combined, unpacked
from udfs.scan.recipes import Recipe

DAY = date(2026, 3, 18)
Columns = Mapping[str, Any]


def tables(settings: Evaluation, rows: Columns, parts: int = 1, day: date = DAY) -> dict[str, pa.Table]:
    """The tables of a day.

    Args:
        settings: Tasks about rows; their labels are columns, their weights too.
        rows: Those columns, the scores, `shard`, and the dimensions as texts.
        parts: In how many parts the rows are summed before they are merged.
        day: Its date.
    """
    table = pa.table({name: np.asarray(values) for name, values in rows.items()})
    cells, of_row = _cells(settings, table)
    table = table.append_column("code", pa.array(of_row))
    recipes = [_recipe(settings, scoring) for scoring in scorings(settings)]
    run = summarise._summary(settings, cells, recipes, scorings(settings))
    found = [unpacked(run(table.take(of).to_batches()), run.schema) for of in _dealt(table.num_rows, parts)]
    sums = combined(pa.concat_tables(found), KEYS.names)
    stamp = Stamp(day, settings.age_hours, datetime(2026, 4, 1, tzinfo=UTC), "run")
    whole = Combined(sums, cells, scorings(settings), stamp, settings)
    configured = settings.baselines.reference
    references = {(task, model): float(configured[task]) for task, model in settings.pairs if task in configured}
    new = new_rows(whole, whole.statistics(), references)
    known = Known(new, settings, references)
    new["metrics"] = with_intervals(new["metrics"], known)
    return {**new, "comparisons": compared(known, day, {})} if settings.comparisons else new


def row(table: pa.Table, **keys: Any) -> dict[str, Any]:
    """The one row of these keys."""
    for name, value in keys.items():
        table = table.filter(pc.equal(table[name], value))
    (found,) = table.to_pylist()
    return dict(found)


def _cells(settings: Evaluation, table: pa.Table) -> tuple[Cells, np.ndarray]:
    values = list(zip(*(table[name].to_pylist() for name in settings.dimensions), strict=True)) or [()] * len(table)
    cells = sorted(set(values))
    number = {cell: i for i, cell in enumerate(cells)}
    codes, n = np.arange(len(cells)), table.num_rows
    made = Cells(n, 0, settings.dimensions, cells, codes, codes, 0, slices.declared(cells, settings))
    return made, np.array([number[each] for each in values], dtype=np.int64)


def _recipe(settings: Evaluation, scoring: Scoring) -> Recipe:
    task, models = settings.tasks[scoring.task], settings.models[scoring.model]
    label = settings.labels[task.label].column
    scores = [name for factor in settings.factors(scoring.task) for name in _listed(models[factor].score)]
    bins = sent.binning(scoring, settings)
    return Recipe(scoring.kind.name, (label,), task.weight, tuple(scores), scoring.scales, bins)


def _listed(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _dealt(rows: int, parts: int) -> list[np.ndarray]:
    """The rows in any order, dealt out."""
    return np.array_split(np.random.default_rng(parts).permutation(rows), parts)
