"""SQL over an evaluation: its tables and the views of `conf/sql/` by their short names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from py4j.protocol import Py4JJavaError
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

from jobs import answers, calling, descriptions, lake, plans, tables
from jobs.engines import conf_file, engine_of
from jobs.errors import ConfigurationError, ContractError, LossledgerError, Problem, RuntimeFailure, one_of
from jobs.settings import Evaluation

if TYPE_CHECKING:
    from jobs.queries import Name, Query

# What each view reads, in an order in which they can be made. The clip is a view too, so that it is said once.
VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    "statistics_latest": ("statistics",),
    "statistics_priced": ("statistics_latest", "clip"),
    "metrics_latest": ("metrics",),
    "metrics_final": ("metrics",),
    "held": ("statistics", "shard_statistics", "metrics"),
    "runs_latest": ("runs", "held"),
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
QUERIES: Final = ("SELECT", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC")
EITHER: Final = ("WITH", "FROM", "(")  # of queries and of what writes
FILES: Final = "spark.sql.runSQLOnFiles"
UNION: Final = "\nUNION ALL\n"


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
    """The answer to a query over the tables and views. What is no query, or could do more than read them, is refused.

    Raises:
        ContractError: A table that it names does not exist yet (exit 2).
        ConfigurationError: It is no query, no valid one, or names what is not there (exit 2).
        RuntimeFailure: The engine could not answer it (exit 3).
    """
    from jobs import queries  # noqa: PLC0415 - a cluster's driver evaluates a day without the parser

    text, tokens = queries.words(sql)
    first = tokens[0].text.upper() if tokens else ""
    if first not in (*QUERIES, *EITHER):
        problem = Problem("the query", f"{first!r} at its beginning", one_of((*QUERIES, *EITHER)))
        raise ConfigurationError("only queries are answered", [problem])
    if first in descriptions.STATEMENTS:
        # All after SHOW is one token.
        words = " ".join(token.text for token in tokens).rstrip("; ").split()
        return descriptions.answered(session, settings, words, register(session, settings))
    if first == "TABLE":
        text = f"SELECT * FROM {text[len(first) :]}"
    every = dict.fromkeys((*tables.declared(settings), *VIEWS, "clip"))
    read = queries.read(text, every, _sources(settings))
    known = register(session, settings)
    _check_made(read.tables.intersection(every).difference(known), _places(session, settings))
    return _answered(session, read)


def rendered(table: pa.Table, as_json: bool) -> str:
    """The answer as one text; see `answers.lines`."""
    return "\n".join(answers.lines(table, as_json))


def _answered(session: SparkSession, read: Query) -> pa.Table:
    # The error that it logs as JSON is the one that is raised, and is told in full there.
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    try:
        with _files_closed(session, but=read.reads_sources):
            # Only a query can stand in brackets; a lazy engine reads it when it is asked for its columns.
            bracketed = session.sql(f"SELECT * FROM ({read.text}\n)")
            plans.check(bracketed)
            return session.sql(read.text).toArrow()
    except (PySparkException, Py4JJavaError) as error:
        raise _explained(error) from error


@contextmanager
def _files_closed(session: SparkSession, *, but: bool) -> Iterator[None]:
    """Let Apache Spark take no path for a table, unless the query reads a configured source so; Sail always does."""
    if engine_of(session) == "sail":
        yield
        return
    usual = session.conf.get(FILES)
    session.conf.set(FILES, str(but).lower())
    try:
        yield
    finally:
        session.conf.set(FILES, str(usual))


def _sources(settings: Evaluation) -> set[Name]:
    """The names under which a query may read what is configured to be read: parquet.`path`, or a table of a catalog."""
    configured = [settings.impressions.source, *(log.source for log in settings.label_logs.values())]
    named = [tuple(each.table.split(".")) for each in configured if each.table is not None]
    return {*named, *((str(each.format), each.path) for each in configured if each.path is not None)}


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
            session.sql(view(name, known)).createOrReplaceTempView(name)
            made.append(name)
    return made


def view(name: str, known: Collection[str]) -> str:
    """The text of a view; `held` is asked of those tables only that there are."""
    text = conf_file(f"sql/{name}.sql").read_text(encoding="utf-8")
    if name != "held":
        return text
    return UNION.join(part for part in text.rstrip().split(UNION) if part.rsplit(maxsplit=1)[-1] in known)


def _check_made(missing: Collection[str], places: Mapping[str, lake.Address]) -> None:
    """Raise a ContractError (exit 2) that says which tables are not there yet, and what makes them."""
    lacking = sorted({table for name in missing for table in _read_by(name)}.intersection(places))
    remedy = f"a table; make it with: {calling.lossledger('run CONFIG --date D')}"
    problems = [Problem(name, f"nothing at {places[name].path or places[name].name}", remedy) for name in lacking]
    if problems:
        raise ContractError("the query needs a table that does not exist yet", problems)


def _explained(error: Any) -> LossledgerError:
    """What to tell the user of an engine's error."""
    # What follows the first line is the engine's plan, or the query again.
    told = f"the query failed: {str(error).strip().splitlines()[0].rstrip(';')}"
    if isinstance(error, Py4JJavaError) and "StackOverflowError" in str(error):
        return ConfigurationError("the query is too deep for Apache Spark: put parts of it into WITH")
    return ConfigurationError(told) if isinstance(error, MISTAKES) else RuntimeFailure(told)


def _read_by(name: str) -> set[str]:
    """The tables that a view reads in the end; of any other name, itself."""
    return set().union(*map(_read_by, VIEWS[name])) if name in VIEWS else {name}
