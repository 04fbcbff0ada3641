"""Delta tables by delta-spark, for Apache Spark elsewhere than on one machine: the functions of `delta_rust`.

In SQL and by frames alone, which Spark Connect takes too: there `DeltaTable` needs a plugin in the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import date
from functools import reduce
from typing import Final

import delta.exceptions  # noqa: F401 - without it a lost race is a bare Py4JJavaError
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.engines.quoting import quoted
from jobs.storage.address import Address
from jobs.storage.change import Change, DayAtAge
from jobs.storage.schema import KEYS, MICROS, Column, Table, filled

ABSENT: Final = ("PATH_NOT_FOUND", "DELTA_TABLE_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_PATH_DOES_NOT_EXIST")


def version(session: SparkSession, path: str) -> int:
    """The newest version of a table."""
    newest = session.sql(f"DESCRIBE HISTORY {Address(path=path).identifier} LIMIT 1")
    return int(newest.collect()[0]["version"])


def exists(session: SparkSession, where: Address) -> bool:
    """Whether there is a table."""
    if where.name is not None:
        return session.catalog.tableExists(where.identifier)
    try:
        read(session, where).schema  # noqa: B018 - it is looked for when it is asked for its columns
    except AnalysisException as error:
        if error.getCondition() not in ABSENT:
            raise
        return False
    return True


def read(session: SparkSession, where: Address) -> DataFrame:
    """A table as it is now."""
    if where.name is not None:
        return session.table(where.identifier)
    return session.read.format("delta").load(where.path)


def fields(session: SparkSession, where: Address) -> dict[str, bool]:
    """The columns of a table, and whether each may be NULL."""
    return {field.name: field.nullable for field in read(session, where).schema.fields}


def create(session: SparkSession, where: Address, table: Table) -> None:
    """Make a table with its comments and properties, unless it is there."""
    # In SQL, because Delta's builder takes no name of three parts.
    head = f"CREATE TABLE IF NOT EXISTS {where.identifier} ({', '.join(map(_column_sql, table.columns))})"
    properties = _properties_sql({**table.properties, MICROS[0]: MICROS[1]})
    tail = f"COMMENT {_text_sql(table.comment)} TBLPROPERTIES ({properties})"
    session.sql(f"{head} USING delta PARTITIONED BY ({', '.join(KEYS)}) {tail}")


def _properties_sql(values: Mapping[str, str]) -> str:
    return ", ".join(f"{_text_sql(name)} = {_text_sql(value)}" for name, value in values.items())


def _column_sql(column: Column) -> str:
    required = "" if column.nullable else " NOT NULL"
    return f"{quoted(column.name)} {column.type}{required} COMMENT {_text_sql(column.comment)}"


def _text_sql(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def add(session: SparkSession, where: Address, columns: Sequence[Column]) -> None:
    """Add columns to a table."""
    for column in columns:
        session.sql(f"ALTER TABLE {where.identifier} ADD COLUMNS ({_column_sql(column)})")


def properties(session: SparkSession, where: Address) -> dict[str, str]:
    """The properties of a table, its constraints among them."""
    return dict(session.sql(f"DESCRIBE DETAIL {where.identifier}").collect()[0]["properties"])


def set_properties(session: SparkSession, where: Address, values: Mapping[str, str]) -> None:
    """Set properties of a table."""
    session.sql(f"ALTER TABLE {where.identifier} SET TBLPROPERTIES ({_properties_sql(values)})")


def constrain(session: SparkSession, where: Address, name: str, condition: str) -> None:
    """Add a constraint to a table."""
    session.sql(f"ALTER TABLE {where.identifier} ADD CONSTRAINT {name} CHECK ({condition})")


def write(session: SparkSession, where: Address, change: Change) -> None:
    """Append rows, or replace those of a day at an age."""
    rows = change.rows
    if rows is not None and change.part is not None:
        rows = filled(rows, (name for name, nullable in fields(session, where).items() if not nullable))
    # Of a table with an empty chunk Spark reads a part only.
    frame = _none(session, where) if rows is None else session.createDataFrame(rows.combine_chunks())
    if change.part is not None:
        # What another run commits between this and the beginning of our transaction, about a second, is replaced
        # unseen, unless its turn is later; what comes after that fails it. Reading back what was written, each run
        # then finds the other's rows.
        change.check(_held(session, where, change.part))
    _commit(frame.coalesce(1), where, change)


def _commit(frame: DataFrame, where: Address, change: Change) -> None:
    writer = frame.write.format("delta").option("userMetadata", change.metadata)
    writer = writer.mode("append" if change.part is None else "overwrite")
    if change.part is not None:
        writer = writer.option("replaceWhere", change.part.predicate)
    if change.turn is not None:
        writer = writer.option("txnAppId", change.turn.name).option("txnVersion", change.turn.number)
    if where.name is not None:
        writer.saveAsTable(where.identifier)
    else:
        writer.save(where.path)


def rows(
    session: SparkSession,
    where: Address,
    schema: pa.Schema,
    days: Collection[date] | None = None,
    age_hours: int | None = None,
) -> pa.Table:
    """Columns of the rows of some days at an age, or of all; NULL where the table has no such column."""
    frame = _some(session, where, days, age_hours)
    there = [name for name in schema.names if name in frame.columns]
    found = frame.select(*there).toArrow()
    columns = (found[f.name].cast(f.type) if f.name in there else pa.nulls(found.num_rows, f.type) for f in schema)
    return pa.table([*columns], schema=schema)


def distinct(
    session: SparkSession, where: Address, schema: pa.Schema, age_hours: int, days: Collection[date] | None = None
) -> pa.Table:
    """The different values that columns have together in some rows of an age."""
    found = _some(session, where, days, age_hours).select(*schema.names).distinct()
    return found.toArrow().cast(schema)


def _some(session: SparkSession, where: Address, days: Collection[date] | None, age_hours: int | None) -> DataFrame:
    """The rows of some days, or of any, at an age, or at any."""
    frame = read(session, where)
    if days is not None:
        frame = frame.where(F.col("event_date").isin(*sorted(days)))
    return frame if age_hours is None else frame.where(F.col("age_hours") == age_hours)


def counted(session: SparkSession, places: Mapping[str, Address], part: DayAtAge) -> dict[str, Counter[str]]:
    """How many rows of a day at an age each table holds of which run; in one query, as each is a dear one."""
    frames = (
        read(session, where).where(part.predicate).select(F.lit(name).alias("name"), "run_id")
        for name, where in places.items()
    )
    found = {name: Counter[str]() for name in places}
    every = reduce(lambda one, other: one.unionAll(other), frames)
    for name, run_id, count in every.groupBy("name", "run_id").agg(F.count(F.lit(1))).collect():
        found[name][run_id] = count
    return found


def _held(session: SparkSession, where: Address, part: DayAtAge) -> Set[str]:
    return counted(session, {"": where}, part)[""].keys()


def delete(session: SparkSession, where: Address, change: Change) -> None:
    """Delete the rows of a day at an age; nothing is committed where there are none."""
    assert change.part is not None
    held = _held(session, where, change.part)
    change.check(held)
    if held:
        # No rows in place of those of the day: DELETE knows no turns.
        _commit(_none(session, where), where, change)


def _none(session: SparkSession, where: Address) -> DataFrame:
    """No row of a table."""
    return session.createDataFrame([], read(session, where).schema)
