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
from jobs.ledger.columns import SLICE
from jobs.settings import Evaluation
from jobs.storage import lake
from jobs.storage.schema import NOT_RECORDED, Table

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

    A dimension is `(not recorded)` on days on which it was none. Slices are spelled by the order of dimensions as it is
    now.

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
    # A row of ours from before there was the column is not provisional.
    with_doubts = pa.schema([*schema, DOUBT]) if DOUBT.name not in schema.names else schema
    rows = lake.rows(session, where, schema if provisional else with_doubts, days, age_hours)
    found = _with_dimensions(rows if provisional else rows.filter(whole(rows)).select(schema.names), declared)
    return in_order(found, settings.dimensions) if SLICE.name in schema.names else found


def _with_dimensions(rows: pa.Table, of: Table) -> pa.Table:
    """Rows with `(not recorded)` for dimensions that came after them, which are NULL in the files."""
    for name in of.dimensions or ():
        if name in rows.column_names and rows[name].null_count:
            values = pc.fill_null(rows[name], NOT_RECORDED)
            rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), values)
    return rows


def in_order(rows: pa.Table, dimensions: Sequence[str]) -> pa.Table:
    """Rows whose slices name their dimensions in this order, as those of a day with another one do not.

    >>> in_order(pa.table({"slice": ["os=ios,site=a", ""]}), ["site", "os"])["slice"].to_pylist()
    ['site=a,os=ios', '']
    """
    texts = rows["slice"].unique().to_pylist()
    spelled = [_in_order(text, dimensions) for text in texts]
    if spelled == texts:
        return rows
    of_row = pc.index_in(rows["slice"], value_set=pa.array(texts, type=pa.string()))
    place = rows.column_names.index("slice")
    return rows.set_column(place, rows.schema.field(place), pc.take(pa.array(spelled, type=pa.string()), of_row))


def _in_order(text: str, dimensions: Sequence[str]) -> str:
    """A slice by the order of dimensions; one of a dimension that is not among them stays."""
    parts = {part.split("=", 1)[0]: part for part in text.split(",") if part}
    return ",".join(parts[name] for name in dimensions if name in parts) if parts.keys() <= {*dimensions} else text


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
