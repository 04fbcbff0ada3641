"""The sums of slices by shard as exact integers, what is left without each shard, and where that is too little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.exact.arrays import BoolArray, FloatArray, IntArray, UnitArray
from udfs.exact.decimals import DECIMAL, SCALE, UNITS, from_decimal

Reasons = list[str | None]

LEAST_SHARDS = 10  # below, a spread says little of itself
LEAST_POSITIVE_SHARDS = 10
WIDEST = 76  # digits of a decimal256


@dataclass(frozen=True)
class Sharded:
    """The sums of slices by shard, (slices, shards): integers, so that adding and leaving out is exact in any order.

    Attributes:
        units: By statistic, sums in units of 10⁻¹⁵ as Python integers, counts as they are; 0 where a shard has no rows.
        unknown: By statistic, (slices,): whether it was not recorded in some shard of the slice.
    """

    units: Mapping[str, UnitArray | IntArray]
    unknown: Mapping[str, BoolArray]

    @property
    def present(self) -> BoolArray:
        """Which shards have rows of which slice, (slices, shards)."""
        return np.asarray(self.units["n"] > 0, dtype=np.bool_)

    def leaving_out(self) -> dict[str, FloatArray]:
        """By statistic, (slices, 1 + shards): the nearest doubles of the sums of all shards, then without each.

        NaN where it was not recorded.
        """
        return {name: _doubles(_without_each(units), self.unknown[name]) for name, units in self.units.items()}


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
    place = row, table["shard"].to_numpy().astype(np.int64)
    units: dict[str, UnitArray | IntArray] = {}
    unknown: dict[str, BoolArray] = {}
    for name in names:
        column = table[name]
        missing = column.is_null().to_numpy()
        values = np.where(missing, 0, _units(column))
        units[name] = np.zeros((slices, shards), dtype=values.dtype)
        np.add.at(units[name], place, values)
        unknown[name] = np.bincount(row, weights=missing, minlength=slices) > 0
    return Sharded(units, unknown)


def rows_of_keys(table: pa.Table, keys: Sequence[tuple[Any, ...]], by: Sequence[str]) -> IntArray:
    """Which of `keys` each row of a table has in its columns `by`, (rows,); a key that is not there is a KeyError.

    >>> rows_of_keys(pa.table({"task": ["a", "b"], "slice": ["", ""]}), [("b", ""), ("a", "")], ["task", "slice"])
    array([1, 0])
    """
    number = {key: i for i, key in enumerate(keys)}
    return np.array([number[key] for key in zip(*(table[name].to_pylist() for name in by), strict=True)], np.int64)


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
    rows, shards = sums.units["n"].sum(axis=1), sums.present.sum(axis=1)
    weight = sums.units["weight"]
    heaviest = 2 * weight.max(axis=1, initial=0) > weight.sum(axis=1)
    tests = [(rows == 0, nothing), (rows < least_rows, "too_few_rows"), (shards < LEAST_SHARDS, "too_few_shards")]
    if rare is not None:
        holding = (sums.units[rare] > 0).sum(axis=1)
        tests.append((holding < LEAST_POSITIVE_SHARDS, "too_few_positives"))
    tests.append((heaviest, "dominant_shard"))
    return first_reason(*([reason if holds else None for holds in of] for of, reason in tests))


def first_reason(*reasons: Reasons) -> Reasons:
    """The first reason of several for each slice, (slices,) each to (slices,).

    >>> first_reason([None, "a"], ["b", "c"])
    ['b', 'a']
    """
    return [next((reason for reason in each if reason is not None), None) for each in zip(*reasons, strict=True)]


def _units(column: pa.ChunkedArray) -> UnitArray | IntArray:
    if pa.types.is_decimal256(column.type):
        wide = Context(prec=WIDEST)
        return np.array([None if x is None else int(wide.scaleb(x, SCALE)) for x in column.to_pylist()], np.object_)
    if pa.types.is_decimal(column.type):
        return from_decimal(column.cast(DECIMAL))
    counts: IntArray = column.fill_null(0).to_numpy().astype(np.int64)
    return counts


def _without_each(units: UnitArray | IntArray) -> UnitArray | IntArray:
    whole = units.sum(axis=1, keepdims=True)
    return np.concatenate([whole, whole - units], axis=1)


def _doubles(units: UnitArray | IntArray, unknown: BoolArray) -> FloatArray:
    # A quotient of two Python integers is rounded once.
    values = units / UNITS if units.dtype == np.object_ else units
    doubles: FloatArray = values.astype(np.float64)
    doubles[unknown] = np.nan
    return doubles
