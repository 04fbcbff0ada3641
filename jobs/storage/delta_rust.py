"""Delta tables by delta-rs, for the embedded engine and on this machine's disk: the functions of `delta_spark`.

Sail computes and reads, but does not write: its own writer ignores CHECK constraints, does not reject rows outside
`replaceWhere`, and stores no comments.
"""

from __future__ import annotations

import atexit
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Field, Transaction, write_deltalake
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType
from pyspark.sql import DataFrame, SparkSession

from jobs.storage import data_files
from jobs.storage.address import Address
from jobs.storage.change import Change, DayAtAge
from jobs.storage.schema import KEYS, MICROS, Column, Table, filled

READERS: Final = 8
# What a table may ask of a writer that this one does, whatever else there is in newer protocols.
FEATURES: Final = frozenset(("appendOnly", "invariants", "checkConstraints"))
BY_VERSION: Final = 3  # before features had names: the newest version that asks for these alone
UNREADABLE: Final = "unreadable"  # in place of the run of a file that is damaged
WRITTEN_BY_SPARK: Final = ".c000."  # in the name of a file; delta-rs spells it -c000.


def version(_: SparkSession, path: str) -> int:
    """The newest version of a table."""
    return DeltaTable(path).version()


def knows(folder: str) -> bool:
    """Whether a local table, where there is one, asks nothing of readers and writers that is not done here."""
    if not DeltaTable.is_deltatable(folder):
        return True
    try:
        protocol = DeltaTable(folder).protocol()
    except DeltaError:
        return False
    plain = protocol.min_writer_version <= BY_VERSION or FEATURES.issuperset(protocol.writer_features or ("unnamed",))
    return protocol.min_reader_version == 1 and plain


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
    with data_files.opened(table, path) as file:
        schema = file.schema_arrow
    # Arrow takes INT96 for nanoseconds.
    return any(schema.field(name).type.unit == "ns" for name in times if name in schema.names)


@cache
def _rewritten(path: str, version: int) -> str:
    """A folder with the rows of a version of a table in microseconds, which is gone when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="lossledger-")
    atexit.register(folder.cleanup)
    ds.write_dataset(DeltaTable(path, version).to_pyarrow_dataset(), folder.name, format="parquet")
    return folder.name


def fields(_: SparkSession, where: Address) -> dict[str, bool]:
    """The columns of a table, and whether each may be NULL."""
    return {field.name: field.nullable for field in DeltaTable(str(where.path)).schema().fields}


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
    properties = _commit(change)
    if _has_passed(table, change):
        return
    if change.rows is None and change.part is None:
        table.create_write_transaction([], "append", table.schema(), KEYS, commit_properties=properties)
        return
    rows = pa.schema(table.schema().to_arrow()).empty_table() if change.rows is None else _widened(change.rows, table)
    if change.part is None:
        write_deltalake(table, rows, mode="append", commit_properties=properties)
    else:
        # Nothing comes between: where another commit touches the day after this version, ours fails and is tried again.
        change.check(_runs(table, change.part).keys())
        write_deltalake(table, rows, mode="overwrite", predicate=change.part.predicate, commit_properties=properties)
    forget_checksum(where)


def _has_passed(table: DeltaTable, change: Change) -> bool:
    """Whether the turn of a change is over, so that nothing is written, as Apache Spark does it by itself."""
    if change.turn is None:
        return False
    return (table.transaction_version(change.turn.name) or 0) >= change.turn.number


def _commit(change: Change) -> CommitProperties:
    turns = None if change.turn is None else [Transaction(change.turn.name, change.turn.number)]
    return CommitProperties(custom_metadata={"userMetadata": change.metadata}, app_transactions=turns)


def forget_checksum(where: Address) -> None:
    """Remove what Apache Spark has noted of a `_last_checkpoint` of its own, which may now be another one.

    By a checksum that does not fit it would try to read the file for three seconds, whenever it opens the table.
    """
    if where.local is not None:
        (Path(where.local) / "_delta_log" / "._last_checkpoint.crc").unlink(missing_ok=True)


def _widened(rows: pa.Table, table: DeltaTable) -> pa.Table:
    """Rows with NULLs in the columns of a table that they lack, as Apache Spark writes them by itself."""
    fields = pa.schema(table.schema().to_arrow())
    rows = filled(rows, (field.name for field in fields if not field.nullable))
    for field in fields:
        if field.name not in rows.column_names:
            rows = rows.append_column(field.name, pa.nulls(rows.num_rows, field.type))
    return rows


def rows(
    _: SparkSession,
    where: Address,
    schema: pa.Schema,
    days: Collection[date] | None = None,
    age_hours: int | None = None,
) -> pa.Table:
    """Columns of the rows of some days at an age, or of all; NULL where the table has no such column."""
    parts = _parts(where, schema, days, age_hours)
    return pa.concat_tables([schema.empty_table(), *parts])


def distinct(
    _: SparkSession, where: Address, schema: pa.Schema, age_hours: int, days: Collection[date] | None = None
) -> pa.Table:
    """The different values that columns have together in some rows of an age, some of them more than once."""
    parts = _parts(where, schema, days, age_hours, once=True)
    return pa.concat_tables([schema.empty_table(), *parts])


def _parts(
    where: Address, schema: pa.Schema, days: Collection[date] | None, age_hours: int | None, *, once: bool = False
) -> Iterator[pa.Table]:
    """The rows of the files of some days, file by file; of equal rows of a file, where one is enough, `once`."""
    table = DeltaTable(str(where.path))

    def part(file: tuple[str, DayAtAge]) -> pa.Table:
        rows = data_files.rows_of(table, file, schema)
        return rows.group_by(schema.names).aggregate([]).cast(schema) if once else rows

    own = (f for f in data_files.of(table) if days is None or f[1].event_date in days)
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(part, (file for file in own if age_hours in (None, file[1].age_hours)))


def counted(_: SparkSession, places: Mapping[str, Address], part: DayAtAge) -> dict[str, Counter[str]]:
    """How many rows of a day at an age each table holds of which run."""
    return {name: _runs(DeltaTable(str(where.path)), part) for name, where in places.items()}


def _runs(table: DeltaTable, part: DayAtAge) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in (file for file in data_files.of(table) if file[1] == part):
        try:
            runs = data_files.read(table, file, ["run_id"])["run_id"]
        except data_files.DamagedFileError:
            # It is of no run any more, and replaced as that of one that nobody knows.
            found[UNREADABLE] += 1
            continue
        for pair in runs.value_counts():
            found[pair["values"].as_py()] += pair["counts"].as_py()
    return found


def delete(_: SparkSession, where: Address, change: Change) -> None:
    """Delete the rows of a day at an age; nothing is committed where there are none."""
    assert change.part is not None
    table = DeltaTable(str(where.path))
    held = _runs(table, change.part)
    change.check(held.keys())
    if held and not _has_passed(table, change):
        table.delete(change.part.predicate, commit_properties=_commit(change))
