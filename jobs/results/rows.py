"""From the combined sums to the rows of the tables, and the audit that both statistics tables agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import RuntimeFailure
from jobs.examples.cells import Cells
from jobs.examples.sent import binning
from jobs.inputs.scorings import Scoring
from jobs.ledger.stamp import Stamp
from jobs.ledger.tables import CLASS_STATISTICS, REJECTS, SCORE_BINS, statistic_columns
from jobs.settings import Evaluation
from jobs.storage.schema import Table
from udfs.scan.batch import NO_OTHER, WHOLE
from udfs.scan.grains import CELLS
from udfs.scan.partials import combined


def statistics(table: pa.Table, cells: Cells, scorings: Sequence[Scoring], stamp: Stamp, into: Table) -> pa.Table:
    """The rows of `statistics`: one per task, model and cell."""
    rows = table.filter(pc.equal(table["grouping"], CELLS))
    own = [cells.cells[key] for key in rows["key"].to_pylist()]
    dimensions = {name: [cell[i] for cell in own] for i, name in enumerate(cells.dimensions)}
    return _shaped(rows, dimensions, scorings, stamp, into)


def shard_statistics(table: pa.Table, cells: Cells, scorings: Sequence[Scoring], stamp: Stamp, into: Table) -> pa.Table:
    """The rows of `shard_statistics`: one per task, model, slice and shard."""
    rows = table.filter(pc.and_(pc.not_equal(table["grouping"], CELLS), pc.equal(table["part"], WHOLE)))
    rows = rows.filter(pc.equal(rows["other"], NO_OTHER))
    return _shaped(rows, {"slice": _texts(rows, cells), "shard": rows["shard"]}, scorings, stamp, into)


def unpaired_statistics(
    table: pa.Table, cells: Cells, scorings: Sequence[Scoring], stamp: Stamp, into: Table
) -> pa.Table:
    """The rows of `unpaired_statistics`: one per task, model, other model, slice and shard that has such rows."""
    rows = table.filter(pc.not_equal(table["other"], NO_OTHER))
    others = [scorings[other].model for other in rows["other"].to_pylist()]
    keys = {"other": others, "slice": _texts(rows, cells), "shard": rows["shard"]}
    return _shaped(rows, keys, scorings, stamp, into)


def score_bins(
    table: pa.Table, cells: Cells, scorings: Sequence[Scoring], stamp: Stamp, settings: Evaluation
) -> pa.Table:
    """The rows of `score_bins`: one per task, model, slice and bin that has rows, and shard if those are kept apart."""
    rows = _parts(table, [i for i, s in enumerate(scorings) if s.kind.bins])
    edges = [None if (own := binning(s, settings)) is None else own.edges for s in scorings]
    parts = zip(rows["pair"].to_pylist(), rows["part"].to_pylist(), strict=True)
    low = pa.array([float(edges[pair][part]) for pair, part in parts], type=pa.float64())
    keys = {"slice": _texts(rows, cells), "shard": rows["shard"], "bin": low}
    return _shaped(rows, keys, scorings, stamp, SCORE_BINS)


def class_statistics(table: pa.Table, cells: Cells, scorings: Sequence[Scoring], stamp: Stamp) -> pa.Table:
    """The rows of `class_statistics`: one per task, model, slice, shard and class."""
    rows = _parts(table, [i for i, s in enumerate(scorings) if s.kind.of_classes])
    parts = zip(rows["pair"].to_pylist(), rows["part"].to_pylist(), strict=True)
    names = [scorings[pair].classes[part] for pair, part in parts]
    keys = {"slice": _texts(rows, cells), "shard": rows["shard"], "class": pa.array(names, type=pa.string())}
    return _shaped(rows, keys, scorings, stamp, CLASS_STATISTICS)


def _parts(table: pa.Table, pairs: Sequence[int]) -> pa.Table:
    """The rows of some pairs that are of score bins or of classes."""
    own = pc.is_in(table["pair"], value_set=pa.array(pairs, type=pa.int32()))
    return table.filter(pc.and_(pc.not_equal(table["part"], WHOLE), own))


def _texts(rows: pa.Table, cells: Cells) -> list[str]:
    keys = zip(rows["grouping"].to_pylist(), rows["key"].to_pylist(), strict=True)
    return [cells.slices[grouping].texts[key] for grouping, key in keys]


def audit(statistics: pa.Table, shard_statistics: pa.Table, settings: Evaluation) -> None:
    """Check that for every declared slice the cells add up to the shards, bit for bit.

    Raises:
        RuntimeFailure: They do not; it names the first slice (exit 3).
    """
    sums = list(statistic_columns(settings))
    by_shard = summed(shard_statistics, ["task", "model", "slice"], sums)
    by_cell = pa.concat_tables(
        summed(with_slice(statistics, declared), ["task", "model", "slice"], sums) for declared in settings.slices
    )
    keys = [(name, "ascending") for name in ("task", "model", "slice")]
    left, right = by_cell.sort_by(keys), by_shard.sort_by(keys)
    if not left.equals(right.cast(left.schema)):
        wrong = [a for a, b in zip(left.to_pylist(), right.to_pylist(), strict=False) if a != b]
        place = {k: wrong[0][k] for k in ("task", "model", "slice")} if wrong else "their number"
        raise RuntimeFailure(f"the sums over cells and over shards differ at {place}; nothing was written")


def stamped_rejects(rows: pa.Table, stamp: Stamp) -> pa.Table:
    """The rows of `rejects`."""
    return selected({**columns_in(rows), **stamp_columns(stamp, rows.num_rows)}, REJECTS)


def _shaped(
    rows: pa.Table, keys: Mapping[str, Any], scorings: Sequence[Scoring], stamp: Stamp, into: Table
) -> pa.Table:
    pairs = rows["pair"].to_pylist()
    named = {
        "task": [scorings[pair].task for pair in pairs],
        "model": [scorings[pair].model for pair in pairs],
    }
    shaped = selected({**columns_in(rows), **named, **keys, **stamp_columns(stamp, rows.num_rows)}, into)
    return shaped.sort_by([(c.name, "ascending") for c in into.columns if not c.nullable and c.name in (*named, *keys)])


def columns_in(rows: pa.Table) -> dict[str, Any]:
    """The columns of a table by name."""
    return {name: rows[name] for name in rows.column_names}


def stamp_columns(stamp: Stamp, size: int) -> dict[str, Any]:
    """The columns that every row of a run carries."""
    return {name: pa.repeat(pa.scalar(value), size) for name, value in vars(stamp).items()}


def selected(columns: Mapping[str, Any], into: Table) -> pa.Table:
    """The columns of a table in its order and types."""
    arrays = []
    for field in into.schema:
        values = columns[field.name]
        arrays.append((values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array(values)).cast(field.type))
    return pa.table(arrays, schema=into.schema)


def with_slice(statistics: pa.Table, declared: Sequence[str]) -> pa.Table:
    """Rows of `statistics` with the slice of a declaration that each belongs to."""
    parts = [pc.binary_join_element_wise(pa.scalar(name), statistics[name], "=") for name in declared]
    text = pc.binary_join_element_wise(*parts, ",") if parts else pa.repeat(pa.scalar(""), statistics.num_rows)
    return statistics.append_column("slice", text)


def summed(table: pa.Table, keys: list[str], sums: Sequence[str]) -> pa.Table:
    """Sums added per key, under their own names."""
    return combined(table.select([*keys, *sums]), keys)
