"""Arrow in, Arrow out: the body of `mapInArrow` that turns batches of examples into partial sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.exact.decimals import DECIMAL, IntArray
from udfs.exact.kernels import kernel
from udfs.exact.sums import Sums, accumulate
from udfs.examples.classes import of_each_class
from udfs.measure import FloatArray, Statistic
from udfs.scan.pairs import Pair, column
from udfs.scan.partials import PACK_ROWS, packed
from udfs.scan.places import CELLS, Grouping, Place, places_of_all, places_of_pair

PASSED, UNKNOWN = -3, -2
WHOLE = -1  # the part of sums over all scores and classes
BLOCK_ROWS = 2**17  # their columns stay near the cache; fewer rows pay for the calls instead
BIN_STATISTICS = ("n", "positive_weight", "negative_weight", "score_sum")
KEYS = pa.schema(
    [
        *(("pair", pa.int32()), ("grouping", pa.int32()), ("key", pa.int64())),
        *(("shard", pa.int32()), ("part", pa.int32())),
    ]
)


@dataclass(frozen=True)
class Summarise:
    """Batches of examples → partial sums by cell, by slice and shard, and by score bin and class.

    Called by each task with all its batches: rows are added where they are, and only the keys that occurred leave, one
    row per pair, grouping, key, shard and part, packed as `udfs.scan.partials` says. `grouping` is the number of a
    declaration of slices, or CELLS (shard is −1 there); `part` is the number of a score bin or of a class, or WHOLE.
    Two groupings hold nothing but a count in `n`: PASSED, the rows that came, and UNKNOWN, those of them whose code is
    not in `codes`.

    Attributes:
        pairs: The tasks × models.
        statistics: For each kind of task its statistics by column.
        by_class: The statistics of each class by column.
        kernel: `strict` or `native`.
        codes: The codes of the combinations of dimensions, ascending.
        cell_of_code: The cell of each.
        cells: Their number.
        groupings: The declared slices.
        shards: The number of shards.
    """

    pairs: tuple[Pair, ...]
    statistics: Mapping[str, Mapping[str, Statistic]]
    by_class: Mapping[str, Statistic]
    kernel: str
    codes: IntArray
    cell_of_code: IntArray
    cells: int
    groupings: tuple[Grouping, ...]
    shards: int

    @cached_property
    def columns(self) -> dict[str, Statistic]:
        """The statistics of all kinds of task, and of classes, by column."""
        # Without a pair the rows are counted all the same.
        kinds = dict.fromkeys(pair.kind for pair in self.pairs) or dict.fromkeys([*self.statistics][:1])
        by_class = self.by_class if any(pair.classes for pair in self.pairs) else {}
        return {name: s for kind in kinds for name, s in self.statistics[kind].items()} | dict(by_class)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the partial sums: keys, counts as BIGINT, sums as DECIMAL(37,15)."""
        return pa.schema([*KEYS, *((name, pa.int64() if s.counts else DECIMAL) for name, s in self.columns.items())])

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sum all batches of a task."""
        sums = self._sums()
        counts = {PASSED: 0, UNKNOWN: 0}
        for table in _blocks(batches, BLOCK_ROWS // max((pair.width for pair in self.pairs), default=1)):
            self._add(table, sums, counts)
        for place, found in sums.items():
            yield from self._emitted(place, found)
        for number, grouping in enumerate(self.groupings):
            if grouping.parent is not None:
                parent = sums[Place(None, grouping.parent, self.shards, 1)]
                yield from self._emitted(Place(None, number, self.shards, 1), self._rolled_up(grouping, parent))
        yield from (self._count(number, rows) for number, rows in counts.items() if rows)

    def _sums(self) -> dict[Place, Sums]:
        """No sums yet, at every place where rows are added."""
        width = sum(len(self.statistics[pair.kind]) for pair in self.pairs)
        of_all = {place: width for place in places_of_all(self.groupings, self.shards)}
        of_pairs = {
            place: pair.classes * len(self.by_class) if place.parts == 1 else len(BIN_STATISTICS)
            for i, pair in enumerate(self.pairs)
            for place in places_of_pair(i, pair, self.groupings, self.shards)
        }
        return {place: Sums(self._size(place), wide) for place, wide in {**of_all, **of_pairs}.items()}

    def _size(self, place: Place) -> int:
        return place.keys(self.cells if place.grouping == CELLS else self.groupings[place.grouping].slices)

    def _add(self, table: pa.Table, sums: Mapping[Place, Sums], counts: dict[int, int]) -> None:
        cell, known = self._cells(table["code"])
        counts[PASSED] += table.num_rows
        if not known.all():
            counts[UNKNOWN] += int(known.size - known.sum())
            table, cell = table.filter(pa.array(known)), cell[known]
        shard = table["shard"].to_numpy()
        # Places of several pairs have the same slices and shards.
        slices = {at: self._keys(*at, cell, shard) for at in dict.fromkeys((p.grouping, p.shards) for p in sums)}
        keys = {place: slices[place.grouping, place.shards] for place in sums}
        terms = self._terms(table, {p: k for p, k in keys.items() if p.pair is not None}, sums)
        accumulate(terms, [(sums[place], key) for place, key in keys.items() if place.pair is None])

    def _cells(self, codes: pa.ChunkedArray) -> tuple[IntArray, NDArray[np.bool_]]:
        """The cell of each code, and whether the code is known."""
        place = pc.index_in(codes, value_set=pa.array(self.codes))
        known: NDArray[np.bool_] = place.is_valid().to_numpy()
        if not self.codes.size:
            return np.zeros(known.size, np.int64), known
        return self.cell_of_code[place.fill_null(0).to_numpy()], known

    def _keys(self, grouping: int, shards: int, cell: IntArray, shard: IntArray) -> IntArray:
        if grouping == CELLS:
            return cell
        slices = self.groupings[grouping].of_cell[cell]
        return slices * shards + shard if shards else slices

    def _terms(
        self, table: pa.Table, keys: Mapping[Place, IntArray], sums: Mapping[Place, Sums]
    ) -> Iterator[FloatArray]:
        """The terms of every statistic of every pair; what a pair keeps for itself is added on the way."""
        for i, pair in enumerate(self.pairs):
            examples = pair.examples(table, kernel(self.kernel))
            own = {place: key for place, key in keys.items() if place.pair == i}
            if pair.classes:
                _add_classes(examples, self.by_class.values(), [(sums[p], k) for p, k in own.items() if p.parts == 1])
            for place in (place for place in own if place.parts > 1):
                self._add_bins(table, pair, examples, (sums[place], own[place] * place.parts))
            for statistic in self.statistics[pair.kind].values():
                yield statistic.of(examples)

    def _add_bins(self, table: pa.Table, pair: Pair, examples: dict[str, Any], into: tuple[Sums, IntArray]) -> None:
        assert pair.binning is not None
        score = column(table, pair.scores[0]) if len(pair.scores) == 1 and pair.rate is None else examples["score"]
        usable = np.flatnonzero(examples["scored"])
        sums, first = into
        terms = (self.statistics[pair.kind][name].of(examples)[usable] for name in BIN_STATISTICS)
        accumulate(terms, [(sums, first[usable] + pair.binning.located(score[usable]))])

    def _rolled_up(self, grouping: Grouping, finer: Sums) -> Sums:
        """The sums of a coarser grouping out of a finer one's."""
        assert grouping.of_parent is not None
        slices, shard = np.divmod(np.arange(finer.rows.size), self.shards)
        return finer.regrouped(grouping.of_parent[slices] * self.shards + shard, grouping.slices * self.shards)

    def _emitted(self, place: Place, sums: Sums) -> Iterator[pa.RecordBatch]:
        """The sums of one place, for each pair the keys that have rows of its task."""
        first = 0
        for i, pair in enumerate(self.pairs):
            statistics = self.statistics[pair.kind]
            if place.pair is None:
                yield self._rows(place, i, sums, {name: at for at, name in enumerate(statistics, first)})
                first += len(statistics)
            elif place.pair == i and place.parts > 1:
                yield self._rows(place, i, sums, {name: at for at, name in enumerate(BIN_STATISTICS)})
            elif place.pair == i:
                for k in range(pair.classes):
                    at = {name: k * len(self.by_class) + j for j, name in enumerate(self.by_class)}
                    yield self._rows(place, i, sums, at, part=k)

    def _rows(self, place: Place, pair: int, sums: Sums, at: Mapping[str, int], part: int = WHOLE) -> pa.RecordBatch:
        """The sums of some statistics, by their position in `sums`, as rows: NULL in the columns of all others."""
        seen = sums.seen()
        key, bin_ = np.divmod(seen, place.parts)
        key, shard = np.divmod(key, place.shards) if place.shards else (key, np.full(seen.size, -1))
        columns = {"pair": pair, "grouping": place.grouping, "key": key, "shard": shard}
        columns["part"] = bin_ if place.parts > 1 else part
        for name, position in at.items():
            columns[name] = sums.counts(position) if self.columns[name].counts else sums.decimals(position)
        batch = self._batch(columns, seen.size)
        bucket = self._bucket(pair, place.grouping) + seen // PACK_ROWS
        if "unscored" in at:
            counted = pc.or_(pc.not_equal(batch["n"], 0), pc.not_equal(batch["unscored"], 0))
            batch, bucket = batch.filter(counted), bucket[counted.to_numpy(zero_copy_only=False)]
        return packed(batch, bucket)

    def _count(self, grouping: int, rows: int) -> pa.RecordBatch:
        """How many rows came, or are unknown."""
        keys = {"pair": 0, "grouping": grouping, "key": 0, "shard": -1, "part": WHOLE}
        return packed(self._batch({**keys, "n": rows}, 1), np.array([self._bucket(0, grouping)]))

    def _bucket(self, pair: int, grouping: int) -> int:
        """The first bucket of a pair and a grouping: parts of a key are always in the same one."""
        return (pair * (len(self.groupings) - PASSED) + grouping - PASSED) << 32

    def _batch(self, columns: Mapping[str, Any], size: int) -> pa.RecordBatch:
        """A batch of partial sums, NULL in the columns that are not given."""
        arrays = [_array(columns.get(field.name), field.type, size) for field in self.schema]
        return pa.record_batch(arrays, schema=self.schema)


def _add_classes(
    examples: dict[str, Any], statistics: Iterable[Statistic], groupings: Sequence[tuple[Sums, IntArray]]
) -> None:
    """Add the terms of every class, class by class."""
    listed = list(statistics)
    accumulate((statistic.of(each) for each in of_each_class(examples) for statistic in listed), groupings)


def _array(values: pa.Array | IntArray | int | None, type_: pa.DataType, size: int) -> pa.Array:
    if values is None:
        return pa.nulls(size, type_)
    if isinstance(values, pa.Array):
        return values
    return pa.array(np.broadcast_to(values, size), type=type_)


def _blocks(batches: Iterable[pa.RecordBatch], least: int) -> Iterator[pa.Table]:
    """The batches of a task as larger tables, of so many rows at least: per-call costs weigh less."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= least:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()
