"""The data files of our tables by the list of delta-rs: the day of each, and its rows in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs

from jobs.storage.change import DayAtAge
from jobs.storage.schema import KEYS


def of(table: DeltaTable) -> Iterator[tuple[str, DayAtAge]]:
    """The files of a table, each with the day and age that its rows are of."""
    files = pa.table(table.get_add_actions(flatten=True)).select(["path", *(f"partition.{key}" for key in KEYS)])
    for path, *values in zip(*files.to_pydict().values(), strict=True):
        yield path, DayAtAge(*values)


def opened(table: DeltaTable, path: str) -> pq.ParquetFile:
    """A file of a table, wherever that is."""
    return pq.ParquetFile(path, filesystem=fs.PyFileSystem(DeltaStorageHandler(table.table_uri)))


def rows_of(table: DeltaTable, wanted: tuple[str, DayAtAge], schema: pa.Schema) -> pa.Table:
    """Columns of the rows of a file; NULL where it has no such column."""
    path, part = wanted
    with opened(table, path) as file:
        found = file.read([name for name in schema.names if name in file.schema_arrow.names])
    columns = []
    for field in schema:
        if field.name in KEYS:
            columns.append(pa.repeat(pa.scalar(getattr(part, field.name), field.type), found.num_rows))
        elif field.name in found.column_names:
            # As nanoseconds, where Apache Spark wrote INT96.
            columns.append(found[field.name].cast(field.type))
        else:
            columns.append(pa.nulls(found.num_rows, field.type))
    return pa.table(columns, schema=schema)
