"""A question from its text to its answer: checked without an engine, then asked of one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
from duckdb import DuckDBPyConnection

from jobs import calling
from jobs.errors import ConfigurationError, ContractError, Problem, one_of
from jobs.settings import Evaluation
from jobs.sql import descriptions
from jobs.sql.engines import on_duckdb, on_spark
from jobs.sql.language import mistakes, queries
from jobs.sql.language.queries import Name, Query
from jobs.sql.language.statements import Statement, statements
from jobs.sql.views import known, read_by
from jobs.storage import lake

if TYPE_CHECKING:
    from jobs.sql.sessions import Session

FIRST: Final = ("SELECT", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC")
EITHER: Final = ("WITH", "FROM", "(")  # of queries and of what writes


class Answering(Protocol):
    """The functions of `on_spark` and of `on_duckdb`; a session is that of the module."""

    def made(self, session: Any, settings: Evaluation, wanted: Collection[str], /) -> tuple[str, ...]:
        """Make those of the tables and views that there are, and all that they read; returns their names."""

    def fields(self, session: Any, name: str, /) -> list[tuple[str, str]]:
        """The columns of a table or view that was made, and their types as Spark calls them."""

    def answer(self, session: Any, query: Query, /) -> pa.Table:
        """The answer to a query over what was made."""


@dataclass(frozen=True)
class Asked:
    """A statement that may be answered: a query, or without one what describes a table or lists them."""

    statement: Statement
    query: Query | None = None


def every(settings: Evaluation, source: str, called: str = "the query") -> list[Asked]:
    """The statements of a text, all of which may be answered; no engine is needed to say so.

    Raises:
        ConfigurationError: One is no query, or names what is not there (exit 2).
    """
    return [_checked(settings, statement) for statement in statements(source, called)]


def one(settings: Evaluation, source: str) -> Asked:
    """The same of a text that is one statement."""
    return _checked(settings, Statement(source, tuple(queries.tokenized(source))))


def _checked(settings: Evaluation, statement: Statement) -> Asked:
    first = statement.tokens[0].text.upper() if statement.tokens else ""
    if first not in (*FIRST, *EITHER):
        raise queries.refused(statement.called, f"{first!r} at its beginning", one_of((*FIRST, *EITHER)))
    if first in descriptions.STATEMENTS:
        descriptions.check(settings, statement)
        return Asked(statement)
    text = statement.text
    if first == "TABLE":
        text = f"SELECT * FROM {text[len(first) :]}"
    return Asked(statement, queries.read(text, known(settings), _sources(settings), statement.place))


def _sources(settings: Evaluation) -> set[Name]:
    """The names under which a query may read what is configured to be read: parquet.`path`, or a table of a catalog."""
    configured = settings.sources.values()
    named = [tuple(each.table.split(".")) for each in configured if each.table is not None]
    return {*named, *((str(each.format), each.path) for each in configured if each.path is not None)}


def answer(session: Session, settings: Evaluation, asked: Asked) -> pa.Table:
    """The answer to a statement that was checked.

    Raises:
        ContractError: A table that it names does not exist yet (exit 2).
        ConfigurationError: It is no valid query for the engine (exit 2).
        RuntimeFailure: The engine could not answer it (exit 3).
    """
    engine = _engine(session)
    if asked.query is None:
        return _described(session, settings, asked.statement)
    wanted = sorted(asked.query.tables.intersection(known(settings)))
    _check_made(settings, wanted, engine.made(session, settings, wanted))
    try:
        return engine.answer(session, asked.query)
    except ConfigurationError as error:
        # Of a source that is joined no columns are known here: the engine has the word.
        named = () if asked.query.reads_sources else wanted
        columns = {name: [column for column, _ in engine.fields(session, name)] for name in named}
        found = mistakes.unknown_column(asked.statement, columns)
        if found is None:
            raise
        raise found from error


def _described(session: Session, settings: Evaluation, statement: Statement) -> pa.Table:
    engine, name = _engine(session), descriptions.about(statement)
    if name is None:
        return descriptions.listed(settings, statement, engine.made(session, settings, known(settings)))
    _check_made(settings, [name], engine.made(session, settings, [name]))
    return descriptions.described(settings, name, engine.fields(session, name))


def _engine(session: Session) -> Answering:
    return on_duckdb if isinstance(session, DuckDBPyConnection) else on_spark


def _check_made(settings: Evaluation, wanted: Collection[str], made: Collection[str]) -> None:
    """Raise a ContractError (exit 2) that says which tables are not there yet, and what makes them."""
    missing = (table for name in wanted if name not in made for table in read_by(name))
    remedy = f"a table; make it with: {calling.lossledger('run CONFIG --date D')}"
    lacking = {name: lake.address(settings, name, "spark") for name in sorted({*missing}.difference(made, ["clip"]))}
    problems = [Problem(name, f"nothing at {where}", remedy) for name, where in lacking.items()]
    if problems:
        raise ContractError("the query needs a table that does not exist yet", problems)
