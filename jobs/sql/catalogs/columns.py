"""The columns of all tables and views of an evaluation as they are declared: no table has to be there."""

from __future__ import annotations

from collections.abc import Collection

from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql.engines import duck, on_duckdb
from jobs.sql.views import known


def columns(settings: Evaluation, made: Collection[str] | None = None) -> dict[str, list[tuple[str, str]]]:
    """By table or view the names of its columns and their types.

    Args:
        settings: The evaluation.
        made: The tables that there are; views that need others are left out. By default all that are declared.
    """
    declared = tables.declared(settings)
    found = [name for name in declared if made is None or name in made]
    with duck.connected() as connection:
        for name in found:
            connection.register(name, declared[name].schema.empty_table())
        names = (*found, *on_duckdb.views_made(connection, settings, known(settings), found))
        types = {name: {column.name: column.type for column in declared[name].columns} for name in found}
        return {name: [*types[name].items()] if name in types else on_duckdb.fields(connection, name) for name in names}
