"""That sums at one grain add up to those at another, bit for bit: cells, slices, shards, score bins, classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.evidence import Evidence
from jobs.audit.proofs.keys import KEYS
from jobs.audit.same import same
from jobs.audit.statement import Statement, all_hold, equal, sure
from jobs.ledger import tables
from jobs.results.rows import summed, with_slice
from udfs.examples.classes import SUM_TOLERANCE
from udfs.kinds import KINDS
from udfs.scan.batch import BIN_STATISTICS

SLICE = ["task", "model", "slice"]
# By a table of parts of sums the table of the sums, and what tells its rows apart besides slices.
WHOLE = {
    "score_bins": ("shard_statistics", ()),
    "unpaired_bins": ("unpaired_statistics", ("other",)),
    "class_statistics": ("shard_statistics", ("shard",)),
    "unpaired_classes": ("unpaired_statistics", ("other", "shard")),
}


def totals(of: Evidence) -> Iterator[Statement]:
    """Cells add up to slices, slices to the total, shards, score bins and classes to their slice, bit for bit."""
    yield from _cells(of)
    yield from _shards(of)
    for name in ("shard_statistics", *WHOLE, "unpaired_statistics", "pair_statistics"):
        if name in of.tables:
            yield from _declarations(of, name)
    for name in ("score_bins", "unpaired_bins"):
        yield from _bins(of, name)
    for name in ("class_statistics", "unpaired_classes"):
        yield from _classes(of, name)


def _texts(of: Evidence, names: Sequence[str]) -> pa.Array:
    """The slices of a declaration."""
    return pc.unique(with_slice(of.tables["statistics"], names)["slice"])


def _cells(of: Evidence) -> Iterator[Statement]:
    """That shards of every declared slice add up to what its cells do."""
    sums, cells = list(tables.statistic_columns(of.settings)), of.tables["statistics"]
    by_cell = pa.concat_tables(summed(with_slice(cells, names), SLICE, sums) for names in of.settings.slices)
    yield from same("shard_statistics, added up", summed(of.tables["shard_statistics"], SLICE, sums), by_cell, SLICE)


def _shards(of: Evidence) -> Iterator[Statement]:
    """That there is no other shard than those that are configured."""
    count = of.settings.shards.count
    for name, rows in of.tables.items():
        if "shard" in rows.column_names and rows.num_rows:
            least = -1 if name in ("score_bins", "unpaired_bins") and not of.settings.bins.shards else 0
            ends = pc.min_max(rows["shard"]).as_py()
            most = least if least < 0 else count - 1
            fine = least <= ends["min"] and ends["max"] <= most
            yield sure(f"{name}.shard", f"{ends['min']} to {ends['max']}", f"{least} to {most}", holds=fine)


def _declarations(of: Evidence, name: str) -> Iterator[Statement]:
    """That the slices of every declaration add up to the same, whatever else sums are kept by."""
    rows = of.tables[name]
    keys = [key for key in KEYS[name] if key != "slice"]
    sums = [field.name for field in rows.schema if _is_sum(field) and field.name not in keys]
    declared = [names for names in of.settings.slices if not _of_bins(name) or of.settings.keeps_bins(names)]
    parts = {names: rows.filter(pc.is_in(rows["slice"], value_set=_texts(of, names))) for names in declared}
    added = {names: summed(part, keys, sums) for names, part in parts.items()}
    first = next(iter(added.values()), None)
    for names, found in added.items():
        if first is not None:
            yield from same(f"{name}, slices by {', '.join(names) or 'nothing'} added up", found, first, keys)
    others = rows.num_rows - sum(part.num_rows for part in parts.values())
    yield equal(f"{name}, rows of slices that are not declared", others, 0)


def _is_sum(field: pa.Field) -> bool:
    return bool(pa.types.is_decimal(field.type) or pa.types.is_int64(field.type))


def _of_bins(name: str) -> bool:
    return name in ("score_bins", "unpaired_bins")


def _bins(of: Evidence, name: str) -> Iterator[Statement]:
    """That the score bins of a slice add up to its sums; each row that is scored is in a bin."""
    whole, besides = WHOLE[name]
    if name not in tables.declared(of.settings) or whole not in of.tables:
        return
    keys = [*SLICE, *besides, *(["shard"] if of.settings.bins.shards else [])]
    tasks = [task for task, own in of.settings.tasks.items() if KINDS[own.kind].bins]
    binned = [names for names in of.settings.slices if of.settings.keeps_bins(names)]
    texts = pa.chunked_array([_texts(of, names) for names in binned], type=pa.string())
    rows = of.tables[whole]
    rows = rows.filter(pc.is_in(rows["task"], value_set=pa.array(tasks, type=pa.string())))
    rows = rows.filter(pc.and_(pc.is_in(rows["slice"], value_set=texts), pc.greater(rows["n"], 0)))
    bins = of.tables.get(name, tables.declared(of.settings)[name].schema.empty_table())
    yield from same(f"{name}, added up", summed(bins, keys, BIN_STATISTICS), summed(rows, keys, BIN_STATISTICS), keys)


def _classes(of: Evidence, name: str) -> Iterator[Statement]:
    """That the weights of classes add up to that of their slice: exactly but for labels that are shares."""
    whole, besides = WHOLE[name]
    if name not in tables.declared(of.settings) or whole not in of.tables:
        return
    keys = [*SLICE, *besides]
    tasks = pa.array([task for task, own in of.settings.tasks.items() if KINDS[own.kind].of_classes], type=pa.string())
    rows = of.tables[whole]
    rows = rows.filter(pc.and_(pc.is_in(rows["task"], value_set=tasks), pc.greater(rows["n"], 0)))
    parts = of.tables.get(name, tables.declared(of.settings)[name].schema.empty_table())
    found = {tuple(row[key] for key in keys): row for row in summed(parts, keys, ["class_weight"]).to_pylist()}
    for row in summed(rows, keys, ["n", "weight"]).to_pylist():
        key = tuple(row[each] for each in keys)
        weight, expected = found.get(key, {}).get("class_weight"), row["weight"]
        if expected is None:
            continue
        most = SUM_TOLERANCE * float(expected) + 1e-15 * row["n"]
        near = weight is not None and abs(float(weight - expected)) <= most
        yield all_hold(1) if near else sure(f"{name}, {key}: class_weight, added up", weight, expected, holds=False)
