"""The sums of slices by shard as exact integers, what is left without each shard, and where that is too little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.exact.arrays import BoolArray, FloatArray, IntArray, UnitArray
from udfs.exact.decimals import DECIMAL, SCALE, UNITS
from udfs.exact.integers import Integers, integers, of_units

Reasons = list[str | None]

LEAST_SHARDS = 10  # below, a spread says little of itself
LEAST_POSITIVE_SHARDS = 10
WIDEST = 76  # digits of a decimal256


@dataclass(frozen=True)
class Sharded:
    """The sums of slices by shard, (slices, shards): integers, so that adding and leaving out is exact in any order.

    Attributes:
        sums: By statistic, in units of 10⁻¹⁵, or counts; 0 where a shard has no rows.
    """

    sums: Mapping[str, Integers]

    @classmethod
    def of(cls, units: Mapping[str, UnitArray | IntArray]) -> Sharded:
        """The sums out of units as Python integers, None where they were not recorded, and counts as int64."""
        return cls({name: of_units(each, UNITS if each.dtype == np.object_ else 1) for name, each in units.items()})

    def units(self, name: str) -> UnitArray:
        """A sum in its unit, (slices, shards), as Python integers; 0 where it was not recorded."""
        return replace(self.sums[name], missing=None).units()

    def unknown(self, name: str) -> BoolArray:
        """Whether a statistic was not recorded in some shard of a slice, (slices,)."""
        sums = self.sums[name]
        if sums.missing is None:
            return np.zeros(len(sums.parts[0]), dtype=np.bool_)
        return np.asarray(np.any(sums.missing > 0.0, axis=1), dtype=np.bool_)

    @property
    def dominated(self) -> BoolArray:
        """Whether one shard of a slice has more than half of its weight, (slices,)."""
        own = replace(self.sums["weight"], missing=None)
        parts = tuple(part.sum(axis=1, keepdims=True) - part for part in own.parts)
        return np.asarray(np.any(replace(own, parts=parts).minus(own).nearest() < 0.0, axis=1), dtype=np.bool_)

    @property
    def rows(self) -> FloatArray:
        """The rows of each slice and shard, (slices, shards)."""
        return self.sums["n"].nearest()

    @property
    def present(self) -> BoolArray:
        """Which shards have rows of which slice, (slices, shards)."""
        return np.asarray(self.rows > 0.0, dtype=np.bool_)

    def part(self, names: Sequence[str], rows: slice) -> Sharded:
        """Some of the sums of some of the slices, without a copy."""
        return Sharded({name: self.sums[name].part(rows) for name in names})

    def whole(self, name: str) -> FloatArray:
        """The nearest doubles of a sum of all shards, (slices,); NaN where it was not recorded in some shard."""
        of = self.sums[name]
        parts = tuple(part.sum(axis=1) for part in of.parts)
        return np.where(self.unknown(name), np.nan, replace(of, parts=parts, missing=None).nearest())

    def leaving_out(self) -> dict[str, FloatArray]:
        """By statistic, (slices, 1 + shards): the nearest doubles of the sums of all shards, then without each.

        NaN where it was not recorded in some shard of the slice.
        """
        return {
            name: _without_each(sums)
            if sums.missing is None
            else np.where(self.unknown(name)[:, None], np.nan, _without_each(sums))
            for name, sums in self.sums.items()
        }


def sharded(table: pa.Table, row: IntArray, slices: int, shards: int, names: Sequence[str]) -> Sharded:
    """The sums of a table by slice and shard.

    Args:
        table: A column `shard`, 0 to shards - 1, and the sums: DECIMAL with 15 places, or counts. Rows of one slice
            and shard are added.
        row: The slice of each row of the table, 0 to slices - 1.
        slices: How many there are, those without rows as well.
        shards: How many there are.
        names: The columns of sums; with `n`, where `present` is asked for.

    >>> table = pa.table({"shard": [0, 1], "n": [3, 4]})
    >>> sharded(table, np.array([0, 0]), 1, 2, ["n"]).leaving_out()["n"].tolist()
    [[7.0, 4.0, 3.0]]
    """
    place = np.ravel_multi_index((row, table["shard"].to_numpy().astype(np.int64)), (slices, shards))
    most = int(np.bincount(row, minlength=1).max(initial=0))
    alone = bool((np.bincount(place, minlength=1) <= 1).all())
    columns = {name: _integers(table[name], most) for name in names}
    size = slices * shards
    placed = {n: of.placed(place, size) if alone else of.added(place, size) for n, of in columns.items()}
    return Sharded({name: of.shaped(slices, shards) for name, of in placed.items()})


def rows_of(texts: pa.ChunkedArray, every: Sequence[str]) -> IntArray:
    """Which of `every` text each one is, (rows,); one that is not there is a KeyError.

    >>> rows_of(pa.chunked_array([["b", "a"]]), ["a", "b"])
    array([1, 0])
    """
    found = pc.index_in(texts, value_set=pa.array(every, type=pa.string()))
    if found.null_count:
        raise KeyError(pc.filter(texts, found.is_null())[0].as_py())
    rows: IntArray = found.to_numpy().astype(np.int64)
    return rows


def parts_left_out(
    rows: pa.Table, part: str, shards: int, names: Sequence[str]
) -> tuple[NDArray[Any], dict[str, FloatArray]]:
    """The score bins or classes of one slice, ascending, and the sums of each: (parts, 1 + shards), as `leaving_out`.

    Args:
        rows: Columns `shard` and `part`, and the sums.
        part: The column that names the part: `bin` or `class`.
        shards: How many there are.
        names: The columns of sums.

    >>> rows = pa.table({"shard": [0, 1, 1], "bin": [0.5, 0.25, 0.5], "n": [3, 4, 1]})
    >>> parts_left_out(rows, "bin", 2, ["n"])[1]["n"].tolist()
    [[4.0, 4.0, 0.0], [4.0, 1.0, 3.0]]
    """
    found, row = np.unique(rows[part].to_numpy(), return_inverse=True)
    return found, sharded(rows, row.astype(np.int64), found.size, shards, names).leaving_out()


def refused(sums: Sharded, least_rows: int, *, rare: str | None = None, nothing: str = "no_rows") -> Reasons:
    """Why a slice has no interval, (slices,), the first that holds; None where it can have one.

    Args:
        sums: With `n`, `weight` and `rare`.
        least_rows: With fewer rows it is `too_few_rows`; with none at all, `nothing`.
        rare: The weight of the positives, where there are any: `too_few_positives` unless 10 shards hold some. So it
            is for fewer than 10 positives, whatever the scale of the weights, and where few users have them all.
        nothing: For comparisons, what it means that there are no rows.

    Then `too_few_shards`, fewer than 10 with rows, and `dominant_shard`, one with more than half of the weight: users
    without a cookie are all in one.
    """
    rows, shards = sums.rows.sum(axis=1), sums.present.sum(axis=1)
    tests = [(rows == 0, nothing), (rows < least_rows, "too_few_rows"), (shards < LEAST_SHARDS, "too_few_shards")]
    if rare is not None:
        holding = (replace(sums.sums[rare], missing=None).nearest() > 0.0).sum(axis=1)
        tests.append((holding < LEAST_POSITIVE_SHARDS, "too_few_positives"))
    tests.append((sums.dominated, "dominant_shard"))
    return first_reason(*([reason if holds else None for holds in of] for of, reason in tests))


def first_reason(*reasons: Reasons) -> Reasons:
    """The first reason of several for each slice, (slices,) each to (slices,).

    >>> first_reason([None, "a"], ["b", "c"])
    ['b', 'a']
    """
    found = list(reasons[0])
    for others in reasons[1:]:
        if any(others):
            found = [own or other for own, other in zip(found, others, strict=True)]
    return found


def _integers(column: pa.ChunkedArray, most: int) -> Integers:
    """A column, to be added over the rows of a slice: up to `most`."""
    if pa.types.is_decimal256(column.type):
        wide = Context(prec=WIDEST)
        units = [None if x is None else int(wide.scaleb(x, SCALE)) for x in column.to_pylist()]
        return of_units(np.array(units, dtype=np.object_), UNITS, most)
    return integers(column.cast(DECIMAL) if pa.types.is_decimal(column.type) else column, most)


def _without_each(sums: Integers) -> FloatArray:
    wholes = [part.sum(axis=1, keepdims=True) for part in sums.parts]
    parts = (np.concatenate([whole, whole - part], axis=1) for whole, part in zip(wholes, sums.parts, strict=True))
    return replace(sums, parts=tuple(parts), missing=None).nearest()
