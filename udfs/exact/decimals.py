"""Exact sums as DECIMAL(37,15): how they are held, shipped and read."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from udfs.exact.arrays import FloatArray, IntArray, UnitArray, WordArray

SCALE = 15
UNITS = 10**SCALE
DECIMAL = pa.decimal128(37, SCALE)
RADIX = 34  # bits of a limb


def words(low: IntArray, middle: IntArray, top: IntArray) -> tuple[WordArray, IntArray]:
    """The numbers low + 2³⁴·middle + 2⁶⁸·top as 128-bit integers in two's complement: low words, high words."""
    shifted = (middle << RADIX).view(np.uint64)
    word = low.view(np.uint64) + shifted
    carry = word < shifted
    return word, (low >> 63) + (middle >> (64 - RADIX)) + (top << (2 * RADIX - 64)) + carry


def from_words(low: WordArray, high: IntArray) -> pa.Decimal128Array:
    """DECIMAL(37,15) of 128-bit integers, the low word first. Each (n,)."""
    both = np.empty((low.size, 2), dtype="<u8")
    both[:, 0], both[:, 1] = low, high.view(np.uint64)
    return pa.Array.from_buffers(DECIMAL, low.size, [None, pa.py_buffer(both)])


def from_decimal(array: pa.Array | pa.ChunkedArray) -> UnitArray:
    """Units of a column of decimals with 15 places (else ValueError), as Python integers; NULL is None. (n,)."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not (pa.types.is_decimal128(array.type) and array.type.scale == SCALE):
        raise ValueError(f"a column of type {array.type}, expected decimal128 with {SCALE} places")
    if not len(array):
        return np.empty(0, dtype=np.object_)
    words = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, 2)
    words = words[array.offset : array.offset + len(array)]
    units: UnitArray = words[:, 1].astype(np.object_) * 2**64 + words[:, 0].view(np.uint64).astype(np.object_)
    units[array.is_null().to_numpy(zero_copy_only=False)] = None
    return units


def nearest(units: Iterable[int | None]) -> FloatArray:
    """The doubles nearest to S / 10¹⁵, correctly rounded; NaN for None, not recorded. (n,) to (n,).

    >>> nearest([10**14, None])
    array([0.1, nan])
    """
    return np.array([np.nan if unit is None else int(unit) / UNITS for unit in units], dtype=np.float64)
