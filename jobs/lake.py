"""Delta Lake under both engines: the one module that knows how they differ in creating and writing tables.

Apache Spark writes through delta-spark. The embedded engine writes through delta-rs: Sail's own writer ignores
CHECK constraints, does not reject rows outside `replaceWhere`, and stores no comments.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import delta.exceptions  # noqa: F401 - without it a lost race is a bare Py4JJavaError
import pyarrow as pa
from delta.tables import DeltaTable as SparkTable
from deltalake import CommitProperties, DeltaTable, Field, write_deltalake
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import CommitFailedError
from deltalake.schema import PrimitiveType
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from jobs import paths
from jobs.engines import engine_of
from jobs.errors import ConfigurationError, ContractError, Problem
from jobs.settings import Evaluation
from jobs.tables import PARTITION, Column, Table

PLAIN = re.compile(r"[A-Za-z0-9/!$&'()+,\-.:;=@_]*")
KEYS = [column.name for column in PARTITION]
LOST_RACES = ("Concurrent", "MetadataChanged", "ProtocolChanged")
# Another writer's folder is there, its first commit is not yet; or it has just added what we wanted to add.
HALF_MADE = ("DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION", "DELTA_TABLE_NOT_FOUND")
JUST_ADDED = ("DELTA_CONSTRAINT_ALREADY_EXISTS", "FIELD_ALREADY_EXISTS", "FIELDS_ALREADY_EXISTS")


@dataclass(frozen=True)
class Address:
    """Where a table is: a path, or a name in a catalog."""

    path: str | None = None
    name: str | None = None

    @property
    def identifier(self) -> str:
        """The table in SQL, quoted."""
        if self.path is not None:
            return "delta." + _quoted(self.path)
        return ".".join(_quoted(part) for part in str(self.name).split("."))


def address(settings: Evaluation, table: str, engine: str) -> Address:
    """Where a table of the evaluation is."""
    where = settings.tables
    if where.path is not None:
        local = paths.local_path(where.path)
        root = where.path.rstrip("/") if local is None else os.path.abspath(local)
        _check_spelling("tables.path", root, engine)
        return Address(path=f"{root}/{settings.evaluation}/{table}")
    if engine != "spark":
        problem = Problem("tables", "a catalog", "a path: the embedded engine has no lasting catalog")
        raise ConfigurationError("the tables cannot be reached from this engine", [problem])
    return Address(name=f"{where.catalog}.{where.schema_name}.{settings.evaluation}_{table}")


def _check_spelling(place: str, path: str, engine: str) -> None:
    """Raise ConfigurationError (exit 2) for a path at which the embedded engine does not find a Delta table again."""
    if engine == "sail" and not PLAIN.fullmatch(path):
        expected = "a path of ASCII letters, digits and /._-=+,:;@ only; choose another folder, or --engine spark"
        raise ConfigurationError("the embedded engine cannot read this path", [Problem(place, repr(path), expected)])


def version(session: SparkSession, path: str) -> int:
    """The newest version of a Delta table."""
    _check_spelling("a Delta source", path, engine_of(session))
    if engine_of(session) == "spark":
        return int(SparkTable.forPath(session, path).history(1).collect()[0]["version"])
    return DeltaTable(path).version()


def exists(session: SparkSession, where: Address) -> bool:
    """Whether there is a Delta table at an address."""
    if where.name is not None:
        return session.catalog.tableExists(where.identifier)
    if engine_of(session) == "spark":
        return SparkTable.isDeltaTable(session, str(where.path))
    return DeltaTable.is_deltatable(str(where.path))


def read(session: SparkSession, where: Address) -> DataFrame:
    """A table as it is now."""
    if where.name is not None:
        return session.table(where.identifier)
    return session.read.format("delta").load(where.path)


def read_day(session: SparkSession, where: Address, day: date, age_hours: int) -> DataFrame:
    """The rows of a table for one day at one age."""
    of_day = (F.col("event_date") == F.lit(day)) & (F.col("age_hours") == F.lit(age_hours))
    return read(session, where).where(of_day)


def _lost_the_race(error: BaseException) -> bool:
    """Whether another writer committed first, so that the same commit may be tried again."""
    if isinstance(error, AnalysisException):
        return error.getCondition() in (*HALF_MADE, *JUST_ADDED)
    return isinstance(error, CommitFailedError) or type(error).__name__.startswith(LOST_RACES)


again = retry(
    retry=retry_if_exception(_lost_the_race),
    stop=stop_after_attempt(6),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    reraise=True,
)


def ensure(session: SparkSession, where: Address, table: Table) -> None:
    """Create a table with its comments and constraints, or add the nullable columns that it lacks.

    Raises:
        ContractError: A key of the table is not a key of the declaration, or the other way round.
    """
    try:
        _ensure(session, where, table)
    except AnalysisException as error:
        if error.getCondition() not in HALF_MADE or not _clear_log(where):
            raise
        _ensure(session, where, table)


def _clear_log(where: Address) -> bool:
    """Remove a log without a commit, as a kill in the first one leaves it: Apache Spark makes no table around it."""
    local = None if where.path is None else paths.local_path(where.path)
    log = None if local is None else Path(local) / "_delta_log"
    # A file that is still being written has a name that begins with a dot.
    if log is None or not log.is_dir() or not all(file.name.startswith(".") for file in log.iterdir()):
        return False
    shutil.rmtree(log)
    return True


@again
def _ensure(session: SparkSession, where: Address, table: Table) -> None:
    if not exists(session, where):
        (_create_spark if engine_of(session) == "spark" else _create_rust)(session, where, table)
    fields = {field.name: field.nullable for field in read(session, where).schema.fields}
    missing = [column for column in table.columns if column.name not in fields]
    _check_keys(where, table, fields)
    if missing:
        (_add_spark if engine_of(session) == "spark" else _add_rust)(session, where, missing)
    _constrain(session, where, table)


def _check_keys(where: Address, table: Table, fields: Mapping[str, bool]) -> None:
    """Check that a table has the required columns that are declared, and no others."""
    known = {column.name for column in table.columns}
    lacking = [c.name for c in table.columns if not c.nullable and c.name not in fields]
    beyond = [name for name, nullable in fields.items() if not nullable and name not in known]
    found = [f"a table {how} {', '.join(names)}" for how, names in (("without", lacking), ("with", beyond)) if names]
    if found:
        expected = (
            "the dimensions that the evaluation's tables were made with; other dimensions take a new evaluation name"
        )
        problem = Problem(f"{table.name} ({where.path or where.name})", " and ".join(found), expected)
        raise ContractError("the tables that exist do not fit the configuration", [problem])


def replace(session: SparkSession, where: Address, rows: pa.Table, metadata: Mapping[str, Any]) -> None:
    """Replace one day at one age, atomically. All rows must belong to it, and there must be some."""
    days = rows.select(KEYS).group_by(KEYS).aggregate([]).to_pylist()
    if len(days) != 1:
        raise ValueError(f"{where}: rows of one day and one age are replaced at a time, found {days}")
    _write(session, where, rows, metadata, _predicate(**days[0]))


@again
def remove(session: SparkSession, where: Address, day: date, age_hours: int) -> None:
    """Remove one day at one age, atomically; nothing is committed where it has no rows."""
    if read_day(session, where, day, age_hours).isEmpty():
        return
    if engine_of(session) == "spark":
        _spark_table(session, where).delete(_predicate(day, age_hours))
    else:
        DeltaTable(str(where.path)).delete(_predicate(day, age_hours))


def _predicate(event_date: date, age_hours: int) -> str:
    return f"event_date = DATE '{event_date.isoformat()}' AND age_hours = {int(age_hours)}"


def append(session: SparkSession, where: Address, rows: pa.Table, metadata: Mapping[str, Any]) -> None:
    """Append rows in one commit."""
    _write(session, where, rows, metadata, None)


@again
def _write(
    session: SparkSession,
    where: Address,
    rows: pa.Table,
    metadata: Mapping[str, Any],
    predicate: str | None,
) -> None:
    text = json.dumps(metadata)
    if engine_of(session) == "spark":
        _write_spark(session, where, rows, text, predicate)
        return
    properties = CommitProperties(custom_metadata={"userMetadata": text})
    rows = _widened(rows, DeltaTable(str(where.path)))
    if predicate is None:
        write_deltalake(str(where.path), rows, mode="append", commit_properties=properties)
    else:
        write_deltalake(str(where.path), rows, mode="overwrite", predicate=predicate, commit_properties=properties)


def _widened(rows: pa.Table, table: DeltaTable) -> pa.Table:
    """Rows with NULLs in the columns of a table that they lack, as Apache Spark writes them by itself."""
    for field in pa.schema(table.schema().to_arrow()):
        if field.name not in rows.column_names:
            rows = rows.append_column(field.name, pa.nulls(rows.num_rows, field.type))
    return rows


def _write_spark(session: SparkSession, where: Address, rows: pa.Table, metadata: str, predicate: str | None) -> None:
    # Of a table with an empty chunk Spark reads a part only.
    frame = session.createDataFrame(rows.combine_chunks()).coalesce(1)
    writer = frame.write.format("delta").option("userMetadata", metadata)
    writer = writer.mode("append" if predicate is None else "overwrite")
    if predicate is not None:
        writer = writer.option("replaceWhere", predicate)
    if where.name is not None:
        writer.saveAsTable(where.identifier)
    else:
        writer.save(where.path)


def _create_spark(session: SparkSession, where: Address, table: Table) -> None:
    # In SQL, because Delta's builder takes no name of three parts.
    head = f"CREATE TABLE IF NOT EXISTS {where.identifier} ({', '.join(map(_column_sql, table.columns))})"
    session.sql(f"{head} USING delta PARTITIONED BY ({', '.join(KEYS)}) COMMENT {_text_sql(table.comment)}")


def _add_spark(session: SparkSession, where: Address, columns: list[Column]) -> None:
    for column in columns:
        session.sql(f"ALTER TABLE {where.identifier} ADD COLUMNS ({_column_sql(column)})")


def _column_sql(column: Column) -> str:
    required = "" if column.nullable else " NOT NULL"
    return f"{_quoted(column.name)} {column.type}{required} COMMENT {_text_sql(column.comment)}"


def _text_sql(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _create_rust(_: SparkSession, where: Address, table: Table) -> None:
    DeltaTable.create(
        str(where.path),
        DeltaSchema([_field(column) for column in table.columns]),
        mode="ignore",
        partition_by=KEYS,
        description=table.comment,
        name=table.name,
    )


def _constrain(session: SparkSession, where: Address, table: Table) -> None:
    """Add the constraints that a table lacks: neither engine can create it with them in one commit."""
    if not table.checks:
        return
    spark = engine_of(session) == "spark"
    have = _spark_table(session, where).detail().collect()[0]["properties"] if spark else {}
    rust = None if spark else DeltaTable(str(where.path))
    have = have if rust is None else rust.metadata().configuration
    for name, condition in table.checks.items():
        if f"delta.constraints.{name}" in have:
            continue
        if rust is None:
            session.sql(f"ALTER TABLE {where.identifier} ADD CONSTRAINT {name} CHECK ({condition})")
        else:
            rust.alter.add_constraint({name: condition})


def _spark_table(session: SparkSession, where: Address) -> Any:
    if where.path is not None:
        return SparkTable.forPath(session, where.path)
    return SparkTable.forName(session, where.identifier)


def _add_rust(_: SparkSession, where: Address, columns: list[Column]) -> None:
    DeltaTable(str(where.path)).alter.add_columns([_field(column) for column in columns])


def _field(column: Column) -> Field:
    kind = PrimitiveType({"int": "integer", "bigint": "long"}.get(column.type, column.type))
    return Field(column.name, kind, nullable=column.nullable, metadata={"comment": column.comment})


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
