"""Terms as integers: each is rounded once to 10⁻¹⁵, and split into limbs where their sums could overflow an int64.

A limb is a multiple of 2^(34·number). Rounding and splitting are float64 additions that are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.decimals import RADIX, UNITS
from udfs.exact.units import TERM_LIMIT

ROOM = 2**62  # of an int64

_TWO_LIMBS = 2.0**17  # terms below have no top limb
_CUTS = tuple(1.5 * 2.0**52 * 2.0 ** (RADIX * limb) for limb in range(3))  # adding one rounds to its limb
_CUT_BITS = np.float64(_CUTS[0]).view(np.int64)
_SPARSE = 4  # where less than a quarter of the terms differ from the commonest one, only those are added


@dataclass(frozen=True)
class Part:
    """Terms in multiples of 2^(34·limb): `common` in all rows, and `values` besides in `rows` (None: in all).

    No row has more than `size`.
    """

    limb: int
    common: int
    rows: IntArray | None
    values: IntArray
    size: int


def parted(x: FloatArray, most: int) -> list[Part]:
    """Terms of which up to `most` belong to one key, as parts whose sums fit an int64."""
    peak = largest(x)
    common, rows = _common(x, peak)
    chosen = x if rows is None else x[rows]
    size = int(peak * UNITS) + 1
    if size * most < ROOM:
        first, units = int(_units(np.array([common]), peak)[0]), _units(chosen, peak)
        if first:
            units -= first
        return [Part(0, first, rows, units, size)]
    alike, limbs = _limbs(np.array([common]), peak), _limbs(chosen, peak)
    return [Part(limb, int(alike[limb][0]), rows, limbs[limb] - alike[limb], 2 ** (RADIX - 1)) for limb in limbs]


def _common(x: FloatArray, peak: float) -> tuple[float, IntArray | None]:
    """The commonest term and the rows that have another one; 0 and None where there is none."""
    # Most terms of a label's weights are 0 or 1, and of a loss 0 where the label is the other one.
    for common in (0.0, peak):
        differ = x != common
        if np.count_nonzero(differ) * _SPARSE < x.size:
            return common, np.flatnonzero(differ)
    return 0.0, None


def _units(x: FloatArray, peak: float) -> IntArray:
    """The terms in units, none larger than the peak and all below 2⁶³."""
    units = x * float(UNITS)
    if peak * UNITS >= 2.0**51:
        return np.rint(units, out=units).astype(np.int64)
    # Quicker than a conversion: beside the cut a double has no bits below 1, and its last ones are the integer.
    units += _CUTS[0]
    integers = units.view(np.int64)
    integers -= _CUT_BITS
    return integers


def _limbs(x: FloatArray, peak: float) -> dict[int, IntArray]:
    return {limb: (part * 2.0 ** (-RADIX * limb)).astype(np.int64) for limb, part in split(x, peak).items()}


def split(x: FloatArray, peak: float) -> dict[int, FloatArray]:
    """The limbs of the terms in units, each a multiple of 2^(34·limb)."""
    rest = x * float(UNITS)
    np.rint(rest, out=rest)
    parts = {}
    for limb in (2, 1) if peak >= _TWO_LIMBS else (1,):
        parts[limb] = rest + _CUTS[limb]
        parts[limb] -= _CUTS[limb]
        rest -= parts[limb]
    return {**parts, 0: rest}


def largest(x: FloatArray) -> float:
    """The largest size of a term, all being finite and below the limit."""
    peak = max(float(x.max()), -float(x.min())) if x.size else 0.0
    if not peak < TERM_LIMIT:
        bad = x[~(np.abs(x) < TERM_LIMIT)]
        raise ValueError(f"{bad.size} of {x.size} terms, {bad[0]} first, are not below 2**40: reject such rows first")
    return peak
