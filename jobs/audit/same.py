"""Whether two tables hold the same rows: every value of every key, to the last bit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from jobs.audit.statement import Statement, all_hold, equal, sure

Row = dict[str, Any]


def same(
    name: str, found: pa.Table, expected: pa.Table, keys: Sequence[str], *, within: float = 0.0
) -> Iterator[Statement]:
    """That a table has the rows of another one, by their keys, in all columns of that one.

    Args:
        name: What the table is called where something differs.
        found: The table.
        expected: What it should be.
        keys: The columns that tell rows apart.
        within: How far doubles may be apart, relative to the larger one.
    """
    order = [(key, "ascending") for key in keys]
    names = [*keys, *(each for each in expected.column_names if each not in keys)]
    theirs = expected.select(names).sort_by(order).combine_chunks()
    ours = found.select(names).cast(theirs.schema).sort_by(order).combine_chunks()
    if ours.equals(theirs):
        yield all_hold(ours.num_rows * (len(names) - len(keys)))
        return
    left, right = _by(ours, keys), _by(theirs, keys)
    for key in sorted(left.keys() | right.keys(), key=str):
        place = f"{name} at {described(keys, key)}"
        here, there = left[key], right[key]
        if len(here) != len(there):
            found_there = {0: "no row", 1: "a row"}.get(len(here), f"{len(here)} rows")
            yield sure(place, found_there, {0: "none", 1: "one"}.get(len(there), len(there)), holds=False)
            continue
        for one, other in zip(here, there, strict=True):
            yield from (_value(f"{place}, {c}", one[c], other[c], within) for c in names[len(keys) :])


def described(keys: Sequence[str], values: Sequence[Any]) -> str:
    """The place of a row, by its keys.

    Example:
        >>> described(["task", "slice"], ["ctr", ""])
        "task ctr, slice ''"
    """
    return ", ".join(f"{key} {value if value != '' else repr('')}" for key, value in zip(keys, values, strict=True))


def _value(place: str, found: Any, expected: Any, within: float) -> Statement:
    if within and isinstance(found, float) and isinstance(expected, float):
        return sure(place, found, expected, holds=math.isclose(found, expected, rel_tol=within))
    return equal(place, found, expected)


def _by(table: pa.Table, keys: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    """The rows of every key, of which there may be several where something is wrong."""
    rows: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in table.to_pylist():
        rows[tuple(row[key] for key in keys)].append(row)
    return rows
