"""Arrow in, Arrow out: the body of `mapInArrow` that turns batches of examples into partial sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.decimals import digits, from_digits
from udfs.exact import Sums, accumulate
from udfs.examples import Examples, binary_examples
from udfs.kernels import kernel
from udfs.measure import FloatArray, Statistic

IntArray = NDArray[np.int64]

PASSED, UNKNOWN, CELLS = -3, -2, -1
BLOCK_ROWS = 2**18
KEYS = pa.schema([("pair", pa.int32()), ("grouping", pa.int32()), ("key", pa.int64()), ("shard", pa.int32())])


@dataclass(frozen=True)
class Pair:
    """One task × model: the columns it reads, and the scale of its score. Without a weight each row weighs 1."""

    label: str
    given: str | None
    weight: str | None
    score: str
    scale: str


@dataclass(frozen=True)
class Grouping:
    """Slices of one declaration: for every cell the number of its slice.

    Attributes:
        of_cell: (cells,) integers in [0, slices).
        slices: Their number.
        parent: A finer grouping whose sums add up to this one's, or None where rows are added.
        of_parent: For every slice of the parent the number of the slice here.
    """

    of_cell: IntArray
    slices: int
    parent: int | None = None
    of_parent: IntArray | None = None


@dataclass(frozen=True)
class Summarise:
    """Batches of examples → partial sums by cell, and by slice and shard.

    Called by each task with all its batches: rows are added where they are, and only the keys that occurred
    leave, one row per pair, grouping, key and shard. `grouping` is the number of a declaration of slices, or
    CELLS (shard is −1 there). Two groupings hold nothing but a count in `n`: PASSED, the rows that came, and
    UNKNOWN, those of them whose code is not in `codes`.
    """

    pairs: tuple[Pair, ...]
    statistics: dict[str, Statistic]
    kernel: str
    codes: IntArray
    cell_of_code: IntArray
    cells: int
    groupings: tuple[Grouping, ...]
    shards: int

    @property
    def schema(self) -> pa.Schema:
        """The columns of the partial sums: a count is one BIGINT, a sum three digits, as engines add them fast."""
        names = [part for name in self.statistics for part in self._parts(name)]
        return pa.schema([*KEYS, *(pa.field(name, pa.int64()) for name in names)])

    def _parts(self, name: str) -> list[str]:
        return [name] if self.statistics[name].counts else [f"{name}__{digit}" for digit in range(3)]

    def restored(self, added: pa.Table) -> pa.Table:
        """Partial sums that were added per key as counts, BIGINT, and sums, DECIMAL(37,15)."""
        columns = {name: added[name] for name in KEYS.names}
        for name in self.statistics:
            parts = [added[part].to_numpy() for part in self._parts(name)]
            columns[name] = added[name] if len(parts) == 1 else from_digits(*parts)
        return pa.table(columns)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sum all batches of a task."""
        width = len(self.pairs) * len(self.statistics)
        by_cell = Sums(self.cells, width)
        by_slice = {i: Sums(g.slices * self.shards, width) for i, g in enumerate(self.groupings) if g.parent is None}
        counts = {PASSED: 0, UNKNOWN: 0}
        for table in _blocks(batches):
            self._add(table, by_cell, by_slice, counts)
        yield from self._emitted(by_cell, CELLS)
        for i, grouping in enumerate(self.groupings):
            if grouping.parent is not None:
                by_slice[i] = self._rolled_up(grouping, by_slice[grouping.parent])
            yield from self._emitted(by_slice[i], i)
        yield from (self._count(number, rows) for number, rows in counts.items() if rows)

    def _add(self, table: pa.Table, by_cell: Sums, by_slice: dict[int, Sums], counts: dict[int, int]) -> None:
        cell, known = self._cells(table["code"])
        counts[PASSED] += table.num_rows
        if not known.all():
            counts[UNKNOWN] += int(known.size - known.sum())
            table, cell = table.filter(pa.array(known)), cell[known]
        shard = table["shard"].to_numpy()
        slices = [(sums, self.groupings[i].of_cell[cell] * self.shards + shard) for i, sums in by_slice.items()]
        accumulate(self._terms(table), [(by_cell, cell), *slices])

    def _cells(self, codes: pa.ChunkedArray) -> tuple[IntArray, NDArray[np.bool_]]:
        """The cell of each code, and whether the code is known."""
        place = pc.index_in(codes, value_set=pa.array(self.codes))
        known: NDArray[np.bool_] = place.is_valid().to_numpy()
        if not self.codes.size:
            return np.zeros(known.size, np.int64), known
        return self.cell_of_code[place.fill_null(0).to_numpy()], known

    def _terms(self, table: pa.Table) -> Iterator[FloatArray]:
        for pair in self.pairs:
            examples = self._examples(table, pair)
            for statistic in self.statistics.values():
                yield statistic(examples)

    def _examples(self, table: pa.Table, pair: Pair) -> Examples:
        label = _column(table, pair.label)
        if pair.given is not None:
            label = np.where(_column(table, pair.given) == 1.0, label, np.nan)
        weight = np.ones(label.size) if pair.weight is None else _column(table, pair.weight)
        score = _column(table, pair.score)
        return binary_examples(label, weight, score, pair.scale, kernel=kernel(self.kernel))

    def _rolled_up(self, grouping: Grouping, finer: Sums) -> Sums:
        """The sums of a coarser grouping out of a finer one's."""
        assert grouping.of_parent is not None
        slices, shard = np.divmod(np.arange(finer.rows.size), self.shards)
        return finer.regrouped(grouping.of_parent[slices] * self.shards + shard, grouping.slices * self.shards)

    def _emitted(self, sums: Sums, number: int) -> Iterator[pa.RecordBatch]:
        """The sums of one grouping, for each pair the keys that have rows of its task."""
        seen = sums.seen()
        keys, shard = (seen, np.full(seen.size, -1)) if number == CELLS else np.divmod(seen, self.shards)
        names = list(self.statistics)
        for pair in range(len(self.pairs)):
            first = pair * len(names)
            columns = [part for i, name in enumerate(names) for part in self._numbers(sums, first + i, name)]
            heads = [
                pa.array(np.full(seen.size, value), type=kind)
                for value, kind in ((pair, pa.int32()), (number, pa.int32()))
            ]
            batch = pa.record_batch(
                [*heads, pa.array(keys), pa.array(shard, type=pa.int32()), *columns], schema=self.schema
            )
            yield batch.filter(pc.or_(pc.not_equal(batch["n"], 0), pc.not_equal(batch["unscored"], 0)))

    def _numbers(self, sums: Sums, place: int, name: str) -> Sequence[IntArray]:
        low, high = sums.words(place)
        return [sums.counts(place)] if self.statistics[name].counts else digits(low, high)

    def _count(self, number: int, rows: int) -> pa.RecordBatch:
        head = {"pair": 0, "grouping": number, "key": 0, "shard": -1, "n": rows}
        return pa.record_batch([pa.array([head.get(f.name, 0)], type=f.type) for f in self.schema], schema=self.schema)


def _blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches of a task as larger tables: per-call costs weigh less."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= BLOCK_ROWS:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _column(table: pa.Table, name: str) -> FloatArray:
    """A column as float64, (n,), NaN for NULL."""
    values: FloatArray = table[name].to_numpy().astype(np.float64, copy=False)
    return values
