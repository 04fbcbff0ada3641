"""SQL over an evaluation: its tables and the views of `conf/sql/` by their short names."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Final

import pyarrow as pa
from pyspark.errors import (
    AnalysisException,
    ArithmeticException,
    DateTimeException,
    IllegalArgumentException,
    NumberFormatException,
    PySparkException,
    UnsupportedOperationException,
)
from pyspark.logger import PySparkLogger
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs import calling, lake, tables
from jobs.engines import conf_file, engine_of
from jobs.errors import (
    ConfigurationError,
    ContractError,
    LossledgerError,
    Problem,
    RuntimeFailure,
    nearest_match,
    one_of,
)
from jobs.settings import Evaluation

# What each view reads, in an order in which they can be made. The clip is a view too, so that it is said once.
VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    "statistics_latest": ("statistics",),
    "statistics_priced": ("statistics_latest", "clip"),
    "metrics_latest": ("metrics",),
    "metrics_final": ("metrics",),
    "runs_latest": ("runs", "statistics", "shard_statistics", "metrics"),
}
# What an engine raises where the query is at fault.
MISTAKES: Final = (
    AnalysisException,
    ArithmeticException,
    DateTimeException,
    IllegalArgumentException,
    NumberFormatException,
    UnsupportedOperationException,
)
UNKNOWN_TABLE: Final = re.compile(r"table or view (?:not found: )?([\w.`]+)", re.IGNORECASE)
QUERIES: Final = ("SELECT", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC")
EITHER: Final = ("WITH", "FROM", "(")  # of queries and of what writes
COMMENTS: Final = re.compile(r"\s*(--[^\n]*(\n|$)|/\*.*?\*/)", re.DOTALL)
WIDEST: Final = 100_000


def register(session: SparkSession, settings: Evaluation) -> tuple[str, ...]:
    """Make a temporary view of every table that exists, and of every view whose tables do.

    Returns:
        Their short names. Those of the other tables and views are taken away: a session may have
        served another evaluation before.
    """
    made = []
    if "binary" in settings.kinds:
        # What is priced by it are the losses of binary tasks: without any, their columns are not there.
        session.range(1).select(F.lit(settings.loss.clip).alias("clip")).createOrReplaceTempView("clip")
        made.append("clip")
    places, declared = _places(session, settings), tables.declared(settings)
    for name, where in places.items():
        if lake.exists(session, where):
            _with_every_column(lake.read(session, where), declared[name]).createOrReplaceTempView(name)
            made.append(name)
    made += _made_views(session, made)
    for name in {*places, *tables.OPTIONAL, *VIEWS, "clip"}.difference(made):
        # Where there is none, Sail raises.
        if session.catalog.tableExists(name):
            session.catalog.dropTempView(name)
    return tuple(made)


def query(session: SparkSession, settings: Evaluation, sql: str) -> pa.Table:
    """The answer to a query over the tables and views. What would change or delete something is refused unread.

    Raises:
        ContractError: A table that it names does not exist yet (exit 2).
        ConfigurationError: It is no query, no valid one, or names what is not there (exit 2).
        RuntimeFailure: The engine could not answer it (exit 3).
    """
    # The error that it logs as JSON is the one that is raised, and is told in full there.
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    first = _first_word(sql)
    if first not in (*QUERIES, *EITHER):
        problem = Problem("the query", f"{first!r} at its beginning", one_of((*QUERIES, *EITHER)))
        raise ConfigurationError("only queries are answered", [problem])
    known = register(session, settings)
    try:
        if first in EITHER:
            # Only a query can stand in brackets; a lazy engine reads it when it is asked for its columns.
            session.sql(f"SELECT * FROM ({sql.strip().rstrip(';')}\n)").schema  # noqa: B018
        return session.sql(sql).toArrow()
    except PySparkException as error:
        raise _explained(error, sql, known, _places(session, settings)) from error


def rendered(table: pa.Table, as_json: bool) -> str:
    """The answer as text: a table for people, or a JSON list of one object per row.

    In JSON decimals, dates, times and numbers that are not finite are text; all digits are kept.
    For people a double has 10 digits.

    Raises:
        ConfigurationError: JSON is asked for, and two columns have one name (exit 2).
    """
    if not as_json:
        return _drawn(table)
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems = [Problem(name, f"{names.count(name)} columns", "one; name the others with AS") for name in twice]
        raise ConfigurationError("the answer does not fit into JSON", problems)
    rows = [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]
    return json.dumps(rows, ensure_ascii=False, indent=1, default=str, allow_nan=False)


def _first_word(sql: str) -> str:
    """The first word of a statement, or its first sign, after comments."""
    while comment := COMMENTS.match(sql):
        sql = sql[comment.end() :]
    found = re.match(r"\s*(\w+|\S?)", sql)
    return found[1].upper() if found else ""


def _places(session: SparkSession, settings: Evaluation) -> dict[str, lake.Address]:
    return {name: lake.address(settings, name, engine_of(session)) for name in tables.declared(settings)}


def _with_every_column(frame: DataFrame, table: tables.Table) -> DataFrame:
    """A table with the columns that no run has added yet: NULL, as they will be of the days before that run."""
    lacking = [column for column in table.columns if column.nullable and column.name not in frame.columns]
    return frame.select("*", *(F.lit(None).cast(column.type).alias(column.name) for column in lacking))


def _made_views(session: SparkSession, known: Collection[str]) -> list[str]:
    made: list[str] = []
    for name, needs in VIEWS.items():
        if {*known, *made}.issuperset(needs):
            session.sql(conf_file(f"sql/{name}.sql").read_text(encoding="utf-8")).createOrReplaceTempView(name)
            made.append(name)
    return made


def _explained(
    error: PySparkException, sql: str, known: Collection[str], places: Mapping[str, lake.Address]
) -> LossledgerError:
    """What to tell the user of an engine's error: above all which table is not there yet, and what makes it."""
    words = set(re.findall(r"\w+", sql.lower()))
    missing = {table for word in words for table in _read_by(word)}.intersection(places).difference(known)
    if missing:
        remedy = f"a table; make it with: {calling.lossledger('run CONFIG --date D')}"
        problems = [
            Problem(name, f"nothing at {places[name].path or places[name].name}", remedy) for name in sorted(missing)
        ]
        return ContractError("the query needs a table that does not exist yet", problems)
    unknown = UNKNOWN_TABLE.search(str(error))
    if unknown is None:
        # What follows the first line is the engine's plan, or the query again.
        told = f"the query failed: {str(error).strip().splitlines()[0].rstrip(';')}"
        return ConfigurationError(told) if isinstance(error, MISTAKES) else RuntimeFailure(told)
    name = unknown[1].replace("`", "")
    problem = Problem("the query", f"the table {name!r}", one_of(known), nearest_match(name, known))
    return ConfigurationError("the query needs a table that there is not", [problem])


def _read_by(name: str) -> set[str]:
    """The tables that a view reads in the end; of any other name, itself."""
    return set().union(*map(_read_by, VIEWS[name])) if name in VIEWS else {name}


def _drawn(table: pa.Table) -> str:
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for field in table.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        drawn.add_column(Text(_printable(field.name)), justify="right" if number else "left", no_wrap=True)
    # Row by row over the columns, not by name: two columns of an answer may have the same one.
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        drawn.add_row(*(Text(_cell(value)) for value in row))
    console = Console(file=io.StringIO(), width=WIDEST, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(drawn)
    rows = "1 row" if table.num_rows == 1 else f"{table.num_rows:,} rows"
    lines = [line.rstrip() for line in captured.get().splitlines() if line.strip()]
    return "\n".join([*lines, f"({rows})"])


def _cell(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else _printable(str(value))


def _printable(text: str) -> str:
    """The text on one line, without what would steer a terminal: it comes from the data."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
