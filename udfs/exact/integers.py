"""Exact sums by group, fast: integers of up to 128 bits as a few float64 limbs that never round when they are added.

A number is Σ part·2^(bits·i) over its limbs, the lowest first. All but the last are in [0, 2^bits), and bits is such
that no sum over all rows leaves 2⁵²: any addition of any of the rows, in any order, and one subtraction are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from udfs.exact.arrays import FloatArray, IntArray, UnitArray
from udfs.exact.decimals import SCALE, UNITS

SIGNIFICANT = 53


@dataclass(frozen=True)
class Integers:
    """Exact numbers of any one shape.

    Attributes:
        parts: The limbs, lowest first; integers as float64, each of the shape.
        bits: How far apart the limbs are.
        unit: The number 1 in units: 10¹⁵ for sums, 1 for counts.
        missing: How many of the rows that were added are NULL, not recorded; None where none of all rows is.
    """

    parts: tuple[FloatArray, ...]
    bits: int
    unit: int
    missing: FloatArray | None

    def added(self, of: IntArray, size: int) -> Integers:
        """The sums of the rows of each group: `of` says which, in [0, size). (n,) to (size,)."""
        missing = None if self.missing is None else _by_group(self.missing, of, size)
        return Integers(tuple(_by_group(part, of, size) for part in self.parts), self.bits, self.unit, missing)

    def placed(self, at: IntArray, size: int) -> Integers:
        """The rows at their places in [0, size), none of which has two; 0 elsewhere. (n,) to (size,)."""
        missing = None if self.missing is None else _at(self.missing, at, size)
        return Integers(tuple(_at(part, at, size) for part in self.parts), self.bits, self.unit, missing)

    def shaped(self, *shape: int) -> Integers:
        """The same numbers in another shape."""
        missing = None if self.missing is None else self.missing.reshape(shape)
        return Integers(tuple(part.reshape(shape) for part in self.parts), self.bits, self.unit, missing)

    def coarsest(self) -> Integers:
        """The same numbers in a unit of 1 where all are whole and none is large: fewer limbs are added faster.

        >>> of_units(np.array([3 * UNITS, 5 * UNITS]), UNITS).coarsest().unit
        1
        """
        if self.unit == 1 or len(self.parts) != 2 or np.abs(self.parts[1]).max(initial=0.0) >= 2.0 ** (62 - self.bits):
            return self
        units = (self.parts[1].astype(np.int64) << self.bits) + self.parts[0].astype(np.int64)
        whole = units // self.unit
        if (whole * self.unit != units).any():
            return self
        return Integers((whole.astype(np.float64),), self.bits, 1, self.missing)

    def part(self, rows: slice) -> Integers:
        """Some of the rows, without a copy. (n, …) to (rows, …)."""
        missing = None if self.missing is None else self.missing[rows]
        return Integers(tuple(part[rows] for part in self.parts), self.bits, self.unit, missing)

    def taken(self, rows: IntArray) -> Integers:
        """Some of the rows. (n,) to (rows,)."""
        missing = None if self.missing is None else self.missing[rows]
        return Integers(tuple(part[rows] for part in self.parts), self.bits, self.unit, missing)

    def minus(self, other: Integers) -> Integers:
        """The differences to other sums of the same rows, exact. (n,)."""
        nothing = np.zeros_like(self.parts[0])
        size = max(len(self.parts), len(other.parts))
        own, theirs = ((*each.parts, *[nothing] * (size - len(each.parts))) for each in (self, other))
        absent = [each.missing for each in (self, other) if each.missing is not None]
        parts = tuple(a - b for a, b in zip(own, theirs, strict=True))
        return Integers(parts, self.bits, self.unit, sum(absent, nothing) if absent else None)

    def units(self) -> UnitArray:
        """The numbers in their unit as Python integers; None where a part was not recorded. Of the same shape."""
        total = np.zeros(self.parts[0].shape, dtype=np.object_)
        for i, part in enumerate(self.parts):
            total += part.astype(np.int64).astype(np.object_) << (self.bits * i)
        if self.missing is not None:
            total[self.missing > 0.0] = None
        return total

    def nearest(self) -> FloatArray:
        """The doubles nearest to the numbers, as `decimals.nearest` has them; NaN for None. Of the same shape.

        >>> integers(pa.array([1, -3, None]), rows=3).nearest()
        array([ 1., -3., nan])
        """
        if len(self.parts) == 1:
            value = self.parts[0] / self.unit
        elif len(self.parts) == 2:
            value = self._of_two()
        else:
            known = [0.0 if unit is None else unit / self.unit for unit in self.units().ravel().tolist()]
            value = np.array(known, dtype=np.float64).reshape(self.parts[0].shape)
        return value if self.missing is None else np.where(self.missing > 0.0, np.nan, value)

    def _of_two(self) -> FloatArray:
        """The quotient in twice the digits and then rounded; where that is a close call, by Python's integers."""
        high, low = self.parts[1] * 2.0**self.bits, self.parts[0]
        whole = high + low
        shown = whole - high
        lost = (high - (whole - shown)) + (low - shown)
        quotient = whole / self.unit
        product, error = _product(quotient, float(self.unit))
        rest = ((whole - product) - error + lost) / self.unit
        value = quotient + rest
        close = np.abs(np.abs(rest - (value - quotient)) / np.spacing(np.abs(value)) - 0.5) < 1e-6
        for i in zip(*np.nonzero(close), strict=True):
            number = (int(self.parts[1][i]) << self.bits) + int(low[i])
            value[i] = number / self.unit
        return value


def _by_group(part: FloatArray, of: IntArray, size: int) -> FloatArray:
    # Without rows NumPy would count, in integers.
    return np.bincount(of, part, size).astype(np.float64, copy=False)


def _at(part: FloatArray, at: IntArray, size: int) -> FloatArray:
    found = np.zeros(size)
    found[at] = part
    return found


def _product(a: FloatArray, b: float) -> tuple[FloatArray, FloatArray]:
    """The product and what its rounding lost, exactly (Dekker 1971)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(np.float64(b))
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(x: FloatArray | np.float64) -> tuple[FloatArray, FloatArray]:
    scaled = x * (2.0**27 + 1.0)
    high = scaled - (scaled - x)
    return np.asarray(high), np.asarray(x - high)


def of_units(units: UnitArray | IntArray, unit: int, rows: int | None = None) -> Integers:
    """Python integers of any size, or counts, to be added over up to this many rows, by default over all. Any shape.

    >>> of_units(np.array([2**70, None]), 1).units().tolist()
    [1180591620717411303424, None]
    """
    absent = np.array([each is None for each in units.ravel().tolist()], dtype=np.bool_).reshape(units.shape)
    rest = np.where(absent, 0, units)
    bits, largest = _limits(units.size if rows is None else rows)
    parts = []
    while rest.size and np.abs(rest).max() > largest:
        parts.append((rest & ((1 << bits) - 1)).astype(np.float64))
        rest = rest >> bits
    parts.append(rest.astype(np.float64))
    return Integers(tuple(parts), bits, unit, absent.astype(np.float64) if absent.any() else None)


def integers(column: pa.ChunkedArray | pa.Array, rows: int) -> Integers:
    """A column of DECIMAL(37,15) or BIGINT, to be added over up to this many rows. (n,).

    Raises:
        ValueError: It is of another type.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    low, high, unit = _words(array)
    missing = None
    if array.null_count:
        absent = array.is_null().to_numpy(zero_copy_only=False)
        low, high, missing = np.where(absent, np.uint64(0), low), np.where(absent, 0, high), absent.astype(np.float64)
    bits, largest = _limits(rows)
    parts = []
    if not high.any() and low.max(initial=0) < 1 << 63:
        return Integers(_limbs(low.view(np.int64), bits, largest), bits, unit, missing)
    while not _fits(low, high, largest):
        parts.append((low & np.uint64((1 << bits) - 1)).astype(np.float64))
        low = (low >> np.uint64(bits)) | (high.view(np.uint64) << np.uint64(64 - bits))
        high = high >> bits
    parts.append(low.view(np.int64).astype(np.float64))
    return Integers(tuple(parts), bits, unit, missing)


def _limbs(rest: IntArray, bits: int, largest: int) -> tuple[FloatArray, ...]:
    """The limbs of numbers that are not negative, below 2⁶³."""
    parts, most = [], int(rest.max(initial=0))
    while most > largest:
        parts.append((rest & ((1 << bits) - 1)).astype(np.float64))
        rest, most = rest >> bits, most >> bits
    return (*parts, rest.astype(np.float64))


def _limits(rows: int) -> tuple[int, int]:
    """How far apart limbs are, and how large the last one may be, for sums over so many rows."""
    return max(32, SIGNIFICANT - rows.bit_length() - 1), (1 << (SIGNIFICANT - 1)) // max(rows, 1)


def _words(array: pa.Array) -> tuple[np.ndarray, IntArray, int]:
    """Low and high words of 128-bit integers, and the unit of their number 1."""
    if pa.types.is_integer(array.type):
        counts = array.fill_null(0).to_numpy().astype(np.int64)
        return counts.view(np.uint64), counts >> 63, 1
    if not (pa.types.is_decimal128(array.type) and array.type.scale == SCALE):
        raise ValueError(f"a column of type {array.type}, expected integers or decimal128 with {SCALE} places")
    both = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, 2)[array.offset : array.offset + len(array)]
    return both[:, 0].view(np.uint64).copy(), both[:, 1].copy(), UNITS


def _fits(low: np.ndarray, high: IntArray, largest: int) -> bool:
    signed = low.view(np.int64)
    return bool((((signed >> 63) == high) & (signed <= largest) & (signed >= -largest)).all())
