"""The first rows of a Delta table of this machine, read without an engine: deleted rows left out, columns by name."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError

# Of several partitions the first rows would be those that are there first.
IN_ORDER: Final = {"datafusion.execution.target_partitions": "1"}
VIEWS: Final = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def first_rows(path: str, most: int) -> pa.Table | None:
    """So many rows of the newest version, or None where only Apache Spark can read them."""
    try:
        asked = QueryBuilder(IN_ORDER).register("rows", DeltaTable(path))
        found = pa.table(asked.execute(f"SELECT * FROM rows LIMIT {most}"))
    except DeltaError:
        return None
    return found.cast(pa.schema([(field.name, VIEWS.get(field.type, field.type)) for field in found.schema]))
