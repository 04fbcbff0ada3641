"""Exact sums: every term is rounded once to 10⁻¹⁵ and added as an integer.

`units(x) = rint(fl(x·10¹⁵))` and S = Σ units(x), an integer that depends on neither order nor partitions; merge is
integer addition. In the tables S is DECIMAL(37,15), which reads in natural units. The additions run in float64 all
the same: a term is split into limbs of 34 bits, multiples of 1, 2³⁴ and 2⁶⁸, and sums of up to 2²⁰ limbs are exact
in any order, with `np.sum` and with `np.bincount`. The limbs' sums become int64 before blocks are added.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from udfs.decimals import RADIX, UNITS, IntArray, WordArray, from_words, words
from udfs.kernels import FloatArray

WEIGHT_LIMIT, LOGIT_LIMIT, TERM_LIMIT = 2.0**20, 2.0**19, 2.0**40
ROW_LIMIT = 2**30 - 1
BLOCK = 2**18  # rows at a time: at most 2²⁰ for exactness; fewer stay in the cache

_TWO_LIMBS = 2.0**17  # terms below have no top limb
_CUTS = tuple(1.5 * 2.0**52 * 2.0 ** (RADIX * limb) for limb in range(3))  # adding one rounds to its limb
_SPARSE = 4  # where less than a quarter of the terms differ from the commonest one, only those are added


@dataclass(frozen=True)
class _Limbs:
    """Terms in units: limb number to multiples of 2^(34·limb), of these rows only (None: of all).

    All other rows have the same term, whose limbs are `others`.
    """

    rows: IntArray | None
    parts: dict[int, FloatArray]
    others: dict[int, int]


def _limbs(x: FloatArray) -> _Limbs:
    """The limbs that are not 0 in all rows."""
    peak = _peak(x)
    # Most terms of a label's weights are 0 or 1, and of a loss 0 where the label is the other one.
    for common in (0.0, peak):
        differ = x != common
        if np.count_nonzero(differ) * _SPARSE < x.size:
            rows = np.flatnonzero(differ)
            alike = _split(np.array([common]), peak) if common else {}
            others = {limb: int(part[0] * 2.0 ** (-RADIX * limb)) for limb, part in alike.items()}
            return _Limbs(rows, _split(x[rows], peak), others)
    return _Limbs(None, _split(x, peak), {})


def _split(x: FloatArray, peak: float) -> dict[int, FloatArray]:
    rest = x * float(UNITS)
    np.rint(rest, out=rest)
    parts = {}
    for limb in (2, 1) if peak >= _TWO_LIMBS else (1,):
        parts[limb] = rest + _CUTS[limb]
        parts[limb] -= _CUTS[limb]
        rest -= parts[limb]
    parts[0] = rest
    return {limb: part for limb, part in parts.items() if part.any()}


def _peak(x: FloatArray) -> float:
    """The largest size of a term, all being finite and below the limit."""
    peak = max(float(x.max()), -float(x.min())) if x.size else 0.0
    if not peak < TERM_LIMIT:
        bad = x[~(np.abs(x) < TERM_LIMIT)]
        raise ValueError(f"{bad.size} of {x.size} terms, {bad[0]} first, are not below 2**40: reject such rows first")
    return peak


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, rows, BLOCK))


@dataclass(frozen=True)
class _Rows:
    """Where the rows of a block go: `keys` are the keys that may occur, `position` finds each row's key in them."""

    keys: IntArray | slice
    position: IntArray
    size: int
    counts: IntArray

    def sums(self, limbs: _Limbs) -> Iterator[tuple[int, IntArray]]:
        """Each limb with its sums per key in `keys`, as multiples of 2^(34·limb). (size,)."""
        position = self.position if limbs.rows is None else self.position[limbs.rows]
        for limb, part in limbs.parts.items():
            grouped = np.bincount(position, part, minlength=self.size) if self.size > 1 else part.sum(keepdims=True)
            yield limb, (grouped * 2.0 ** (-RADIX * limb)).astype(np.int64)
        if limbs.others:
            alike = self.counts - np.bincount(position, minlength=self.size)
            yield from ((limb, alike * part) for limb, part in limbs.others.items())


def _located(keys: IntArray, size: int) -> _Rows:
    """With more keys than rows, only the keys that occur are looked at."""
    if size <= keys.size:
        return _Rows(slice(None), keys, size, np.bincount(keys, minlength=size))
    occurs = np.zeros(size, dtype=np.bool_)
    occurs[keys] = True
    present = np.flatnonzero(occurs)
    position = np.empty(size, dtype=np.int64)
    position[present] = np.arange(present.size)
    position = position[keys]
    return _Rows(present, position, present.size, np.bincount(position, minlength=present.size))


class Sums:
    """Exact sums of some statistics per key, keys being integers in [0, keys); `rows` counts the rows per key.

    A limb is at most 2³³ in size per row, so int64 holds 2³⁰ - 1 rows: more raise OverflowError, none being added.

    >>> sums = Sums(keys=3, statistics=1)
    >>> accumulate([np.array([0.5, 0.25, -1.0])], [(sums, np.array([2, 2, 0]))])
    >>> sums.seen(), sums.decimals(0).to_pylist()
    (array([0, 2]), [Decimal('-1.000000000000000'), Decimal('0.750000000000000')])
    """

    def __init__(self, keys: int, statistics: int) -> None:
        """Start with no rows."""
        self.rows: IntArray = np.zeros(keys, dtype=np.int64)
        self._added = 0
        self._limbs: list[dict[int, IntArray]] = [{} for _ in range(statistics)]

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
            self.rows[block.keys] += block.counts
        return blocks

    def _add(self, statistic: int, limbs: _Limbs, rows: _Rows) -> None:
        if statistic >= len(self._limbs):
            raise ValueError(f"terms of more than {len(self._limbs)} statistics")
        sums = self._limbs[statistic]
        for limb, values in rows.sums(limbs):
            if limb not in sums:
                sums[limb] = np.zeros(self.rows.size, dtype=np.int64)
            sums[limb][rows.keys] += values

    def regrouped(self, keys: IntArray, size: int) -> "Sums":
        """The same rows under coarser keys: the sums of key k are added to key `keys[k]` in [0, size)."""
        coarser = Sums(size, len(self._limbs))
        coarser._added = self._added
        np.add.at(coarser.rows, keys, self.rows)
        for sums, own in zip(coarser._limbs, self._limbs, strict=True):
            for limb, values in own.items():
                sums[limb] = np.zeros(size, dtype=np.int64)
                np.add.at(sums[limb], keys, values)
        return coarser

    def seen(self) -> IntArray:
        """The keys that have rows, ascending. (seen,)."""
        return np.flatnonzero(self.rows)

    def counts(self, statistic: int) -> IntArray:
        """The sums of a statistic whose terms are 0 or 1, for the keys seen. (seen,)."""
        sums, seen = self._limbs[statistic], self.seen()
        units = np.zeros(seen.size)
        for limb in sums:
            units += sums[limb][seen] * 2.0 ** (RADIX * limb)
        rounded: IntArray = np.rint(units / UNITS).astype(np.int64)  # from within 2⁻²⁰ of an integer below 2³⁰
        return rounded

    def words(self, statistic: int) -> tuple[WordArray, IntArray]:
        """The sums of a statistic, by position, for the keys seen, as 128-bit integers: `decimals.words`."""
        sums, seen = self._limbs[statistic], self.seen()
        nothing = np.zeros(seen.size, dtype=np.int64)
        return words(*(sums[limb][seen] if limb in sums else nothing for limb in range(3)))

    def decimals(self, statistic: int) -> pa.Decimal128Array:
        """The sums of a statistic, by position, for the keys seen: DECIMAL(37,15), (seen,)."""
        return from_words(*self.words(statistic))


def accumulate(terms: Iterable[FloatArray], groupings: Sequence[tuple[Sums, IntArray]]) -> None:
    """Add the rows of a batch to the sums of several groupings.

    Terms are taken one by one and split into limbs once for all groupings, so a generator keeps memory small. After
    an error the sums hold a part of the batch: do not go on with them.

    Args:
        terms: For each statistic its terms, (n,), in the order of the statistics; any n.
        groupings: The sums of each grouping with the key of each row, (n,).

    Raises:
        ValueError: Shapes do not fit, a key is outside [0, keys), or a term is not finite and below 2⁴⁰ in size.
        OverflowError: With these rows a grouping would have 2³⁰ or more.
    """
    received = [sums._received(keys) for sums, keys in groupings]
    for statistic, x in enumerate(terms):
        if any(len(x) != len(keys) for _, keys in groupings):
            raise ValueError(f"{len(x)} terms of statistic {statistic} for {[len(k) for _, k in groupings]} keys")
        for number, block in enumerate(_blocks(len(x))):
            limbs = _limbs(np.asarray(x[block], dtype=np.float64))
            for (sums, _), rows in zip(groupings, received, strict=True):
                sums._add(statistic, limbs, rows[number])


def total(x: FloatArray) -> int:
    """The exact sum Σ units(x) of terms, (n,), as an integer: 0 for no rows."""
    x = np.asarray(x, dtype=np.float64)
    limbs = (part for block in _blocks(x.size) for part in _split(x[block], _peak(x[block])).values())
    return sum(int(part.sum()) for part in limbs)  # each a float with an exact integer value
