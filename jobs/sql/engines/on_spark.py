"""Apache Spark and Sail: tables and views are temporary views of a session, queries are asked as they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark import errors as spark_errors
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.errors import ConfigurationError, LossledgerError, RuntimeFailure
from jobs.settings import Evaluation
from jobs.sql.engines import plans
from jobs.sql.language.queries import Query
from jobs.sql.views import register

# What an engine raises where the query is at fault.
MISTAKES: Final = (
    spark_errors.AnalysisException,
    spark_errors.ArithmeticException,
    spark_errors.DateTimeException,
    spark_errors.IllegalArgumentException,
    spark_errors.NumberFormatException,
    spark_errors.UnsupportedOperationException,
)
# How Sail calls a column that a grouping has not left.
NUMBERED: Final = re.compile(r'No field named \S*"#\d+"')
FILES: Final = "spark.sql.runSQLOnFiles"


def made(session: SparkSession, settings: Evaluation, wanted: Collection[str]) -> tuple[str, ...]:
    """Make those of the tables and views that there are, and all that they read; returns their names."""
    return register(session, settings, wanted)


def fields(session: SparkSession, name: str) -> list[tuple[str, str]]:
    """The columns of a table or view that was made, and their types."""
    return [(field.name, field.dataType.simpleString()) for field in session.table(name).schema.fields]


def answer(session: SparkSession, query: Query) -> pa.Table:
    """The answer to a query over what was made.

    Raises:
        ConfigurationError: The query is no valid one, or Spark's own plan of it does more than read (exit 2).
        RuntimeFailure: The engine could not answer it (exit 3).
    """
    # The error that it logs as JSON is the one that is raised, and is told in full there.
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    try:
        with _files_closed(session, but=query.reads_sources):
            # Only a query can stand in brackets; a lazy engine reads it when it is asked for its columns.
            bracketed = session.sql(f"SELECT * FROM ({query.text}\n)")
            plans.check(bracketed)
            return session.sql(query.text).toArrow()
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


def _explained(error: Any) -> LossledgerError:
    """What to tell the user of an engine's error."""
    # What follows the first line is the engine's plan, or the query again.
    told = f"the query failed: {str(error).strip().splitlines()[0].rstrip(';')}"
    if NUMBERED.search(told):
        told += ". Most likely a column is neither in GROUP BY nor in a function such as SUM: --engine spark names it"
    if isinstance(error, Py4JJavaError) and "StackOverflowError" in str(error):
        return ConfigurationError("the query is too deep for Apache Spark: put parts of it into WITH")
    return ConfigurationError(told) if isinstance(error, MISTAKES) else RuntimeFailure(told)
