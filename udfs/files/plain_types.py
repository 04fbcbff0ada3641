"""Arrow types of files in the plain types that both engines have, and columns brought to them."""

from __future__ import annotations

import pyarrow as pa

WIDEST_DECIMAL = 38
PLAIN = {
    **{type_: type_ for type_ in (pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{type_: type_ for type_ in (pa.float32(), pa.float64(), pa.string(), pa.date32())},
    # Engines have no unsigned integers: the next wider type holds them all.
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.date64(): pa.date32(),
}


def plain(found: pa.DataType) -> pa.DataType | None:
    """The type in which values of `found` are read, or None where there is none that holds them.

    >>> plain(pa.dictionary(pa.int8(), pa.large_string())), plain(pa.uint8()), plain(pa.binary())
    (DataType(string), DataType(int16), None)
    """
    if pa.types.is_dictionary(found):
        return plain(found.value_type)
    if is_list(found):
        element = plain(found.value_type)
        # A list of nothing but NULLs is one of numbers.
        element = pa.float64() if element == pa.null() else element
        return None if element is None or is_list(element) else pa.list_(element)
    if pa.types.is_decimal(found):
        return pa.decimal128(found.precision, found.scale) if found.precision <= WIDEST_DECIMAL else pa.float64()
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", None if found.tz is None else "UTC")
    return PLAIN.get(found)


def is_list(found: pa.DataType) -> bool:
    """Whether a type is a list, however it is laid out."""
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view)
    return any(kind(found) for kind in kinds)


def as_plain(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """A column in the plain type of its own."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_list(wanted):
        return _as_list(column, wanted)
    if pa.types.is_decimal(column.type) and pa.types.is_floating(wanted):
        # By way of its text the double is the nearest one; a division of two rounded ones is not always.
        column = column.cast(pa.string())
    return column.cast(wanted, safe=False)


def _as_list(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    values = as_plain(column.flatten(), wanted.value_type)
    sizes = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = pa.array([0, *sizes.cumsum()], pa.int32())
    return pa.ListArray.from_arrays(offsets, values, type=wanted, mask=column.is_null())
