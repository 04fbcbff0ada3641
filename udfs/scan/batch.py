"""Arrow in, Arrow out: the body of `mapInArrow` that turns batches of examples into partial sums."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.exact.arrays import BoolArray, FloatArray, IntArray
from udfs.exact.decimals import DECIMAL
from udfs.exact.kernels import kernel
from udfs.exact.sums import Sums, accumulate
from udfs.examples.classes import of_each_class
from udfs.measure import Statistic
from udfs.scan.blocks import blocks
from udfs.scan.grains import CELLS, Grain, Grouping, grains_of_all, grains_of_pair
from udfs.scan.partials import PACK_ROWS, counted, packed
from udfs.scan.recipes import Recipe, column

WHOLE = -1  # the part of sums over all scores and classes
NO_OTHER = -1  # the other pair of sums over all rows
BLOCK_ROWS = 2**17  # their columns stay near the cache; fewer rows pay for the calls instead
BIN_STATISTICS = ("n", "positive_weight", "negative_weight", "score_sum", "positive_nll", "negative_nll")
KEYS = pa.schema(
    [
        *(("pair", pa.int32()), ("grouping", pa.int32()), ("key", pa.int64())),
        *(("shard", pa.int32()), ("part", pa.int32()), ("other", pa.int32())),
    ]
)

Terms = tuple[Hashable, FloatArray]


@dataclass(frozen=True)
class Summarise:
    """Batches of examples → partial sums by cell, by slice and shard, and by score bin and class.

    Called by each task with all its batches: rows are added where they are, and only the keys that occurred leave, one
    row per pair, grouping, key, shard, part and other pair, packed as `udfs.scan.partials` says. `grouping` is the
    number of a declaration of slices, or CELLS (shard is −1 there); `part` is the number of a score bin or of a class,
    or WHOLE; the sums of a pair are only over the rows that the other pair can not score, but for NO_OTHER.
    Beside them leave counts of the rows that `passed`, and of those of them that are `unknown`, as their code is not
    among `codes`.

    Attributes:
        recipes: Of the examples of every task × model.
        statistics: For each kind of task its statistics by column.
        by_class: The statistics of each class by column.
        kernel: `strict` or `native`.
        codes: The codes of the combinations of dimensions, ascending.
        cell_of_code: The cell of each.
        cells: Their number.
        groupings: The declared slices.
        shards: The number of shards.
        unpaired: Pairs with another one of the same task, whose sums are kept apart over the rows that this other one
            can not score.
    """

    recipes: tuple[Recipe, ...]
    statistics: Mapping[str, Mapping[str, Statistic]]
    by_class: Mapping[str, Statistic]
    kernel: str
    codes: IntArray
    cell_of_code: IntArray
    cells: int
    groupings: tuple[Grouping, ...]
    shards: int
    unpaired: tuple[tuple[int, int], ...] = ()

    @cached_property
    def columns(self) -> dict[str, Statistic]:
        """The statistics of all kinds of task, and of classes, by column."""
        kinds = dict.fromkeys(recipe.kind for recipe in self.recipes)
        by_class = self.by_class if any(recipe.classes for recipe in self.recipes) else {}
        return {name: s for kind in kinds for name, s in self.statistics[kind].items()} | dict(by_class)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the partial sums: keys, counts as BIGINT, sums as DECIMAL(37,15)."""
        sums = ((name, pa.int64() if s.counts else DECIMAL) for name, s in self.columns.items())
        return pa.schema([*KEYS, *sums])

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sum all batches of a task."""
        sums = self._sums()
        passed = unknown = 0
        for table in blocks(batches, BLOCK_ROWS // max((recipe.width for recipe in self.recipes), default=1)):
            passed += table.num_rows
            unknown += self._add(table, sums)
        for grain, of_grain in sums.items():
            yield from self._emitted(grain, of_grain)
            for number, grouping in enumerate(self.groupings):
                if grain.whole and grouping.parent == grain.grouping:
                    yield from self._emitted(replace(grain, grouping=number), self._rolled_up(grouping, of_grain))
        if passed:
            yield counted(passed=passed, unknown=unknown)

    def _sums(self) -> dict[Grain, Sums]:
        """No sums yet, at every grain at which rows are added."""
        grains = [*grains_of_all(self.groupings, self.shards)]
        for pair, recipe in enumerate(self.recipes):
            grains += grains_of_pair(pair, recipe, self.groupings, self.shards)
        return {grain: Sums(self._size(grain)) for grain in grains}

    def _size(self, grain: Grain) -> int:
        return grain.keys(self.cells if grain.grouping == CELLS else self.groupings[grain.grouping].slices)

    def _add(self, table: pa.Table, sums: dict[Grain, Sums]) -> int:
        """Add the rows of a table, but for those that are unknown: their number."""
        cell, known = self._cells(table["code"])
        unknown = int(known.size - np.count_nonzero(known))
        if unknown:
            table, cell = table.filter(pa.array(known)), cell[known]
        shard = table["shard"].to_numpy()
        # Grains of several pairs have the same slices and shards.
        slices = {at: self._keys(*at, cell, shard) for at in dict.fromkeys((g.grouping, g.shards) for g in sums)}
        keys = {grain: slices[grain.grouping, grain.shards] for grain in sums if grain.other is None}
        scored: list[BoolArray] = []
        terms = self._terms(table, {g: k for g, k in keys.items() if g.pair is not None}, sums, scored)
        of_all = {grain: key for grain, key in keys.items() if grain.pair is None}
        accumulate(terms, [(sums[grain], key) for grain, key in of_all.items()])
        for pair, other in self.unpaired:
            rows = np.flatnonzero(scored[pair] & ~scored[other])
            if rows.size:
                own = {g: key[rows] for g, key in of_all.items() if g.grouping != CELLS}
                self._add_unpaired(table.take(pa.array(rows)), (pair, other), own, sums)
        return unknown

    def _add_unpaired(
        self, table: pa.Table, pairs: tuple[int, int], keys: Mapping[Grain, IntArray], sums: dict[Grain, Sums]
    ) -> None:
        """Add the few rows that one pair can score and another can not; where there are none it costs nothing."""
        pair, other = pairs
        recipe = self.recipes[pair]
        examples = recipe.examples(table, kernel(self.kernel))
        apart = [(replace(grain, pair=pair, other=other), key) for grain, key in keys.items()]
        terms = ((name, statistic.of(examples)) for name, statistic in self.statistics[recipe.kind].items())
        accumulate(terms, [(sums.setdefault(grain, Sums(self._size(grain))), key) for grain, key in apart])

    def _cells(self, codes: pa.ChunkedArray) -> tuple[IntArray, BoolArray]:
        """The cell of each code, and whether the code is known."""
        number = pc.index_in(codes, value_set=pa.array(self.codes))
        known: BoolArray = number.is_valid().to_numpy()
        if not self.codes.size:
            return np.zeros(known.size, np.int64), known
        return self.cell_of_code[number.fill_null(0).to_numpy()], known

    def _keys(self, grouping: int, shards: int, cell: IntArray, shard: IntArray) -> IntArray:
        if grouping == CELLS:
            return cell
        slices = self.groupings[grouping].of_cell[cell]
        return slices * shards + shard if shards else slices

    def _terms(
        self,
        table: pa.Table,
        keys: Mapping[Grain, IntArray],
        sums: Mapping[Grain, Sums],
        scored: list[BoolArray],
    ) -> Iterator[Terms]:
        """The terms of every statistic of every pair; what it keeps for itself is added, and `scored` told."""
        for pair, recipe in enumerate(self.recipes):
            examples = recipe.examples(table, kernel(self.kernel))
            scored.append(examples["scored"] > 0.0)
            own = {grain: key for grain, key in keys.items() if grain.pair == pair}
            if recipe.classes:
                of_classes = [(sums[grain], key) for grain, key in own.items() if grain.parts == 1]
                accumulate(self._class_terms(examples), of_classes)
            for grain in (grain for grain in own if grain.parts > 1):
                self._add_bins(table, recipe, examples, (sums[grain], own[grain] * grain.parts))
            for name, statistic in self.statistics[recipe.kind].items():
                yield (pair, name), statistic.of(examples)

    def _class_terms(self, examples: dict[str, Any]) -> Iterator[Terms]:
        """The terms of every class, class by class."""
        for number, of_class in enumerate(of_each_class(examples)):
            for name, statistic in self.by_class.items():
                yield (number, name), statistic.of(of_class)

    def _add_bins(self, table: pa.Table, recipe: Recipe, examples: dict[str, Any], into: tuple[Sums, IntArray]) -> None:
        assert recipe.binning is not None
        # Bins of logits are of the score as it is read; what is made of it for the losses is its probability.
        score = column(table, recipe.scores[0]) if recipe.binning.scale == "logit" else examples["score"]
        usable = np.flatnonzero(examples["scored"])
        sums, first = into
        terms = ((name, self.statistics[recipe.kind][name].of(examples)[usable]) for name in BIN_STATISTICS)
        accumulate(terms, [(sums, first[usable] + recipe.binning.located(score[usable]))])

    def _rolled_up(self, grouping: Grouping, finer: Sums) -> Sums:
        """The sums of a coarser grouping out of a finer one's."""
        assert grouping.of_parent is not None
        slices, shard = np.divmod(np.arange(finer.rows.size), self.shards)
        return finer.regrouped(grouping.of_parent[slices] * self.shards + shard, grouping.slices * self.shards)

    def _emitted(self, grain: Grain, sums: Sums) -> Iterator[pa.RecordBatch]:
        """The sums at one grain, for each pair the keys that have rows of its task."""
        if grain.pair is None:
            for pair, recipe in enumerate(self.recipes):
                yield self._rows(grain, pair, sums, {name: (pair, name) for name in self.statistics[recipe.kind]})
            return
        recipe = self.recipes[grain.pair]
        if grain.other is not None or grain.parts > 1:
            names = BIN_STATISTICS if grain.parts > 1 else self.statistics[recipe.kind]
            yield self._rows(grain, grain.pair, sums, {name: name for name in names})
            return
        for number in range(recipe.classes):
            of_class = {name: (number, name) for name in self.by_class}
            yield self._rows(grain, grain.pair, sums, of_class, part=number)

    def _rows(
        self, grain: Grain, pair: int, sums: Sums, names: Mapping[str, Hashable], part: int = WHOLE
    ) -> pa.RecordBatch:
        """The sums of some columns, by their name in `sums`, as rows: NULL in all other columns."""
        seen = sums.seen()
        key, bin_ = np.divmod(seen, grain.parts)
        key, shard = np.divmod(key, grain.shards) if grain.shards else (key, np.full(seen.size, -1))
        columns = {"pair": pair, "grouping": grain.grouping, "key": key, "shard": shard}
        columns["part"] = bin_ if grain.parts > 1 else part
        columns["other"] = NO_OTHER if grain.other is None else grain.other
        for title, name in names.items():
            columns[title] = sums.counts(name) if self.columns[title].counts else sums.decimals(name)
        batch = self._batch(columns, seen.size)
        bucket = self._bucket(pair, grain.grouping) + seen // PACK_ROWS
        if "unscored" in names:
            counted = pc.or_(pc.not_equal(batch["n"], 0), pc.not_equal(batch["unscored"], 0))
            batch, bucket = batch.filter(counted), bucket[counted.to_numpy(zero_copy_only=False)]
        return packed(batch, bucket)

    def _bucket(self, pair: int, grouping: int) -> int:
        """The first bucket of a pair and a grouping: parts of a key are always in the same one."""
        return (pair * (len(self.groupings) - CELLS) + grouping - CELLS) << 32

    def _batch(self, columns: Mapping[str, Any], size: int) -> pa.RecordBatch:
        """A batch of partial sums, NULL in the columns that are not given."""
        arrays = [_array(columns.get(field.name), field.type, size) for field in self.schema]
        return pa.record_batch(arrays, schema=self.schema)


def _array(values: pa.Array | IntArray | int | None, type_: pa.DataType, size: int) -> pa.Array:
    if values is None:
        return pa.nulls(size, type_)
    if isinstance(values, pa.Array):
        return values
    return pa.array(np.broadcast_to(values, size), type=type_)
