"""From the combined sums to the rows of the tables, and the audit that both statistics tables agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import RuntimeFailure
from jobs.examples.cells import Cells
from jobs.examples.sent import binning
from jobs.inputs.scorings import Scoring
from jobs.ledger.stamp import Stamp
from jobs.ledger.tables import REJECTS, declared, statistic_columns
from jobs.settings import Evaluation
from jobs.storage.schema import Table
from udfs.scan.grains import CELLS
from udfs.scan.keyed import BOTH, NO_OTHER, WHOLE
from udfs.scan.partials import combined


@dataclass(frozen=True)
class Combined:
    """The combined sums of a day, and what their keys stand for.

    Attributes:
        sums: One row per task × model, grouping, key, shard, part and other model.
        cells: The cells of the day.
        scorings: Every task × model.
        stamp: What every row carries.
        settings: What is configured.
    """

    sums: pa.Table
    cells: Cells
    scorings: Sequence[Scoring]
    stamp: Stamp
    settings: Evaluation

    def statistics(self) -> pa.Table:
        """The rows of `statistics`, in the units of the pass: one per task, model and cell."""
        rows = self.sums.filter(pc.equal(self.sums["grouping"], CELLS))
        own = [self.cells.cells[key] for key in rows["key"].to_pylist()]
        dimensions = {name: [cell[i] for cell in own] for i, name in enumerate(self.cells.dimensions)}
        return _shaped(rows, dimensions, self, declared(self.settings)["statistics"])


def shard_statistics(of: Combined, into: Table) -> pa.Table:
    """The rows of `shard_statistics`: one per task, model, slice and shard; of `unpaired_statistics` by other model."""
    rows = _over(of, into)
    rows = rows.filter(pc.and_(pc.not_equal(rows["grouping"], CELLS), pc.equal(rows["part"], WHOLE)))
    return _of_slices(rows, of, into)


def pair_statistics(of: Combined, into: Table) -> pa.Table:
    """The rows of `pair_statistics`: one per task, model, other model, slice and shard with rows of both."""
    return _of_slices(of.sums.filter(pc.equal(of.sums["part"], BOTH)), of, into)


def score_bins(of: Combined, into: Table) -> pa.Table:
    """The rows of `score_bins`: one per task, model, slice and bin that has rows, and shard if those are kept apart.

    Those of `unpaired_bins` are by other model as well.
    """
    rows = _parts(_over(of, into), [i for i, s in enumerate(of.scorings) if s.kind.bins])
    edges = [None if (own := binning(s, of.settings)) is None else own.edges for s in of.scorings]
    parts = zip(rows["pair"].to_pylist(), rows["part"].to_pylist(), strict=True)
    low = pa.array([float(edges[pair][part]) for pair, part in parts], type=pa.float64())
    return _of_slices(rows, of, into, bin=low)


def class_statistics(of: Combined, into: Table) -> pa.Table:
    """The rows of `class_statistics`: one per task, model, slice, shard and class; of `unpaired_classes` by other."""
    rows = _parts(_over(of, into), [i for i, s in enumerate(of.scorings) if s.kind.of_classes])
    parts = zip(rows["pair"].to_pylist(), rows["part"].to_pylist(), strict=True)
    names = pa.array([of.scorings[pair].classes[part] for pair, part in parts], type=pa.string())
    return _of_slices(rows, of, into, **{"class": names})


def _over(of: Combined, into: Table) -> pa.Table:
    """The sums over all rows, or for a table that names another model over the rows that this one can not score."""
    apart = "other" in into.schema.names
    return of.sums.filter(pc.equal(pc.not_equal(of.sums["other"], NO_OTHER), apart))


def _parts(table: pa.Table, pairs: Sequence[int]) -> pa.Table:
    """The rows of some pairs that are of score bins or of classes."""
    own = pc.is_in(table["pair"], value_set=pa.array(pairs, type=pa.int32()))
    return table.filter(pc.and_(pc.greater_equal(table["part"], 0), own))


def _of_slices(rows: pa.Table, of: Combined, into: Table, **parts: pa.Array) -> pa.Table:
    """Sums by slice and shard, by what else they are kept, and by other model where the table names one."""
    keys = zip(rows["grouping"].to_pylist(), rows["key"].to_pylist(), strict=True)
    texts = [of.cells.slices[grouping].texts[key] for grouping, key in keys]
    others = (
        {"other": [of.scorings[i].model for i in rows["other"].to_pylist()]} if "other" in into.schema.names else {}
    )
    return _shaped(rows, {**others, "slice": texts, "shard": rows["shard"], **parts}, of, into)


def audit(statistics: pa.Table, shard_statistics: pa.Table, settings: Evaluation) -> None:
    """Check that for every declared slice the cells add up to the shards, bit for bit.

    Raises:
        RuntimeFailure: They do not; it names the first slice (exit 3).
    """
    sums = list(statistic_columns(settings))
    by_shard = summed(shard_statistics, ["task", "model", "slice"], sums)
    by_cell = pa.concat_tables(
        summed(with_slice(statistics, names), ["task", "model", "slice"], sums) for names in settings.slices
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


def _shaped(rows: pa.Table, keys: Mapping[str, Any], of: Combined, into: Table) -> pa.Table:
    own = [of.scorings[pair] for pair in rows["pair"].to_pylist()]
    named = {"task": [each.task for each in own], "model": [each.model for each in own]}
    shaped = selected({**columns_in(rows), **named, **keys, **stamp_columns(of.stamp, rows.num_rows)}, into)
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


def with_slice(statistics: pa.Table, names: Sequence[str]) -> pa.Table:
    """Rows of `statistics` with the slice of a declaration that each belongs to."""
    parts = [pc.binary_join_element_wise(pa.scalar(name), statistics[name], "=") for name in names]
    text = pc.binary_join_element_wise(*parts, ",") if parts else pa.repeat(pa.scalar(""), statistics.num_rows)
    return statistics.append_column("slice", text)


def of_pair(table: pa.Table, task: str, model: str) -> pa.Table:
    """The rows of a task and model."""
    return table.filter(pc.and_(pc.equal(table["task"], task), pc.equal(table["model"], model)))


def summed(table: pa.Table, keys: list[str], sums: Sequence[str]) -> pa.Table:
    """Sums added per key, under their own names."""
    return combined(table.select([*keys, *sums]), keys)
