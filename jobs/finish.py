"""From the combined sums to the rows of the tables, and the audit that both statistics tables agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.cells import Cells
from jobs.errors import RuntimeFailure
from jobs.read import Scoring
from jobs.settings import Evaluation
from jobs.tables import METRICS, REJECTS, Table, statistic_columns
from udfs.batch import CELLS
from udfs.catalog import published
from udfs.decimals import DECIMAL, from_decimal, nearest
from udfs.measure import FloatArray
from udfs.pricing import evaluated, priced


@dataclass(frozen=True)
class Stamp:
    """What every row of a run carries."""

    event_date: date
    age_hours: int
    as_of: datetime
    run_id: str


def statistics(table: pa.Table, found: Cells, scorings: Sequence[Scoring], stamp: Stamp, into: Table) -> pa.Table:
    """The rows of `statistics`: one per task, model and cell."""
    rows = table.filter(pc.equal(table["grouping"], CELLS))
    cells = [found.cells[key] for key in rows["key"].to_pylist()]
    dimensions = {
        column.name: [cell[i] for cell in cells] for i, column in enumerate(into.columns[4 : 4 + len(found.cells[0])])
    }
    return _shaped(rows, dimensions, scorings, stamp, into)


def shard_statistics(table: pa.Table, found: Cells, scorings: Sequence[Scoring], stamp: Stamp, into: Table) -> pa.Table:
    """The rows of `shard_statistics`: one per task, model, slice and shard."""
    rows = table.filter(pc.not_equal(table["grouping"], CELLS))
    texts = [
        found.slices[grouping].texts[key]
        for grouping, key in zip(rows["grouping"].to_pylist(), rows["key"].to_pylist(), strict=True)
    ]
    return _shaped(rows, {"slice": texts, "shard": rows["shard"]}, scorings, stamp, into)


def audit(statistics: pa.Table, shard_statistics: pa.Table, settings: Evaluation) -> None:
    """Check that for every declared slice the cells add up to the shards, bit for bit.

    Raises:
        RuntimeFailure: They do not; it names the first slice (exit 3).
    """
    sums = list(statistic_columns(settings))
    by_shard = _totals(shard_statistics, ["task", "model", "slice"], sums)
    by_cell = pa.concat_tables(
        _totals(_with_slice(statistics, declared), ["task", "model", "slice"], sums) for declared in settings.slices
    )
    keys = [(name, "ascending") for name in ("task", "model", "slice")]
    left, right = by_cell.sort_by(keys), by_shard.sort_by(keys)
    if not left.equals(right.cast(left.schema)):
        wrong = [a for a, b in zip(left.to_pylist(), right.to_pylist(), strict=False) if a != b]
        place = {k: wrong[0][k] for k in ("task", "model", "slice")} if wrong else "their number"
        raise RuntimeFailure(f"the sums over cells and over shards differ at {place}; nothing was written")


def metrics(shard_statistics: pa.Table, settings: Evaluation, found: Cells, stamp: Stamp) -> pa.Table:
    """The rows of `metrics`: every metric of every slice of the day, also where a task has no rows in it."""
    columns = statistic_columns(settings)
    keys = ["task", "model", "slice"]
    rows = pa.concat_tables(
        [shard_statistics.select([*keys, *columns]), _zeros(settings, found, list(columns))],
        promote_options="permissive",
    )
    totals = _totals(rows, keys, list(columns))
    totals = totals.sort_by([(name, "ascending") for name in ("task", "model", "slice")])
    sums = {name: _doubles(totals[name]) for name in columns}
    parts = []
    for kind in dict.fromkeys(task.kind for task in settings.tasks.values()):
        chosen = priced(sums, columns, settings.loss.clip)
        for name, metric in published(kind, settings.loss.options).items():
            values, reasons = evaluated(metric, chosen)
            few = sums["n"] < settings.limits.min_rows
            reasons = ["too_few_rows" if f else r for f, r in zip(few, reasons, strict=True)]
            parts.append(_rows(totals, sums, values, reasons, (name, metric.unit)))
    return _stamped(pa.concat_tables(parts), settings, stamp)


def _doubles(sums: pa.ChunkedArray) -> FloatArray:
    """The nearest doubles of sums or counts, NaN for NULL."""
    if pa.types.is_decimal(sums.type):
        return nearest(from_decimal(sums.cast(DECIMAL)))
    counts: FloatArray = sums.to_numpy().astype(np.float64)
    return counts


def stamped_rejects(rows: pa.Table, stamp: Stamp) -> pa.Table:
    """The rows of `rejects`."""
    return _selected({**_columns(rows), **_stamp_columns(stamp, rows.num_rows)}, REJECTS)


def _zeros(settings: Evaluation, found: Cells, columns: Sequence[str]) -> pa.Table:
    """Sums of nothing for every task, model and slice, so that no key comes and goes."""
    texts = [text for slices in found.slices for text in slices.texts]
    rows = [(task, model, text) for task, model in settings.pairs for text in texts]
    names = dict(zip(("task", "model", "slice"), zip(*rows, strict=True), strict=True))
    types = {
        name: pa.int64() if statistic.counts else DECIMAL for name, statistic in statistic_columns(settings).items()
    }
    return pa.table(
        {**{k: list(v) for k, v in names.items()}, **{c: pa.array([0] * len(rows)).cast(types[c]) for c in columns}}
    )


def _rows(
    totals: pa.Table,
    sums: Mapping[str, FloatArray],
    values: FloatArray,
    reasons: Sequence[str | None],
    named: tuple[str, str],
) -> pa.Table:
    undefined = np.array([reason is not None for reason in reasons], dtype=np.bool_)
    size, nothing = totals.num_rows, pa.nulls(totals.num_rows, pa.float64())
    return pa.table(
        {
            **{name: totals[name] for name in ("task", "model", "slice")},
            "metric": [named[0]] * size,
            "value": pa.array(values, mask=undefined),
            "ci_low": nothing,
            "ci_high": nothing,
            "stderr": nothing,
            "n": pa.array(sums["n"].astype(np.int64)),
            "weight": sums["weight"],
            "positives": sums["positive_weight"],
            "unit": [named[1]] * size,
            "reason": pa.array(reasons, type=pa.string()),
        }
    )


def _stamped(rows: pa.Table, settings: Evaluation, stamp: Stamp) -> pa.Table:
    finals = {task: settings.is_final(stamp.age_hours, task) for task in settings.tasks}
    is_final = [finals[task] for task in rows["task"].to_pylist()]
    return _selected({**_columns(rows), "is_final": is_final, **_stamp_columns(stamp, rows.num_rows)}, METRICS)


def _shaped(
    rows: pa.Table, keys: Mapping[str, Any], scorings: Sequence[Scoring], stamp: Stamp, into: Table
) -> pa.Table:
    pairs = rows["pair"].to_pylist()
    named = {
        "task": [scorings[pair].task for pair in pairs],
        "model": [scorings[pair].model for pair in pairs],
    }
    shaped = _selected({**_columns(rows), **named, **keys, **_stamp_columns(stamp, rows.num_rows)}, into)
    return shaped.sort_by([(c.name, "ascending") for c in into.columns if not c.nullable and c.name in (*named, *keys)])


def _columns(rows: pa.Table) -> dict[str, Any]:
    return {name: rows[name] for name in rows.column_names}


def _stamp_columns(stamp: Stamp, size: int) -> dict[str, Any]:
    return {name: pa.repeat(pa.scalar(value), size) for name, value in vars(stamp).items()}


def _selected(columns: Mapping[str, Any], into: Table) -> pa.Table:
    """The columns of a table in its order and types."""
    arrays = []
    for field in into.schema:
        values = columns[field.name]
        arrays.append((values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array(values)).cast(field.type))
    return pa.table(arrays, schema=into.schema)


def _with_slice(statistics: pa.Table, declared: Sequence[str]) -> pa.Table:
    parts = [pc.binary_join_element_wise(pa.scalar(name), statistics[name], "=") for name in declared]
    text = pc.binary_join_element_wise(*parts, ",") if parts else pa.repeat(pa.scalar(""), statistics.num_rows)
    return statistics.append_column("slice", text)


def _totals(table: pa.Table, keys: list[str], sums: Sequence[str]) -> pa.Table:
    """Sums added per key, under their own names."""
    added = table.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in sums])
    return added.select([*keys, *(f"{name}_sum" for name in sums)]).rename_columns([*keys, *sums])
