"""Who answers a question: DuckDB in this process, or a session of an engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pyspark.sql import SparkSession

from jobs.engines.pins import ENGINES, is_remote, known_engine
from jobs.engines.session import session
from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.paths import local_path
from jobs.settings import Evaluation

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    Session = SparkSession | DuckDBPyConnection

DUCKDB: Final = "duckdb"
ANSWERING: Final = (DUCKDB, *ENGINES)


def chosen(engine: str | None, settings: Evaluation, *, reads_sources: bool = False) -> str:
    """The engine that answers: the one that is asked for, else the lightest that can.

    DuckDB starts in no time and reads tables on this machine's disk. Elsewhere it is the embedded engine, which reads
    configured sources, too; what is in a catalog only Apache Spark finds.

    Raises:
        ConfigurationError: There is no such engine (exit 2).
    """
    if engine is not None:
        return engine if engine == DUCKDB else _known(engine)
    light, place = reading(settings, sources=reads_sources), settings.tables.path
    here = place is not None and local_path(place) is not None
    return DUCKDB if light == "sail" and here and not reads_sources else light


def reading(settings: Evaluation, *, sources: bool = False) -> str:
    """The engine of what reads the tables, where nobody names one: Sail, but Apache Spark for what is in a catalog.

    Args:
        settings: Where the tables and the sources are.
        sources: Whether the configured sources are read, too.
    """
    places = [settings.tables.path, *(source.path for source in settings.sources.values() if sources)]
    return "spark" if None in places else "sail"


def _known(engine: str) -> str:
    if engine in ENGINES or is_remote(engine):
        return known_engine(engine)
    expected = f"{one_of(ANSWERING)}, or sc://HOST:PORT of a server of Spark Connect"
    problem = Problem("--engine", repr(engine), expected, nearest_match(engine, ANSWERING))
    raise ConfigurationError("there is no such engine", [problem])


@contextmanager
def opened(engine: str) -> Iterator[Session]:
    """What answers questions, for the length of a `with` block; see `jobs.engines.session` for those of Spark."""
    if engine != DUCKDB:
        with session(engine) as spark:
            yield spark
        return
    from jobs.sql.engines import duck  # noqa: PLC0415 - a cluster's driver evaluates a day without DuckDB

    with duck.connected() as connection:
        yield connection
