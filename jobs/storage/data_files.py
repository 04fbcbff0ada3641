"""The data files of our tables by the list of delta-rs: the day of each, and its rows in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs

from jobs.errors import ContractError, Problem
from jobs.storage.change import DayAtAge
from jobs.storage.schema import KEYS


class DamagedFileError(ContractError):
    """A data file of a table of ours cannot be read."""


def of(table: DeltaTable) -> Iterator[tuple[str, DayAtAge]]:
    """The files of a table, each with the day and age that its rows are of."""
    files = pa.table(table.get_add_actions(flatten=True)).select(["path", *(f"partition.{key}" for key in KEYS)])
    for path, *values in zip(*files.to_pydict().values(), strict=True):
        yield path, DayAtAge(*values)


def opened(table: DeltaTable, path: str) -> pq.ParquetFile:
    """A file of a table, wherever that is."""
    return pq.ParquetFile(path, filesystem=fs.PyFileSystem(DeltaStorageHandler(table.table_uri)))


def read(table: DeltaTable, file: tuple[str, DayAtAge], columns: Collection[str]) -> pa.Table:
    """Those columns of a file that it has.

    Raises:
        ContractError: The file is damaged (exit 2).
    """
    path, (day, age_hours) = file
    try:
        with opened(table, path) as opening:
            return opening.read([name for name in columns if name in opening.schema_arrow.names])
    except (pa.ArrowInvalid, OSError) as error:
        # What the system says has a number: the file is not there, or may not be read.
        if getattr(error, "errno", None) is not None:
            raise
        expected = (
            f"a whole Parquet file; restore it from a backup, or, where it holds results, run {day.isoformat()} at "
            f"{age_hours}h again, which replaces it"
        )
        problem = Problem(f"{table.table_uri.rstrip('/')}/{path}", str(error).splitlines()[0], expected)
        raise DamagedFileError("a file of a table is damaged", [problem]) from error


def rows_of(table: DeltaTable, wanted: tuple[str, DayAtAge], schema: pa.Schema) -> pa.Table:
    """Columns of the rows of a file; NULL where it has no such column."""
    found, part = read(table, wanted, schema.names), wanted[1]
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
