"""The statements that make the tables and views of an evaluation known to a catalog, in the SQL of each engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql.catalogs.columns import columns
from jobs.sql.descriptions import RETIRED, column_comments, comment
from jobs.sql.language.dialects import DIALECTS, Dialect, qualified
from jobs.sql.views import known, view_texts
from jobs.storage import lake


@dataclass(frozen=True)
class Schema:
    """Where in a catalog the tables and views go.

    Attributes:
        parts: The name of the schema, with that of its catalog or without.
        prefix: What the names of tables and views begin with.
        has_tables: Whether the tables are in that catalog already.
    """

    parts: tuple[str, ...]
    prefix: str = ""
    has_tables: bool = False

    def parts_of(self, name: str) -> tuple[str, ...]:
        """The parts of the full name of a table or view."""
        return (*self.parts, self.prefix + name)


def schema_of(settings: Evaluation, asked: str | None = None) -> Schema:
    """The schema that is asked for; by default the one that the tables are in, else one called like the evaluation.

    Raises:
        ConfigurationError: The tables are in a catalog, and the views are to be in another schema (exit 2).
    """
    where = settings.tables
    if where.path is not None:
        return Schema(tuple((asked or settings.evaluation).split(".")))
    own = (str(where.catalog), str(where.schema_name))
    if asked is not None and asked != ".".join(own):
        problem = Problem("--schema", repr(asked), f"none: the tables are in {'.'.join(own)}, and so are their views")
        raise ConfigurationError("the views belong beside their tables", [problem])
    return Schema(own, f"{settings.evaluation}_", has_tables=True)


def dialect_of(name: str) -> Dialect:
    """The SQL of an engine.

    Raises:
        ConfigurationError: There is no such one (exit 2).
    """
    if name not in DIALECTS:
        problem = Problem("--dialect", repr(name), one_of(DIALECTS), nearest_match(name, DIALECTS))
        raise ConfigurationError("there is no such dialect", [problem])
    return DIALECTS[name]


@dataclass(frozen=True)
class Held:
    """What there is of the tables of an evaluation.

    Attributes:
        tables: Those that there are; None for all that are declared.
        retired: Dimensions that the tables of cells have besides those that are configured.
    """

    tables: Collection[str] | None = None
    retired: tuple[str, ...] = ()


def statements(settings: Evaluation, dialect: Dialect, schema: Schema, held: Held = Held()) -> Iterator[str]:
    """The statements in the order in which they are run: a schema, tables, views, each with its comments.

    Args:
        settings: The evaluation.
        dialect: The SQL of the engine.
        schema: Where they go.
        held: What there is of its tables.
    """
    described = columns(settings, held.tables, held.retired)
    names = {name: dialect.name(schema.parts_of(name)) for name in described}
    if not schema.has_tables:
        yield f"CREATE SCHEMA IF NOT EXISTS {dialect.name(schema.parts)}"
        for name in (name for name in tables.declared(settings) if name in described):
            yield dialect.table(names[name], str(lake.address(settings, name, "spark").path))
    spelled = {name: dialect_of("spark").name(schema.parts_of(name)) for name in described}
    made = [name for name in described if name in tables.declared(settings)]
    for name, text in view_texts(settings, {*known(settings)}, made, held.retired):
        query = dialect.query(qualified(text, spelled))
        yield from dialect.view(names[name], query, comment(settings, name), _commented(settings, name, described))


def _commented(
    settings: Evaluation, name: str, described: Mapping[str, Sequence[tuple[str, str]]]
) -> list[tuple[str, str]]:
    """The columns of a view with their comments."""
    comments = column_comments(settings, name)
    return [(column, comments.get(column, RETIRED)) for column, _ in described[name]]


HEADS: Final = {
    "duckdb": "-- DuckDB needs its extension for Delta first: INSTALL delta; LOAD delta; and SET TimeZone = 'UTC';",
    "sail": "-- For a session of Sail: it has no lasting catalog, so these views go with the session.",
    "spark": "-- For Apache Spark with Delta: spark-sql -f, a notebook, or lossledger views CONFIG --create.",
}


def script(settings: Evaluation, name: str, schema: Schema, held: Held = Held()) -> list[str]:
    """The same as lines of a file that the engine of this name runs."""
    dialect = dialect_of(name)
    return [HEADS[name], *(f"{statement};" for statement in statements(settings, dialect, schema, held))]
