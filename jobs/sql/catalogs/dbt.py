"""The tables and views of an evaluation as a source of dbt, with what each of them and each column means."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import yaml

from jobs.settings import Evaluation
from jobs.sql.catalogs.columns import columns
from jobs.sql.catalogs.scripts import Schema
from jobs.sql.descriptions import RETIRED, column_comments, comment


def source(settings: Evaluation, schema: Schema, retired: Collection[str] = ()) -> str:
    """The YAML of a source whose tables are in a schema, for the folder `models` of a project.

    Args:
        settings: The evaluation.
        schema: Where `lossledger views --create` puts them.
        retired: Dimensions that the tables of cells have besides those that are configured.
    """
    *catalog, name = schema.parts
    tables = [_table(settings, table, fields, schema) for table, fields in columns(settings, None, retired).items()]
    found: dict[str, Any] = {"name": f"lossledger_{settings.evaluation}", "schema": name, "tables": tables}
    if catalog:
        found["database"] = ".".join(catalog)
    return yaml.safe_dump({"version": 2, "sources": [found]}, sort_keys=False, allow_unicode=True, width=120)


def _table(settings: Evaluation, name: str, fields: list[tuple[str, str]], schema: Schema) -> dict[str, Any]:
    comments = column_comments(settings, name)
    listed = [
        {"name": column, "description": comments.get(column, RETIRED), "data_type": type_} for column, type_ in fields
    ]
    named = {"name": name, **({"identifier": schema.prefix + name} if schema.prefix else {})}
    return {**named, "description": comment(settings, name), "columns": listed}
