"""Other readers than the engine that wrote: delta-rs and DuckDB see the same rows, sums and definitions."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from jobs.engines.identity import engine_of
from jobs.ledger import tables
from jobs.sql import views
from jobs.sql.engines import duck as engines
from jobs.sql.query import answered
from jobs.storage import lake
from tests.world import duck_db
from tests.world.duck_db import connected
from tests.world.two_nights import changed, copied, held

TABLES = ("statistics", "shard_statistics", "metrics", "rejects", "runs")
# The evaluation has no task of several classes, and keeps no score bins.
OF_JUDGED = [name for name in views.VIEWS if views.KIND_OF.get(name) != "multiclass" and name != "reliability"]
PRICED = ("priced_positive_nll", "priced_negative_nll", "nll")
# A row that each constraint must refuse.
FORBIDDEN = [
    ("statistics", "n_not_negative", {"n": -1}),
    ("statistics", "unscored_not_negative", {"unscored": -1}),
    ("shard_statistics", "n_not_negative", {"n": -1}),
    ("shard_statistics", "unscored_not_negative", {"unscored": -1}),
    ("metrics", "value_or_reason", {"value": None, "reason": None}),
    ("metrics", "value_or_reason", {"value": 1.0, "reason": "no_weight"}),
]


@pytest.fixture(scope="module")
def duck(ledger):
    """DuckDB over the ledger."""
    with connected(ledger) as connection:
        yield connection


@pytest.fixture(scope="module")
def duck_of_judged():
    """DuckDB over a ledger with judgements, as `lossledger sql` asks it."""
    with engines.connected() as connection:
        yield connection


def delta(settings, name):
    return DeltaTable(duck_db.path(settings, name))


def in_order(rows):
    return sorted(rows.to_pylist(), key=lambda row: [str(value) for value in row.values()])


def summed(settings, name):
    """The columns of a table that are exact sums or counts."""
    return [c.name for c in tables.declared(settings)[name].columns if c.type in ("bigint", "decimal(37,15)")]


def test_these_are_all_tables(spark, ledger):
    assert set(TABLES) == set(tables.declared(ledger))


@pytest.mark.parametrize("name", TABLES)
def test_every_reader_sees_the_same_rows(spark, ledger, duck, name):
    rows = in_order(held(spark, ledger, name))
    assert rows
    assert in_order(delta(ledger, name).to_pyarrow_table()) == rows
    assert in_order(duck.execute(f"SELECT * FROM {name}").to_arrow_table()) == rows


@pytest.mark.parametrize("name", ["statistics", "shard_statistics"])
def test_every_reader_gets_the_same_sums(spark, ledger, duck, name):
    columns = summed(ledger, name)
    text = f"SELECT {', '.join(f'SUM({column}) AS {column}' for column in columns)} FROM {name}"
    sums = answered(spark, ledger, text).to_pylist()[0]
    rows = delta(ledger, name).to_pyarrow_table()
    assert min(sums.values()) > Decimal(0)
    assert {column: pc.sum(rows[column]).as_py() for column in columns} == sums
    assert dict(zip(columns, duck.execute(text).fetchone(), strict=True)) == sums


@pytest.mark.parametrize("name", TABLES)
def test_the_oldest_readers_can_read_it(spark, ledger, name):
    protocol = delta(ledger, name).protocol()
    assert (protocol.min_reader_version, protocol.reader_features) == (1, None)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_its_type_and_comment(spark, ledger, name):
    declared = tables.declared(ledger)[name]
    table = delta(ledger, name)
    found = {field.name: (field.nullable, field.metadata.get("comment")) for field in table.schema().fields}
    assert found == {column.name: (column.nullable, column.comment) for column in declared.columns}
    assert pa.schema(table.schema()) == declared.schema
    assert (table.metadata().description, table.metadata().partition_columns) == (declared.comment, lake.KEYS)


@pytest.mark.parametrize("name", TABLES)
def test_constraints_are_those_declared(spark, ledger, name):
    properties = delta(ledger, name).metadata().configuration
    found = {k.removeprefix("delta.constraints.") for k in properties if "constraints" in k}
    assert found == set(tables.declared(ledger)[name].checks)


@pytest.mark.parametrize(("name", "constraint", "columns"), FORBIDDEN)
def test_a_row_against_a_constraint_is_refused(spark, ledger, tmp_path, name, constraint, columns):  # noqa: PLR0917
    settings = copied(ledger, tmp_path)
    row = changed(held(spark, settings, name).slice(0, 1), columns)
    assert f"delta.constraints.{constraint}" in delta(settings, name).metadata().configuration
    with pytest.raises(Exception, match="1 rows failed validation"):
        lake.append(spark, lake.address(settings, name, engine_of(spark)), row, {})
    assert in_order(held(spark, settings, name)) == in_order(held(spark, ledger, name))


@pytest.mark.parametrize("view", OF_JUDGED)
def test_views_are_the_same_in_duckdb(spark, judged, duck_of_judged, view):
    ours = answered(spark, judged, f"SELECT * FROM {view}")
    theirs = answered(duck_of_judged, judged, f"SELECT * FROM {view}")
    assert theirs.column_names == ours.column_names
    # Each engine takes logarithms, and a double of a decimal, in its own way.
    inexact = [f.name for f in ours.schema if pa.types.is_floating(f.type) or f.name in PRICED]
    keys = [name for name in ours.column_names if name not in inexact]
    assert in_order(theirs.select(keys)) == in_order(ours.select(keys))
    order = [(name, "ascending") for name in keys]
    ours, theirs = (rows.sort_by(order) if order else rows for rows in (ours, theirs))
    for name in inexact:
        for expected, found in zip(ours[name].to_pylist(), theirs[name].to_pylist(), strict=True):
            assert (found is None) == (expected is None)
            assert found is None or float(found) == pytest.approx(float(expected), rel=1e-12, abs=1e-13)


def test_prices_are_the_same_in_duckdb(spark, ledger, duck):
    keys = "event_date, task, model"
    text = f"SELECT {keys}, {', '.join(f'SUM({c}) AS {c}' for c in PRICED)} FROM statistics_priced GROUP BY {keys}"
    ours, theirs = in_order(answered(spark, ledger, text)), in_order(duck.execute(text).to_arrow_table())
    # A price per cell is a double, which each engine rounds to 15 decimals in its own way.
    prices = [{name: float(row[name]) for name in PRICED} for row in ours]
    assert [{name: float(row[name]) for name in PRICED} for row in theirs] == [
        pytest.approx(row, rel=1e-15, abs=0) for row in prices
    ]
