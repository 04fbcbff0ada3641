"""Every cross of the dimensions up to a depth, as exact sums of cells: complete, nothing is pruned or sampled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.integers import Integers, integers

FREE = -1
MOST_KEYS = 2**62


@dataclass(frozen=True)
class Cells:
    """The cells of one or several sides, as two days or two models: one row for each cell of each side.

    Attributes:
        values: The values of each dimension over all sides, sorted.
        codes: Which of them a row has. (rows, dimensions).
        side: Which side a row is of. (rows,).
        sides: How many there are.
        sums: The statistics of the rows, exact. (rows,) each.
    """

    values: Mapping[str, Sequence[str]]
    codes: IntArray
    side: IntArray
    sides: int
    sums: Mapping[str, Integers]


@dataclass(frozen=True)
class Crosses:
    """Crosses of dimensions; row 0 is the total, deeper ones come after shallower ones, then in the order of values.

    Attributes:
        values: The values of each dimension.
        codes: Which of them is fixed; −1 where a dimension is free. (crosses, dimensions).
        sums: The statistics by name, exact. (sides · crosses,) each, one side after the other.
        parents: The rows with one dimension less, −1 where there are fewer than `depth`. (crosses, depth).
        sides: How many sides there are.
    """

    values: Mapping[str, Sequence[str]]
    codes: IntArray
    sums: Mapping[str, Integers]
    parents: IntArray
    sides: int

    def nearest(self, statistic: str) -> FloatArray:
        """The nearest doubles of a statistic, NaN where it was not recorded. (sides, crosses)."""
        return self.sums[statistic].nearest().reshape(self.sides, len(self.codes))

    @property
    def depths(self) -> IntArray:
        """How many dimensions each cross fixes. (crosses,)."""
        fixed: IntArray = (self.codes != FREE).sum(axis=1)
        return fixed

    def text(self, row: int) -> str:
        """The cross as a slice, e.g. `country=DE,device=ios`; '' is the total."""
        return ",".join(f"{name}={value}" for name, value in self.fixed(row).items())

    def row(self, fixed: Mapping[str, str]) -> int:
        """The row of a cross that is there."""
        codes = [values.index(fixed[name]) if name in fixed else FREE for name, values in self.values.items()]
        return int((self.codes == np.array(codes, dtype=np.int64)).all(axis=1).argmax())

    def fixed(self, row: int) -> dict[str, str]:
        """The values of the dimensions that a cross fixes."""
        every = zip(self.values.items(), self.codes[row].tolist(), strict=True)
        return {name: values[code] for (name, values), code in every if code != FREE}


def cells(tables: Sequence[pa.Table], dimensions: Sequence[str], statistics: Sequence[str]) -> Cells:
    """The cells of the sides, out of tables as `statistics`, of one task and model each.

    Args:
        tables: A table for each side: a column of text for each dimension, DECIMAL(37,15) or BIGINT for each statistic.
        dimensions: The columns to cross, in the order in which they are told.
        statistics: The columns to add.
    """
    whole = pa.concat_tables([table.select([*dimensions, *statistics]) for table in tables])
    values, codes = {}, np.zeros((whole.num_rows, len(dimensions)), dtype=np.int64)
    for i, name in enumerate(dimensions):
        column = whole[name].combine_chunks()
        known = pc.unique(column).sort()
        values[name] = known.to_pylist()
        codes[:, i] = pc.index_in(column, value_set=known).to_numpy(zero_copy_only=False)
    side = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
    sums = {name: integers(whole[name], whole.num_rows) for name in statistics}
    return Cells(values, codes, side, len(tables), sums)


def aligned(given: Cells) -> Crosses:
    """The cells themselves, each once with the sums of all sides, 0 where a side has none; without parents."""
    sizes = [len(values) for values in given.values.values()]
    every = _added(_ungrouped(given.codes, given.side, given.sums), tuple(range(len(sizes))), sizes, given.sides)
    return Crosses(given.values, every.codes, every.sums, every.codes[:, :0], given.sides)


def cut(found: Crosses, dimensions: Sequence[str]) -> tuple[IntArray, Crosses]:
    """The slices of a declaration: which one each of the aligned cells is of, (cells,), and their sums.

    >>> days = [pa.table({"country": ["DE", "FR"], "n": [1, 2]}), pa.table({"country": ["FR"], "n": [4]})]
    >>> of, slices = cut(aligned(cells(days, ["country"], ["n"])), ["country"])
    >>> of.tolist(), slices.text(1), slices.nearest("n").tolist()
    ([0, 1], 'country=FR', [[1.0, 2.0], [0.0, 4.0]])
    """
    chosen = tuple(list(found.values).index(name) for name in dimensions)
    side = np.repeat(np.arange(found.sides), len(found.codes))
    whole = _ungrouped(found.codes, side, found.sums)
    own = _added(whole, chosen, [len(values) for values in found.values.values()], found.sides)
    codes = np.full((len(own.keys), found.codes.shape[1]), FREE, dtype=np.int64)
    codes[:, list(chosen)] = own.codes
    return own.of, Crosses(found.values, codes, own.sums, codes[:, :0], found.sides)


@dataclass(frozen=True)
class _Grouping:
    """The groups of one set of dimensions: keys ascending, codes (groups, dimensions of the set), sums by side."""

    chosen: tuple[int, ...]
    keys: IntArray
    codes: IntArray
    side: IntArray
    sums: Mapping[str, Integers]
    of: IntArray  # which group each row of the source is of


def crosses(given: Cells, depth: int = 3, *, least_rows: int = 0) -> Crosses:
    """Every cross of up to `depth` of the dimensions that has as many rows `n` in each side; the total always.

    A shallower set is added from a deeper one that holds it, so that the cells are read only for the deepest. Adding
    is exact on integers, so the way does not matter: the sums are those of the cells. What has fewer rows goes as soon
    as it is added: a cross has no more than its parents, so that all of those stay.

    Raises:
        ValueError: The values of so many dimensions have no number of 63 bits; two million cells always have.

    >>> day = pa.table({"country": ["DE", "DE", "FR"], "device": ["ios", "web", "ios"], "n": [1, 2, 4]})
    >>> found = crosses(cells([day], ["country", "device"], ["n"]))
    >>> {found.text(i): n for i, n in enumerate(found.nearest("n")[0].tolist())}["device=ios"]
    5.0
    """
    sizes = [len(values) for values in given.values.values()]
    deepest = min(depth, len(sizes))
    if math.prod(sorted(sizes)[len(sizes) - deepest :]) > MOST_KEYS:
        raise ValueError(f"dimensions of {', '.join(map(str, sizes))} values are too many for crosses of {deepest}")
    whole = _ungrouped(given.codes, given.side, given.sums)
    found: dict[tuple[int, ...], _Grouping] = {}

    def add(chosen: tuple[int, ...], source: _Grouping) -> None:
        own = _added(source, chosen, sizes, given.sides)
        for rest in combinations(chosen, len(chosen) - 1) if chosen else ():
            if rest not in found:
                add(rest, own)
        found[chosen] = _of_rows(own, least_rows if chosen else 0, given.sides)

    for chosen in combinations(range(len(sizes)), deepest):
        add(chosen, whole)
    ordered = dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))
    return _listed(ordered, given, sizes, deepest)


def _of_rows(own: _Grouping, least: int, sides: int) -> _Grouping:
    """The groups that have so many rows in each side."""
    if not least:
        return own
    kept = np.flatnonzero((own.sums["n"].nearest().reshape(sides, -1) >= least).all(axis=0))
    rows = (np.arange(sides)[:, None] * len(own.keys) + kept).reshape(-1)
    sums = {name: each.taken(rows) for name, each in own.sums.items()}
    return _Grouping(own.chosen, own.keys[kept], own.codes[kept], own.side[rows], sums, own.of)


def _ungrouped(codes: IntArray, side: IntArray, sums: Mapping[str, Integers]) -> _Grouping:
    rows = np.arange(len(codes))
    return _Grouping(tuple(range(codes.shape[1])), rows, codes, side, sums, rows)


def _added(source: _Grouping, chosen: tuple[int, ...], sizes: Sequence[int], sides: int) -> _Grouping:
    columns = [source.chosen.index(each) for each in chosen]
    keys, of, first = _numbered(*_keys(source.codes[:, columns], [sizes[each] for each in chosen]))
    size = len(keys)
    # The rows of groups are of all sides, one after the other; those of cells are of the side that they name.
    rows = np.tile(of, sides) if source.side.size > of.size else of
    place = source.side * size + rows
    sums = {name: each.added(place, sides * size) for name, each in source.sums.items()}
    return _Grouping(chosen, keys, source.codes[first][:, columns], np.repeat(np.arange(sides), size), sums, of)


def _keys(codes: IntArray, sizes: Sequence[int]) -> tuple[IntArray, int]:
    """A number for the codes of each row, in their order, and below which it is; renumbered where 63 bits end."""
    key, span = np.zeros(len(codes), dtype=np.int64), 1
    for column, size in zip(codes.T, sizes, strict=True):
        if span * size > MOST_KEYS:
            known, key = np.unique(key, return_inverse=True)
            span = len(known)
        key, span = key * size + column, span * size
    return key, span


def _numbered(key: IntArray, span: int) -> tuple[IntArray, IntArray, IntArray]:
    """The keys that occur, ascending, which of them each row has, and a row of each."""
    if span > 8 * key.size + 1024:
        keys, first, of = np.unique(key, return_index=True, return_inverse=True)
        return keys, of.reshape(-1), first
    row = np.full(span, -1, dtype=np.int64)
    row[key] = np.arange(key.size)
    keys = np.flatnonzero(row >= 0)
    number = np.zeros(span, dtype=np.int64)
    number[keys] = np.arange(keys.size)
    return keys, number[key], row[keys]


def _listed(found: Mapping[tuple[int, ...], _Grouping], given: Cells, sizes: Sequence[int], depth: int) -> Crosses:
    """All groupings one after the other."""
    starts = dict(zip(found, np.cumsum([0, *(len(each.keys) for each in found.values())])[:-1].tolist(), strict=True))
    codes, parents = [], []
    for chosen, each in found.items():
        own = np.full((len(each.keys), len(sizes)), FREE, dtype=np.int64)
        own[:, list(chosen)] = each.codes
        above = np.full((len(each.keys), depth), -1, dtype=np.int64)
        for i in range(len(chosen)):
            rest = chosen[:i] + chosen[i + 1 :]
            key, _ = _keys(np.delete(each.codes, i, axis=1), [sizes[at] for at in rest])
            above[:, i] = starts[rest] + np.searchsorted(found[rest].keys, key)
        codes.append(own)
        parents.append(above)
    sums = {name: _joined([each.sums[name] for each in found.values()], given.sides) for name in given.sums}
    return Crosses(given.values, np.concatenate(codes), sums, np.concatenate(parents), given.sides)


def _joined(every: Sequence[Integers], sides: int) -> Integers:
    def join(columns: Sequence[FloatArray]) -> FloatArray:
        return np.concatenate([column.reshape(sides, -1) for column in columns], axis=1).reshape(-1)

    parts = tuple(join([each.parts[i] for each in every]) for i in range(len(every[0].parts)))
    missing = [each.missing for each in every if each.missing is not None]
    return Integers(parts, every[0].bits, every[0].unit, join(missing) if missing else None)
