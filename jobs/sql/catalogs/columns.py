"""The columns of all tables and views of an evaluation as they are declared: no table has to be there."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql.engines import duck, on_duckdb
from jobs.sql.views import known
from jobs.storage.schema import Table


def columns(
    settings: Evaluation, made: Collection[str] | None = None, retired: Collection[str] = ()
) -> dict[str, list[tuple[str, str]]]:
    """By table or view the names of its columns and their types.

    Args:
        settings: The evaluation.
        made: The tables that there are; views that need others are left out. By default all that are declared.
        retired: Dimensions that the tables of cells have besides those that are configured.
    """
    declared = tables.declared(settings)
    found = [name for name in declared if made is None or name in made]
    with duck.connected() as connection:
        types = {name: _types(declared[name], retired) for name in found}
        for name in found:
            kept = [pa.field(each, pa.string()) for each in types[name] if each not in declared[name].schema.names]
            connection.register(name, pa.schema([*declared[name].schema, *kept]).empty_table())
        names = (*found, *on_duckdb.views_made(connection, settings, known(settings), found, retired))
        return {name: [*types[name].items()] if name in types else on_duckdb.fields(connection, name) for name in names}


def _types(table: Table, retired: Collection[str]) -> dict[str, str]:
    of_cells = retired if table.dimensions is not None else ()
    return {**{column.name: column.type for column in table.columns}, **dict.fromkeys(of_cells, "string")}
