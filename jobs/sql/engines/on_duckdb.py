"""DuckDB: tables are the datasets of delta-rs, views are made over them, queries are asked in its own spelling."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from duckdb import DuckDBPyConnection

from jobs.errors import ConfigurationError, LossledgerError, RuntimeFailure
from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql.language.dialects import duckdb_name, for_duckdb, spark_type
from jobs.sql.language.queries import Query, refused
from jobs.sql.views import has_dimensions, needed_by, view_texts
from jobs.storage import lake
from jobs.storage.datasets import dataset
from jobs.storage.schema import NOT_RECORDED

# What it raises where the disk, the memory or DuckDB itself is at fault, and not the query.
FAILURES: Final = (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException)
# How Arrow has the type of a SUM of whole numbers.
HUGE: Final = pa.decimal128(38, 0)


def made(connection: DuckDBPyConnection, settings: Evaluation, wanted: Collection[str]) -> tuple[str, ...]:
    """Make those of the tables and views that there are, and all that they read; returns their names."""
    needed, found, retired = needed_by(settings, wanted), list[str](), tuple[str, ...]()
    with_dimensions = has_dimensions(needed)
    for name, table in tables.declared(settings).items():
        asked = name in needed or (table.dimensions is not None and with_dimensions)
        rows = dataset(lake.address(settings, name, "duckdb"), table) if asked else None
        if rows is not None and table.dimensions is not None:
            retired = tables.retired(_types(rows.schema), table)
        if rows is not None and name in needed:
            _register(connection, name, rows, {*(table.dimensions or ()), *tables.retired(_types(rows.schema), table)})
            found.append(name)
    return (*found, *views_made(connection, settings, needed, found, retired))


def _types(schema: pa.Schema) -> dict[str, str]:
    return {field.name: "string" if pa.types.is_string(field.type) else "other" for field in schema}


def _register(connection: DuckDBPyConnection, name: str, rows: ds.Dataset, dimensions: Collection[str]) -> None:
    """Make a table known; on days that knew nothing of a dimension it is `(not recorded)`."""
    unknown = [each for each in dimensions if rows.schema.field(each).nullable]
    if not unknown:
        connection.register(name, rows)
        return
    connection.register(f"rows of {name}", rows)
    shown = ", ".join(f"COALESCE({q}, '{NOT_RECORDED}') AS {q}" for q in map(duckdb_name, unknown))
    text = f"SELECT * REPLACE ({shown}) FROM {duckdb_name(f'rows of {name}')}"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {duckdb_name(name)} AS {text}")


def views_made(
    connection: DuckDBPyConnection,
    settings: Evaluation,
    needed: Collection[str],
    found: Collection[str],
    retired: Collection[str] = (),
) -> list[str]:
    """Make those of the needed views for which the tables suffice that were found; returns their names."""
    texts = dict(view_texts(settings, needed, found, retired))
    for name, text in texts.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {duckdb_name(name)} AS {for_duckdb(text)}")
    return list(texts)


def fields(connection: DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    """The columns of a table or view that was made, and their types as Spark calls them."""
    return _described(connection, f"SELECT * FROM {duckdb_name(name)}")


def _described(connection: DuckDBPyConnection, text: str) -> list[tuple[str, str]]:
    rows = connection.execute(f"DESCRIBE {text}").fetchall()
    return [(str(row[0]), spark_type(str(row[1]))) for row in rows]


def answer(connection: DuckDBPyConnection, query: Query) -> pa.Table:
    """The answer to a query over what was made.

    Raises:
        ConfigurationError: The query is no valid one, reads a source, or DuckDB reads it as a command (exit 2).
        RuntimeFailure: DuckDB could not answer it (exit 3).
    """
    if query.reads_sources:
        mend = "tables and views alone; --engine sail reads configured sources, too"
        raise refused("the query", "a source, which DuckDB is not to open", mend)
    text = for_duckdb(query.text, _fractions(connection, query))
    try:
        # DuckDB's own parser has the last word on what it is.
        kinds = [statement.type for statement in connection.extract_statements(text)]
        if kinds != [duckdb.StatementType.SELECT]:
            raise refused("the query", "no query, or more than one, as DuckDB reads it", "one query")
        return _typed(connection, text, connection.execute(text).to_arrow_table())
    except duckdb.Error as error:
        raise _explained(error) from error


def _fractions(connection: DuckDBPyConnection, query: Query) -> set[str]:
    """The columns of what a query reads that hold no whole numbers."""
    every = (column for name in query.tables for column in fields(connection, name))
    return {name.lower() for name, type_ in every if type_.startswith(("double", "float", "decimal"))}


def _typed(connection: DuckDBPyConnection, text: str, rows: pa.Table) -> pa.Table:
    """The answer with sums of whole numbers as such: in Arrow they are decimals, like those that are meant to be.

    Intervals are lengths of time, as the other engines have them.

    Raises:
        ConfigurationError: A sum is larger than a BIGINT, or an interval has months (exit 2).
    """
    rows = pa.table([*map(_as_length, rows.columns)], names=rows.column_names)
    if HUGE not in rows.schema.types:
        return rows
    whole = [type_ == "bigint" for _, type_ in _described(connection, text)]
    try:
        columns = [
            pc.cast(column, pa.int64()) if is_whole and column.type == HUGE else column
            for column, is_whole in zip(rows.columns, whole, strict=True)
        ]
    except pa.ArrowInvalid as error:
        raise ConfigurationError("the query failed: a sum of whole numbers is larger than a BIGINT") from error
    return pa.table(columns, names=rows.column_names)


def _as_length(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type != pa.month_day_nano_interval():
        return column
    lengths = [None if value is None else _length(*value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(lengths, pa.duration("us"))])


def _length(months: int, days: int, nanoseconds: int) -> timedelta:
    if months:
        raise ConfigurationError("the query failed: months have no length of time; CAST(… AS STRING) says how many")
    return timedelta(days=days, microseconds=nanoseconds // 1000)


def _explained(error: duckdb.Error) -> LossledgerError:
    """What to tell the user of an error of DuckDB."""
    told = f"the query failed: {str(error).strip().splitlines()[0]}"
    if isinstance(error, FAILURES):
        return RuntimeFailure(told)
    if isinstance(error, duckdb.CatalogException | duckdb.ParserException):
        told += ". It may be something of Apache Spark that DuckDB has not: --engine sail, or spark, has it"
    return ConfigurationError(told)
