"""Exact sums: every term is rounded once to 10⁻¹⁵ and added as an integer.

`units(x) = rint(fl(x·10¹⁵))` and S = Σ units(x), an integer that depends on neither order nor partitions; merge is
integer addition. In the tables S is DECIMAL(37,15), which reads in natural units. Units are added in int64, and
carried to a second and a third limb, multiples of 2³⁴ and 2⁶⁸, before they could overflow. Where the terms of one
block alone could, they are split into such limbs first, by float64 additions that are exact.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from udfs.exact.arrays import FloatArray, IntArray, WordArray
from udfs.exact.decimals import RADIX, UNITS, from_words, words
from udfs.exact.limbs import ROOM, Part, largest, parted, split

ROW_LIMIT = 2**30 - 1
BLOCK = 2**18  # rows at a time: of at most 2²⁰ the limbs fit an int64; fewer stay in the cache


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, rows, BLOCK))


@dataclass(frozen=True)
class _Rows:
    """Where the rows of a block go: the key of each, the keys that may occur, the rows of these, and the most."""

    keys: IntArray
    present: IntArray | slice
    counts: IntArray
    most: int


def _located(keys: IntArray, size: int) -> _Rows:
    """With more keys than rows, only the keys that occur are looked at."""
    present: IntArray | slice = slice(None)
    if size <= keys.size:
        counts = np.bincount(keys, minlength=size)
    else:
        present, counts = np.unique(keys, return_counts=True)
    return _Rows(keys, present, counts, int(counts.max(initial=0)))


class _Sum:
    """The sums of one statistic per key: limb 0 + 2³⁴·limb 1 + 2⁶⁸·limb 2, in int64."""

    def __init__(self, keys: int) -> None:
        self._keys = keys
        self._limbs: dict[int, IntArray] = {}
        self._bound = 0  # of the size of limb 0

    def limb(self, limb: int) -> IntArray:
        if limb not in self._limbs:
            self._limbs[limb] = np.zeros(self._keys, dtype=np.int64)
        return self._limbs[limb]

    def add(self, part: Part, rows: _Rows) -> None:
        if not (part.common or part.values.size):
            return
        if part.limb == 0:
            most = part.size * rows.most
            if self._bound + most >= 2 * ROOM:
                self.carry()
            self._bound += most
        sums = self.limb(part.limb)
        if part.common:
            sums[rows.present] += rows.counts * part.common
        np.add.at(sums, rows.keys if part.rows is None else rows.keys[part.rows], part.values)

    def carry(self) -> None:
        """Bring limb 0 into [0, 2³⁴)."""
        if self._bound >= 2**RADIX:
            low = self.limb(0)
            self.limb(1)[:] += low >> RADIX
            low &= 2**RADIX - 1
            self._bound = 2**RADIX

    def regrouped(self, keys: IntArray, size: int) -> _Sum:
        coarser = _Sum(size)
        self.carry()
        coarser._bound = self._bound * self._keys
        for limb, sums in self._limbs.items():
            np.add.at(coarser.limb(limb), keys, sums)
        return coarser

    def words(self, seen: IntArray) -> tuple[WordArray, IntArray]:
        nothing = np.zeros(seen.size, dtype=np.int64)
        return words(*(self._limbs[limb][seen] if limb in self._limbs else nothing for limb in range(3)))


class Sums:
    """Exact sums of statistics per key, keys being integers in [0, keys); `rows` counts the rows per key.

    A statistic has any name; the sums of one that nothing was added to are 0.

    A limb is at most 2³³ in size per row, so int64 holds 2³⁰ - 1 rows: more raise OverflowError, none being added.

    >>> sums = Sums(keys=3)
    >>> accumulate([("loss", np.array([0.5, 0.25, -1.0]))], [(sums, np.array([2, 2, 0]))])
    >>> sums.seen(), sums.decimals("loss").to_pylist()
    (array([0, 2]), [Decimal('-1.000000000000000'), Decimal('0.750000000000000')])
    """

    def __init__(self, keys: int) -> None:
        """Start with no rows."""
        self.rows: IntArray = np.zeros(keys, dtype=np.int64)
        self._added = 0
        self._sums: dict[Hashable, _Sum] = {}

    def _received(self, keys: IntArray) -> list[_Rows]:
        """Where the rows of a batch go, per block, after they are checked and counted."""
        keys = np.ascontiguousarray(keys, dtype=np.int64)
        if keys.size and not 0 <= keys.min() <= keys.max() < self.rows.size:
            raise ValueError(f"keys from {keys.min()} to {keys.max()}, expected 0 to {self.rows.size - 1}")
        if self._added + keys.size > ROW_LIMIT:
            raise OverflowError(f"{self._added} + {keys.size} rows: sums are exact up to {ROW_LIMIT} rows")
        self._added += keys.size
        blocks = [_located(keys[block], self.rows.size) for block in _blocks(keys.size)]
        for block in blocks:
            self.rows[block.present] += block.counts
        return blocks

    def _of(self, statistic: Hashable) -> _Sum:
        return self._sums.setdefault(statistic, _Sum(self.rows.size))

    def regrouped(self, keys: IntArray, size: int) -> Sums:
        """The same rows under coarser keys: the sums of key k are added to key `keys[k]` in [0, size)."""
        coarser = Sums(size)
        coarser._added = self._added
        np.add.at(coarser.rows, keys, self.rows)
        coarser._sums = {statistic: sums.regrouped(keys, size) for statistic, sums in self._sums.items()}
        return coarser

    def seen(self) -> IntArray:
        """The keys that have rows, ascending. (seen,)."""
        return np.flatnonzero(self.rows)

    def counts(self, statistic: Hashable) -> IntArray:
        """The sums of a statistic whose terms are 0 or 1, for the keys seen. (seen,)."""
        low, high = self.words(statistic)
        units = high * 2.0**64 + low
        rounded: IntArray = np.rint(units / UNITS).astype(np.int64)  # from within 2⁻²⁰ of an integer below 2³⁰
        return rounded

    def words(self, statistic: Hashable) -> tuple[WordArray, IntArray]:
        """The sums of a statistic, for the keys seen, as 128-bit integers: `decimals.words`."""
        return self._of(statistic).words(self.seen())

    def decimals(self, statistic: Hashable) -> pa.Decimal128Array:
        """The sums of a statistic, for the keys seen: DECIMAL(37,15), (seen,)."""
        return from_words(*self.words(statistic))


def accumulate(terms: Iterable[tuple[Hashable, FloatArray]], groupings: Sequence[tuple[Sums, IntArray]]) -> None:
    """Add the rows of a batch to the sums of several groupings.

    Terms are taken one by one and split into limbs once for all groupings, so a generator keeps memory small. After
    an error the sums hold a part of the batch: do not go on with them.

    Args:
        terms: For each statistic its name and its terms, (n,); any n.
        groupings: The sums of each grouping with the key of each row, (n,).

    Raises:
        ValueError: Shapes do not fit, a key is outside [0, keys), or a term is not finite and below 2⁴⁰ in size.
        OverflowError: With these rows a grouping would have 2³⁰ or more.
    """
    received = [sums._received(keys) for sums, keys in groupings]
    for statistic, x in terms:
        if any(len(x) != len(keys) for _, keys in groupings):
            raise ValueError(f"{len(x)} terms of statistic {statistic!r} for {[len(k) for _, k in groupings]} keys")
        for number, block in enumerate(_blocks(len(x))):
            rows = [blocks[number] for blocks in received]
            parts = parted(np.asarray(x[block], dtype=np.float64), max((each.most for each in rows), default=0))
            for (sums, _), each in zip(groupings, rows, strict=True):
                for part in parts:
                    sums._of(statistic).add(part, each)


def exact_sum(x: FloatArray) -> int:
    """The exact sum Σ units(x) of terms, (n,), as an integer: 0 for no rows."""
    x = np.asarray(x, dtype=np.float64)
    limbs = (part for block in _blocks(x.size) for part in split(x[block], largest(x[block])).values())
    return sum(int(part.sum()) for part in limbs)  # each a float with an exact integer value
