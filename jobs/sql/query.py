"""SQL over an evaluation: its tables and the views of `conf/sql/` by their short names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark import errors as spark_errors
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from jobs import calling
from jobs.engines.identity import engine_of
from jobs.errors import ConfigurationError, ContractError, LossledgerError, Problem, RuntimeFailure, one_of
from jobs.settings import Evaluation
from jobs.sql import descriptions, plans
from jobs.sql.views import known, places, read_by, register
from jobs.storage import lake

if TYPE_CHECKING:
    from jobs.sql.queries import Name, Query

# What an engine raises where the query is at fault.
MISTAKES: Final = (
    spark_errors.AnalysisException,
    spark_errors.ArithmeticException,
    spark_errors.DateTimeException,
    spark_errors.IllegalArgumentException,
    spark_errors.NumberFormatException,
    spark_errors.UnsupportedOperationException,
)
QUERIES: Final = ("SELECT", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC")
EITHER: Final = ("WITH", "FROM", "(")  # of queries and of what writes
# How Sail calls a column that a grouping has not left.
NUMBERED: Final = re.compile(r'No field named \S*"#\d+"')
FILES: Final = "spark.sql.runSQLOnFiles"


def answered(session: SparkSession, settings: Evaluation, sql: str) -> pa.Table:
    """The answer to a query over the tables and views. What is no query, or could do more than read them, is refused.

    Raises:
        ContractError: A table that it names does not exist yet (exit 2).
        ConfigurationError: It is no query, no valid one, or names what is not there (exit 2).
        RuntimeFailure: The engine could not answer it (exit 3).
    """
    from jobs.sql import queries  # noqa: PLC0415 - a cluster's driver evaluates a day without the parser

    text, tokens = queries.words(sql)
    first = tokens[0].text.upper() if tokens else ""
    if first not in (*QUERIES, *EITHER):
        problem = Problem("the query", f"{first!r} at its beginning", one_of((*QUERIES, *EITHER)))
        raise ConfigurationError("only queries are answered", [problem])
    if first in descriptions.STATEMENTS:
        # All after SHOW is one token.
        words = " ".join(token.text for token in tokens).rstrip("; ").split()
        asked = {word.strip("`").lower() for word in words}.intersection(known(settings))
        return descriptions.answered(session, settings, words, register(session, settings, asked or None))
    if first == "TABLE":
        text = f"SELECT * FROM {text[len(first) :]}"
    every = known(settings)
    read = queries.read(text, every, _sources(settings))
    wanted = read.tables.intersection(every)
    made = register(session, settings, wanted)
    _check_made(wanted.difference(made), made, places(session, settings))
    return _read(session, read)


def _read(session: SparkSession, read: Query) -> pa.Table:
    # The error that it logs as JSON is the one that is raised, and is told in full there.
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    try:
        with _files_closed(session, but=read.reads_sources):
            # Only a query can stand in brackets; a lazy engine reads it when it is asked for its columns.
            bracketed = session.sql(f"SELECT * FROM ({read.text}\n)")
            plans.check(bracketed)
            return session.sql(read.text).toArrow()
    except (spark_errors.PySparkException, Py4JJavaError) as error:
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
    configured = settings.sources.values()
    named = [tuple(each.table.split(".")) for each in configured if each.table is not None]
    return {*named, *((str(each.format), each.path) for each in configured if each.path is not None)}


def _check_made(missing: Collection[str], made: Collection[str], places: Mapping[str, lake.Address]) -> None:
    """Raise a ContractError (exit 2) that says which tables are not there yet, and what makes them."""
    lacking = sorted({table for name in missing for table in read_by(name)}.difference(made))
    remedy = f"a table; make it with: {calling.lossledger('run CONFIG --date D')}"
    problems = [Problem(name, f"nothing at {places[name].path or places[name].name}", remedy) for name in lacking]
    if problems:
        raise ContractError("the query needs a table that does not exist yet", problems)


def _explained(error: Any) -> LossledgerError:
    """What to tell the user of an engine's error."""
    # What follows the first line is the engine's plan, or the query again.
    told = f"the query failed: {str(error).strip().splitlines()[0].rstrip(';')}"
    if NUMBERED.search(told):
        told += ". Most likely a column is neither in GROUP BY nor in a function such as SUM: --engine spark names it"
    if isinstance(error, Py4JJavaError) and "StackOverflowError" in str(error):
        return ConfigurationError("the query is too deep for Apache Spark: put parts of it into WITH")
    return ConfigurationError(told) if isinstance(error, MISTAKES) else RuntimeFailure(told)
