"""Which dimensions days were recorded with: what one of them goes without tells no cell of it from another."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.storage.schema import NOT_RECORDED


def recorded(tables: Sequence[pa.Table], dimensions: Sequence[str]) -> list[str]:
    """The dimensions that all of several tables of cells have, as two days.

    By another one no cell of one day would be a cell of the other, and all that differs between them looked like
    traffic that moved.

    >>> days = [pa.table({"os": ["ios"], "site": [site]}) for site in ("a", NOT_RECORDED)]
    >>> recorded(days, ["os", "site"])
    ['os']
    """
    return [
        name for name in dimensions if not any(pc.any(pc.equal(table[name], NOT_RECORDED)).as_py() for table in tables)
    ]


def lacking(tables: Sequence[pa.Table], dimensions: Sequence[str]) -> list[str]:
    """The other dimensions, which one of the tables at least does not have."""
    there = recorded(tables, dimensions)
    return [name for name in dimensions if name not in there]
