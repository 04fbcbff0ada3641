"""Both writers spell every column of every table alike, and every reader reads what either of them wrote."""

from decimal import Decimal
from pathlib import Path

import duckdb
import duckdb_extension_delta
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from jobs.engines.identity import engine_of
from jobs.ledger import tables
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.storage import lake
from jobs.storage.schema import KEYS, MICROS
from tests.world import child
from tests.world.int96 import with_int96
from tests.world.night import DAY, document, evaluated, parquet, saved

NEXT_DAY = DAY.replace(day=DAY.day + 1)
TABLES = ("statistics", "shard_statistics", "score_bins", "class_statistics", "metrics", "rejects", "runs")
SPELLED = {
    "int": ("INT32", "None"),
    "bigint": ("INT64", "None"),
    "double": ("DOUBLE", "None"),
    "boolean": ("BOOLEAN", "None"),
    "string": ("BYTE_ARRAY", "String"),
    "timestamp": ("INT64", "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds"),
    "decimal(37,15)": ("FIXED_LEN_BYTE_ARRAY", "Decimal(precision=37, scale=15)"),
}
TALL = Decimal("12345678901234567.123456789012345")


def configured(folder):
    """An evaluation that has every table, with a row for each."""
    rows = {
        "click": pa.array([1, 0, 0, None, 1, 0]),
        "p": [0.5, 0.25, 0.125, 0.5, 0.0, 0.3],
        "country": ["DE", "FR", None, "DE", "DE", "FR"],
        "outcome": ["home", "away", "away", "home", "home", "away"],
        "q": [0.75, 0.5, 0.25, 0.5, 0.125, 0.5],
        "r": [0.25, 0.5, 0.75, 0.5, 0.875, 0.5],
    }
    parquet(folder / "impressions", rows)
    classes = {"column": "outcome", "values": "classes", "classes": ["home", "away"]}
    return document(
        folder,
        labels={"click": {"column": "click", "values": "binary"}, "outcome": classes},
        tasks={"ctr": {"label": "click"}, "match": {"kind": "multiclass", "label": "outcome"}},
        models={"m": {"ctr": {"score": "p"}, "match": {"score": ["q", "r"]}}},
        dimensions=["country"],
        shards={"count": 2},
        bins={"slices": [[]]},
        limits={"min_rows": 0, "rejected_share": 1.0},
    )


@pytest.fixture(scope="module")
def config(spark, tmp_path_factory):
    """The evaluation after a night on this engine."""
    made = configured(tmp_path_factory.mktemp("physical"))
    evaluated(spark, made)
    return made


@pytest.fixture(scope="module")
def duck():
    """DuckDB with its own reader of Delta, offline."""
    package = Path(duckdb_extension_delta.__file__).parent
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute(f"LOAD '{package}/extensions/v{duckdb.__version__}/delta.duckdb_extension'")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def place(config, name):
    return Path(config["tables"]["path"]) / config["evaluation"] / name


def in_order(rows):
    return sorted(rows.to_pylist(), key=lambda row: [str(row[name]) for name in sorted(row)])


def by_others(duck, config):
    """The rows of every table by delta-rs and by DuckDB, which are one."""
    found = {}
    for name in TABLES:
        found[name] = in_order(DeltaTable(str(place(config, name))).to_pyarrow_table())
        assert (
            in_order(duck.execute(f"SELECT * FROM delta_scan('{place(config, name)}')").to_arrow_table()) == found[name]
        )
        assert found[name]
    return found


def by_this(spark, config):
    """The rows of every table by the engine of this process."""
    settings = parse(config)
    return {name: in_order(answered(spark, settings, f"SELECT * FROM {name}")) for name in TABLES}


def rows_in(folder):
    """The rows of every table as another engine has read them."""
    return {name: in_order(pq.read_table(folder / f"{name}.parquet")) for name in TABLES}


def test_every_column_is_spelled_as_declared(spark, config):
    declared = tables.declared(parse(config))
    assert sorted(declared) == sorted(TABLES)
    for name, table in declared.items():
        types = {column.name: column.type for column in table.columns if column.name not in KEYS}
        for file in place(config, name).rglob("*.parquet"):
            with pq.ParquetFile(file) as opened:
                columns = {c.name: (c.physical_type, str(c.logical_type)) for c in opened.schema}
            assert types.keys() <= columns.keys()
            for column, type_ in types.items():
                physical, logical = SPELLED[type_]
                assert columns[column][0] == physical, (name, column)
                assert columns[column][1].startswith(logical), (name, column)


def test_every_reader_reads_what_this_engine_wrote(spark, config, duck):
    assert by_this(spark, config) == by_others(duck, config)


def test_a_sum_of_many_digits_is_found_by_its_value(spark, config, duck):
    where = lake.address(parse(config), "score_bins", engine_of(spark))
    row = lake.read(spark, where).toArrow().slice(0, 1).to_pylist()[0]
    tall = {**row, "event_date": NEXT_DAY, "score_sum": TALL}
    lake.append(spark, where, pa.Table.from_pylist([tall], schema=tables.SCORE_BINS.schema), {})
    condition = f"score_sum >= CAST('{TALL}' AS DECIMAL(37,15))"
    assert duck.execute(f"SELECT score_sum FROM delta_scan('{where.path}') WHERE {condition}").fetchall() == [(TALL,)]
    assert [r.score_sum for r in lake.read(spark, where).where(condition).collect()] == [TALL]


@pytest.mark.only_engine("sail")
def test_tables_with_int96_are_read_and_written(spark, tmp_path, duck):
    config = configured(tmp_path)
    evaluated(spark, config)
    for name in TABLES:
        with_int96(place(config, name))
    settings = parse(config)
    before = by_others(duck, config)
    assert by_this(spark, config) == before
    doubts = "SELECT run_id, in_doubt, started_time < ended_time AS took FROM runs_latest"
    (row,) = answered(spark, settings, doubts).to_pylist()
    assert row == {"run_id": before["metrics"][0]["run_id"], "in_doubt": False, "took": True}
    # Other files beside them, and the day anew in place of them.
    again = evaluated(spark, config).stamp.run_id
    assert {row["run_id"] for row in by_this(spark, config)["runs"]} == {row["run_id"], again}
    assert by_this(spark, config) == by_others(duck, config)


@pytest.mark.only_engine("spark")
def test_the_embedded_engine_reads_what_apache_spark_wrote(spark, config, duck, tmp_path):
    old = configured(tmp_path / "old")
    spark.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    evaluated(spark, old)
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    for name in TABLES:
        spark.sql(f"ALTER TABLE delta.`{place(old, name)}` UNSET TBLPROPERTIES ('{MICROS[0]}')")
    new, file = saved(config, tmp_path / "new.yaml"), saved(old, tmp_path / "old.yaml")
    before = by_others(duck, old)
    assert by_this(spark, old) == before
    now, first, then = (tmp_path / name for name in ("now", "first", "then"))
    steps = child.read(new, now), child.read(file, first), child.run(file, DAY), child.read(file, then)
    child.succeeded(*child.on("sail", *steps))
    assert rows_in(now) == by_others(duck, config)
    assert rows_in(first) == before
    after = by_others(duck, old)
    assert rows_in(then) == after == by_this(spark, old)
    assert len(after["runs"]) == 2 * len(before["runs"])
