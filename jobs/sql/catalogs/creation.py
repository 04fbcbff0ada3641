"""Tables and views put into a catalog of Apache Spark, where everybody finds them by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import SparkSession

from jobs import calling
from jobs.engines.identity import engine_of
from jobs.errors import ConfigurationError, ContractError, Problem
from jobs.paths import local_path
from jobs.settings import Evaluation
from jobs.sql.catalogs.columns import columns
from jobs.sql.catalogs.scripts import Held, Schema, dialect_of, statements
from jobs.sql.views import places, retired
from jobs.storage import lake
from jobs.storage.lake import Address

# A session that this process starts keeps its catalog in a metastore, by default one in the folder it is called from.
CATALOG: Final = "spark.sql.catalogImplementation"
LASTING: Final = {CATALOG: "hive"}


def created(session: SparkSession, settings: Evaluation, schema: Schema) -> list[str]:
    """Make the tables that there are known to the catalog of a session, and the views over them; returns their names.

    Raises:
        ConfigurationError: The catalog does not last, or another table has the name of one of ours (exit 2).
        ContractError: There is no table yet (exit 2).
    """
    _check_lasting(session, schema)
    where = {name: place for name, place in places(session, settings).items() if lake.exists(session, place)}
    if not where:
        problem = Problem("tables", "none", f"some; make them with: {calling.lossledger('run CONFIG --date D')}")
        raise ContractError("there is nothing to look at yet", [problem])
    held = Held([*where], retired(session, settings))
    names = [*columns(settings, held.tables, held.retired)]
    _check_names(session, schema, [name for name in names if name not in where], {} if schema.has_tables else where)
    for statement in statements(settings, dialect_of("spark"), schema, held):
        session.sql(statement)
    return [".".join(schema.parts_of(name)) for name in names]


def _check_names(session: SparkSession, schema: Schema, views: Sequence[str], where: Mapping[str, Address]) -> None:
    """Look whether what is there under our names is ours, before any of it is replaced.

    Args:
        session: Of the catalog.
        schema: Where tables and views go.
        views: The views.
        where: The tables that go there, and where they are.

    Raises:
        ConfigurationError: A name is that of another table, or of a view of somebody else (exit 2).
    """
    spelled = {name: dialect_of("spark").name(schema.parts_of(name)) for name in (*where, *views)}
    there = [name for name, full in spelled.items() if session.catalog.tableExists(full)]
    for name in where:
        if name in there:
            _check_place(session, spelled[name], str(where[name].path))
    # Tables are put there before their views: where there is no table of ours, no view is.
    ours = not where or not where.keys().isdisjoint(there)
    for name in there:
        if name in views and not (ours and session.catalog.getTable(spelled[name]).tableType == "VIEW"):
            mend = "none, or a view of ours; take another --schema, or let somebody who knows it drop it"
            raise ConfigurationError("a name is taken", [Problem(spelled[name], "what is not ours", mend)])


def _check_lasting(session: SparkSession, schema: Schema) -> None:
    """Raise a ConfigurationError (exit 2) where the catalog is gone with the session."""
    if engine_of(session) == "sail":
        problem = Problem("--engine", "Sail, which has no lasting catalog", "spark, or sc://HOST:PORT of Apache Spark")
        raise ConfigurationError("the views would not last", [problem])
    own = len(schema.parts) == 1 or schema.parts[0] == "spark_catalog"
    if own and session.conf.get(CATALOG, "in-memory") == "in-memory":
        expected = (
            f"a metastore: start Apache Spark with {CATALOG}=hive, or name another catalog, --schema CATALOG.NAME"
        )
        raise ConfigurationError("the views would not last", [Problem(CATALOG, "in-memory", expected)])


def _check_place(session: SparkSession, name: str, path: str) -> None:
    """Raise a ConfigurationError (exit 2) where a name is that of another table than ours: it was left as it is."""
    found = str(session.sql(f"DESCRIBE DETAIL {name}").collect()[0]["location"])
    spelled = [local_path(each) or each for each in (found, path)]
    if spelled[0].rstrip("/") != spelled[1].rstrip("/"):
        mend = f"{path}; take another --schema, or let somebody who knows that table drop it"
        raise ConfigurationError("a table of that name is there already", [Problem(name, found, mend)])
