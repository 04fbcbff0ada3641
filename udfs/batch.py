"""Arrow in, Arrow out: the body of `mapInArrow` that turns batches of examples into partial sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.exact import DECIMAL, Sums, accumulate
from udfs.examples import Examples, binary_examples
from udfs.kernels import kernel
from udfs.measure import FloatArray, Statistic

IntArray = NDArray[np.int64]

PASSED, UNKNOWN, CELLS = -3, -2, -1
BLOCK_ROWS = 2**18
ZERO = pa.scalar(0, pa.int64()).cast(DECIMAL)
KEYS = pa.schema([("pair", pa.int32()), ("grouping", pa.int32()), ("key", pa.int64()), ("shard", pa.int32())])


@dataclass(frozen=True)
class Pair:
    """One task × model: the columns it reads, and the scale of its score."""

    label: str
    given: str | None
    weight: str
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
        """The columns of the partial sums."""
        fields = [pa.field(name, DECIMAL) for name in self.statistics]
        return pa.schema([*KEYS, *fields])

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
        weight, score = _column(table, pair.weight), _column(table, pair.score)
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
            columns = [sums.decimals(first + i) for i in range(len(names))]
            heads = [
                pa.array(np.full(seen.size, value), type=kind)
                for value, kind in ((pair, pa.int32()), (number, pa.int32()))
            ]
            batch = pa.record_batch(
                [*heads, pa.array(keys), pa.array(shard, type=pa.int32()), *columns], schema=self.schema
            )
            yield batch.filter(pc.or_(pc.not_equal(batch["n"], ZERO), pc.not_equal(batch["unscored"], ZERO)))

    def _count(self, number: int, rows: int) -> pa.RecordBatch:
        zero, count = pa.array([0]).cast(DECIMAL), pa.array([rows]).cast(DECIMAL)
        head = [pa.array([value], type=f.type) for value, f in zip((0, number, 0, -1), KEYS, strict=True)]
        sums = [count if name == "n" else zero for name in self.statistics]
        return pa.record_batch([*head, *sums], schema=self.schema)


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
