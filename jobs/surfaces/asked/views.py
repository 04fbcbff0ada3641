"""The command `lossledger views`: tables and views for other tools, put into a catalog or printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from deltalake import DeltaTable

from jobs.engines.session import session
from jobs.errors import ConfigurationError, Problem
from jobs.ledger import tables
from jobs.settings import Evaluation, load
from jobs.storage import lake
from jobs.surfaces.arguments import Config, Engine, Set
from jobs.surfaces.exits import guarded, printed

Create = Annotated[bool, typer.Option("--create", help="Put them into the catalog of Apache Spark, or replace them.")]
Print = Annotated[bool, typer.Option("--print", help="Print the statements that make them.")]
Dbt = Annotated[bool, typer.Option("--dbt", help="Print them as a source of dbt.")]
Of = Annotated[str, typer.Option("--dialect", metavar="spark|sail|duckdb", help="Whose SQL is printed.")]
In = Annotated[str | None, typer.Option("--schema", help="Where they go; by default one called like the evaluation.")]


def views(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    create: Create = False,
    printing: Print = False,
    as_source: Dbt = False,
    dialect: Of = "spark",
    schema: In = None,
    engine: Engine = "spark",
    overrides: Set = [],  # noqa: B006 - typer copies it
) -> None:
    """Make the tables and views of an evaluation known to others, each column with what it means."""

    def command() -> int:
        # Those of who asks: a cluster's driver, which has this module, too, goes without the parser and DuckDB.
        from jobs.sql.catalogs import creation, dbt, scripts  # noqa: PLC0415

        _check_one(create, printing, as_source)
        settings = load(config, overrides)
        where = scripts.schema_of(settings, schema)
        if create:
            with session(engine, settings=creation.LASTING if engine == "spark" else {}) as spark:
                printed(creation.created(spark, settings, where))
        elif as_source:
            printed(dbt.source(settings, where, _retired(settings)).splitlines())
        else:
            held = scripts.Held(_there(settings), _retired(settings))
            printed(scripts.script(settings, dialect, where, held))
        return 0

    raise typer.Exit(guarded(command, as_json=False))


def _check_one(*options: bool) -> None:
    if sum(options) != 1:
        problem = Problem("the command", "none of them, or several", "--create, --print or --dbt")
        raise ConfigurationError("it is not clear what to do", [problem])


def _there(settings: Evaluation) -> set[str] | None:
    """The tables that are there, where they are on this disk; None, for all, where it is not known or none is."""
    where = {name: lake.address(settings, name, "spark") for name in tables.declared(settings)}
    found = {name for name, place in where.items() if place.local and DeltaTable.is_deltatable(str(Path(place.local)))}
    return found or None


def _retired(settings: Evaluation) -> tuple[str, ...]:
    """The dimensions that days in the tables have, and the configuration has no more, where the tables are here."""
    place = lake.address(settings, "statistics", "spark").local
    if not place or not DeltaTable.is_deltatable(str(Path(place))):
        return ()
    types = {field.name: getattr(field.type, "type", "") for field in DeltaTable(str(Path(place))).schema().fields}
    return tables.retired(types, tables.declared(settings)["statistics"])
