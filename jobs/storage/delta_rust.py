"""Delta tables by delta-rs, for the embedded engine: the same functions as `delta_spark`.

Sail computes and reads, but does not write: its own writer ignores CHECK constraints, does not reject rows outside
`replaceWhere`, and stores no comments.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Field, write_deltalake
from deltalake import Schema as DeltaSchema
from deltalake.fs import DeltaStorageHandler
from deltalake.schema import PrimitiveType
from pyarrow import fs
from pyspark.sql import DataFrame, SparkSession

from jobs.storage.address import Address
from jobs.storage.change import Change, DayAtAge
from jobs.storage.schema import KEYS, MICROS, Column, Table

WRITTEN_BY_SPARK: Final = ".c000."  # in the name of a file; delta-rs spells it -c000.


def version(_: SparkSession, path: str) -> int:
    """The newest version of a table."""
    return DeltaTable(path).version()


def exists(_: SparkSession, where: Address) -> bool:
    """Whether there is a table."""
    return DeltaTable.is_deltatable(str(where.path))


def read(session: SparkSession, where: Address) -> DataFrame:
    """A table as it is now."""
    table = DeltaTable(str(where.path))
    if _has_int96(table):
        return session.read.parquet(_rewritten(str(where.path), table.version()))
    return session.read.format("delta").load(where.path)


def _has_int96(table: DeltaTable) -> bool:
    """Whether a file has timestamps as Apache Spark writes them if let, which Sail does not read in Delta tables."""
    times = [field.name for field in table.schema().fields if field.type == PrimitiveType("timestamp")]
    if not times or table.metadata().configuration.get(MICROS[0]) == MICROS[1]:
        return False
    paths = pa.table(table.get_add_actions())["path"].to_pylist()
    return any(_is_int96(table, path, times) for path in paths if WRITTEN_BY_SPARK in path)


def _is_int96(table: DeltaTable, path: str, times: Sequence[str]) -> bool:
    with _opened(table, path) as file:
        schema = file.schema_arrow
    # Arrow takes INT96 for nanoseconds.
    return any(schema.field(name).type.unit == "ns" for name in times if name in schema.names)


def _opened(table: DeltaTable, path: str) -> pq.ParquetFile:
    return pq.ParquetFile(path, filesystem=fs.PyFileSystem(DeltaStorageHandler(table.table_uri)))


@cache
def _rewritten(path: str, version: int) -> str:
    """A folder with the rows of a version of a table in microseconds, which is gone when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="lossledger-")
    atexit.register(folder.cleanup)
    ds.write_dataset(DeltaTable(path, version).to_pyarrow_dataset(), folder.name, format="parquet")
    return folder.name


def create(_: SparkSession, where: Address, table: Table) -> None:
    """Make a table with its comments and properties, unless it is there."""
    DeltaTable.create(
        str(where.path),
        DeltaSchema([_field(column) for column in table.columns]),
        mode="ignore",
        partition_by=KEYS,
        description=table.comment,
        name=table.name,
        configuration={**table.properties, MICROS[0]: MICROS[1]},
        raise_if_key_not_exists=False,
    )


def _field(column: Column) -> Field:
    kind = PrimitiveType({"int": "integer", "bigint": "long"}.get(column.type, column.type))
    return Field(column.name, kind, nullable=column.nullable, metadata={"comment": column.comment})


def add(_: SparkSession, where: Address, columns: Sequence[Column]) -> None:
    """Add columns to a table."""
    DeltaTable(str(where.path)).alter.add_columns([_field(column) for column in columns])


def properties(_: SparkSession, where: Address) -> dict[str, str]:
    """The properties of a table, its constraints among them."""
    return DeltaTable(str(where.path)).metadata().configuration


def set_properties(_: SparkSession, where: Address, values: Mapping[str, str]) -> None:
    """Set properties of a table."""
    DeltaTable(str(where.path)).alter.set_table_properties(dict(values))


def constrain(_: SparkSession, where: Address, name: str, condition: str) -> None:
    """Add a constraint to a table."""
    DeltaTable(str(where.path)).alter.add_constraint({name: condition})


def write(_: SparkSession, where: Address, change: Change) -> None:
    """Append rows, or replace those of a day at an age."""
    table = DeltaTable(str(where.path))
    properties = CommitProperties(custom_metadata={"userMetadata": change.metadata})
    rows = _widened(change.rows, table)
    if change.part is None:
        write_deltalake(table, rows, mode="append", commit_properties=properties)
        return
    # Nothing comes between: where another commit touches the day after this version, ours fails and is tried again.
    change.check(_held(table, change.part))
    write_deltalake(table, rows, mode="overwrite", predicate=change.part.predicate, commit_properties=properties)


def _widened(rows: pa.Table, table: DeltaTable) -> pa.Table:
    """Rows with NULLs in the columns of a table that they lack, as Apache Spark writes them by itself."""
    for field in pa.schema(table.schema().to_arrow()):
        if field.name not in rows.column_names:
            rows = rows.append_column(field.name, pa.nulls(rows.num_rows, field.type))
    return rows


def _held(table: DeltaTable, part: DayAtAge) -> set[str]:
    """The runs that a table holds rows of for a day at an age."""
    files = pa.table(table.get_add_actions(flatten=True)).select(["path", *(f"partition.{key}" for key in KEYS)])
    of_day = [path for path, *values in zip(*files.to_pydict().values(), strict=True) if values == list(part)]
    found: set[str] = set()
    for path in of_day:
        with _opened(table, path) as file:
            found.update(file.read(["run_id"])["run_id"].unique().to_pylist())
    return found


def delete(_: SparkSession, where: Address, change: Change) -> None:
    """Delete the rows of a day at an age; nothing is committed where there are none."""
    assert change.part is not None
    table = DeltaTable(str(where.path))
    held = _held(table, change.part)
    change.check(held)
    if held:
        table.delete(change.part.predicate)
