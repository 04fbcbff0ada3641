"""DuckDB in this process: a connection that only answers questions, and needs neither Java nor Sail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb

# It opens no file, no address and no extension, and takes no variable of this program for a table: all that it can read
# is what was registered.
CLOSED: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
}
# As the other engines have it: the order of NULLs, the zone, and no infinity where something is divided by 0.
ALIKE: Final = {
    "default_null_order": "nulls_first_on_asc_last_on_desc",
    "TimeZone": "UTC",
    "ieee_floating_point_ops": "false",
}


@contextmanager
def connected() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory for the length of a `with` block."""
    with duckdb.connect(":memory:") as connection:
        for name, value in {**ALIKE, **CLOSED, "lock_configuration": "true"}.items():
            connection.execute(f"SET {name} = '{value}'")
        yield connection
