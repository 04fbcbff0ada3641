"""What a table holds of some days at one age, mostly without provisional rows: they know less than others of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.storage import lake

DOUBT = pa.field("provisional", pa.bool_())


def held(  # noqa: PLR0913 - whose rows of what
    session: SparkSession,
    settings: Evaluation,
    name: str,
    days: Collection[date],
    age_hours: int,
    *,
    columns: Sequence[str] | None = None,
    provisional: bool = False,
) -> pa.Table:
    """Rows of a table, none where there is no such table. A column that no run has added yet is NULL.

    Args:
        session: Of the engine.
        settings: What is configured.
        name: The table, one of those that are declared.
        days: Whose rows.
        age_hours: At which age.
        columns: Which columns; all where nothing is said.
        provisional: Whether provisional rows, too.
    """
    declared = tables.declared(settings)[name]
    wanted = [column for column in declared.columns if columns is None or column.name in columns]
    schema = pa.schema([declared.schema.field(column.name) for column in wanted])
    where = lake.address(settings, name, engine_of(session))
    if not days or not lake.exists(session, where):
        return schema.empty_table()
    if provisional:
        return lake.rows(session, where, schema, days, age_hours)
    # A row of ours from before there was the column is not provisional.
    with_doubts = pa.schema([*schema, DOUBT]) if DOUBT.name not in schema.names else schema
    rows = lake.rows(session, where, with_doubts, days, age_hours)
    return rows.filter(whole(rows)).select(schema.names)


def all_held(  # noqa: PLR0913 - whose rows of what
    session: SparkSession,
    settings: Evaluation,
    columns: Mapping[str, Sequence[str] | None],
    days: Collection[date],
    age_hours: int,
    *,
    provisional: bool = False,
) -> dict[str, pa.Table]:
    """The rows of several tables, each read beside the others: by name which columns, or None for all; see `held`."""

    def one(name: str) -> pa.Table:
        return held(session, settings, name, days, age_hours, columns=columns[name], provisional=provisional)

    with ThreadPoolExecutor(max(1, len(columns))) as pool:
        return dict(zip(columns, pool.map(one, columns), strict=True))


def whole(rows: pa.Table) -> pa.ChunkedArray:
    """Which rows of ours are not provisional; those from before there was the column are not."""
    return pc.invert(pc.fill_null(rows["provisional"], False))
