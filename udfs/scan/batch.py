"""Arrow in, Arrow out: the body of `mapInArrow` that turns batches of examples into partial sums."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.exact.arrays import BoolArray, FloatArray, IntArray
from udfs.exact.kernels import kernel
from udfs.exact.sums import Sums, accumulate
from udfs.examples.classes import of_each_class
from udfs.examples.pairs import OF_EACH, pair_examples
from udfs.measure import Statistic
from udfs.scan.blocks import blocks
from udfs.scan.grains import CELLS, Grain, Grouping, grains_of_all, grains_of_pair
from udfs.scan.keyed import BOTH, Keyed
from udfs.scan.recipes import Recipe, column
from udfs.scan.tally import Tally

BLOCK_ROWS = 2**16  # columns stay in the cache, and malloc keeps their memory; fewer rows pay for the calls instead
BIN_STATISTICS = ("n", "positive_weight", "negative_weight", "score_sum", "positive_nll", "negative_nll")

Terms = tuple[Hashable, FloatArray]


@dataclass(frozen=True)
class Summarise:
    """Batches of examples → partial sums by cell, by slice and shard, and by score bin and class.

    Called by each task with all its batches: rows are added where they are, and only the keys that occurred leave, one
    row per pair, grouping, key, shard, part and other pair, packed as `udfs.scan.partials` says. `grouping` is the
    number of a declaration of slices, or CELLS (shard is −1 there); `part` is the number of a score bin or of a class,
    or WHOLE; the sums of a pair are only over the rows that the other pair can not score, but for NO_OTHER, and but
    for the part BOTH: what both pairs say of the rows that both can score.
    Beside them leave counts of the rows that `passed`, and of those of them that are `unknown`, as their code is not
    among `codes`; of each column that is `tallied` how many rows have which number, and all that is `hashed`.

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
        paired: Pairs with another one of the same task, of which is kept what both say of the rows that both can score.
        of_both: The statistics of that by column.
        tallied: Columns of numbers of which it is counted how often each comes, NULL not at all.
        hashed: A column of hashes of which it is counted how many come again, NULL not at all.
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
    paired: tuple[tuple[int, int], ...] = ()
    of_both: Mapping[str, Statistic] = field(default_factory=dict)
    tallied: tuple[str, ...] = ()
    hashed: str | None = None

    @cached_property
    def columns(self) -> dict[str, Statistic]:
        """The statistics of all kinds of task, of classes and of two pairs, by column."""
        kinds = dict.fromkeys(recipe.kind for recipe in self.recipes)
        by_class = self.by_class if any(recipe.classes for recipe in self.recipes) else {}
        own = {name: s for kind in kinds for name, s in self.statistics[kind].items()}
        return own | dict(by_class) | (dict(self.of_both) if self.paired else {})

    @property
    def schema(self) -> pa.Schema:
        """The columns of the partial sums."""
        return self._out.schema

    @cached_property
    def _out(self) -> Keyed:
        return Keyed(self.columns, len(self.groupings))

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sum all batches of a task."""
        sums = self._sums()
        tally = Tally(self.tallied, self.hashed)
        for table in blocks(batches, BLOCK_ROWS // max((recipe.width for recipe in self.recipes), default=1)):
            tally.add(table, unknown=self._add(table, sums))
        for grain, of_grain in sums.items():
            yield from self._emitted(grain, of_grain)
            for number, grouping in enumerate(self.groupings):
                if grain.whole and grouping.parent == grain.grouping:
                    yield from self._emitted(replace(grain, grouping=number), self._rolled_up(grouping, of_grain))
        yield from tally.emitted()

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
        kept: list[dict[str, Any]] = []
        terms = self._terms(table, keys, sums, kept)
        accumulate(terms, [(sums[grain], key) for grain, key in keys.items() if grain.pair is None])
        for pair, other in self.unpaired:
            rows = np.flatnonzero((kept[pair]["scored"] > 0.0) & ~(kept[other]["scored"] > 0.0))
            if rows.size:
                own = {g: key[rows] for g, key in keys.items() if g.grouping != CELLS and g.pair in (None, pair)}
                self._add_unpaired(table.take(pa.array(rows)), (pair, other), own, sums)
        of_all = {g: key for g, key in keys.items() if g.grouping != CELLS and g.pair is None}
        for pair, other in self.paired:
            rows, examples = pair_examples(kept[pair], kept[other])
            both = [(replace(g, pair=pair, other=other, of="both"), key[rows]) for g, key in of_all.items()]
            terms = ((name, statistic.of(examples)) for name, statistic in self.of_both.items())
            accumulate(terms, [(self._apart(grain, sums), key) for grain, key in both])
        return unknown

    def _add_unpaired(
        self, table: pa.Table, pairs: tuple[int, int], keys: Mapping[Grain, IntArray], sums: dict[Grain, Sums]
    ) -> None:
        """Add the few rows that one pair can score and another can not; where there are none it costs nothing."""
        pair, other = pairs
        recipe = self.recipes[pair]
        examples = recipe.examples(table, kernel(self.kernel))
        apart = [(g, self._apart(replace(g, pair=pair, other=other), sums), key) for g, key in keys.items()]
        terms = ((name, statistic.of(examples)) for name, statistic in self.statistics[recipe.kind].items())
        accumulate(terms, [(into, key) for g, into, key in apart if g.of == "rows"])
        self._add_parts(table, recipe, examples, [each for each in apart if each[0].of != "rows"])

    def _apart(self, grain: Grain, sums: dict[Grain, Sums]) -> Sums:
        """The sums at a grain that not every task has rows of."""
        if grain not in sums:
            sums[grain] = Sums(self._size(grain))
        return sums[grain]

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
        kept: list[dict[str, Any]],
    ) -> Iterator[Terms]:
        """The terms of every statistic of every pair; those of its parts are added, and `kept` what pairs ask of it."""
        of_each = dict.fromkeys((pair for pairs in self.paired for pair in pairs), OF_EACH)
        for pair, recipe in enumerate(self.recipes):
            examples = recipe.examples(table, kernel(self.kernel))
            kept.append({name: examples[name] for name in of_each.get(pair, ("scored",))})
            own = [(grain, sums[grain], key) for grain, key in keys.items() if grain.pair == pair]
            self._add_parts(table, recipe, examples, own)
            for name, statistic in self.statistics[recipe.kind].items():
                yield (pair, name), statistic.of(examples)

    def _add_parts(
        self, table: pa.Table, recipe: Recipe, examples: dict[str, Any], into: Iterable[tuple[Grain, Sums, IntArray]]
    ) -> None:
        """Add rows to the sums of their classes, and of their score bins."""
        of_classes = [(sums, key) for grain, sums, key in into if grain.of == "classes"]
        if of_classes:
            accumulate(self._class_terms(examples), of_classes)
        for grain, sums, key in into:
            if grain.of == "bins":
                self._add_bins(table, recipe, examples, (sums, key * grain.parts))

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
                yield self._out.rows(grain, pair, sums, {name: (pair, name) for name in self.statistics[recipe.kind]})
            return
        recipe = self.recipes[grain.pair]
        if grain.of == "classes":
            for number in range(recipe.classes):
                of_class = {name: (number, name) for name in self.by_class}
                yield self._out.rows(grain, grain.pair, sums, of_class, number)
        elif grain.of == "both":
            yield self._out.rows(grain, grain.pair, sums, {name: name for name in self.of_both}, BOTH)
        else:
            names = BIN_STATISTICS if grain.of == "bins" else self.statistics[recipe.kind]
            yield self._out.rows(grain, grain.pair, sums, {name: name for name in names})
