"""Delta tables under both engines: made, written by either, protected against stray and impossible rows."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from tenacity import wait_none

from jobs import nightly
from jobs.errors import ConfigurationError, ContractError
from jobs.ledger import tables
from jobs.settings import parse
from jobs.storage import delta_rust, delta_spark, lake, writers
from jobs.storage.change import Change, DayAtAge, Turn, replaceable
from jobs.storage.lake import Address
from tests.world import days
from tests.world.days import DAY, RESULTS, impression
from tests.world.night import evaluated_by

EVE = DAY.replace(day=15)
AT_EVE = datetime(2026, 11, 15, 12, tzinfo=UTC)
WRITERS = 4
DECLARED = {name: table for name, table in tables.declared(parse(days.configured(Path("/nowhere")))).items()}


def table_of(folder, name):
    return DeltaTable(str(folder / "tables" / "small" / name))


def of_day(folder, day):
    """The results of one day."""
    return {
        table: [row for row in rows if row["event_date"] == day] for table, rows in days.all_results(folder).items()
    }


@pytest.mark.only_engine("spark")
def test_either_engine_writes_into_the_tables_of_the_other(spark, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        document = days.small_day(folder)
        days.written([impression(i, ts=AT_EVE) for i in range(200, 260)], folder / "impressions")
        days.written([impression(999, p=None, bid=1.0)], folder / "impressions")
        if folder == ours:
            nightly.evaluate(spark, parse(document), EVE)
            evaluated_by("sail", document, DAY)
        else:
            evaluated_by("sail", document, EVE)
            nightly.evaluate(spark, parse(document), DAY)
    # Each day was evaluated once on each engine, into tables that each engine made once.
    for day in (EVE, DAY):
        assert of_day(ours, day) == of_day(theirs, day)
        assert all(of_day(ours, day).values())
    nightly.evaluate(spark, parse(days.configured(ours)), DAY)
    assert of_day(ours, DAY) == of_day(theirs, DAY)
    assert of_day(ours, EVE) == of_day(theirs, EVE)
    for name in DECLARED:
        assert facts(table_of(ours, name)) == facts(table_of(theirs, name))


def facts(table):
    """What a table says of itself to every reader: columns, constraints, comment and protocol."""
    columns = [
        (field.name, str(field.type), field.nullable, field.metadata.get("comment")) for field in table.schema().fields
    ]
    # Only the names: the engines write the same condition with other brackets.
    checks = sorted(key for key in table.metadata().configuration if "constraints" in key)
    return columns, checks, table.metadata().description, table.protocol().min_reader_version


@pytest.mark.parametrize("name", DECLARED)
def test_a_table_says_what_its_columns_mean(empty_tables, name):
    declared = DECLARED[name]
    made = DeltaTable(str(empty_tables / "small" / name))
    columns, checks, comment, reader = facts(made)
    assert [(column, nullable, meaning) for column, _, nullable, meaning in columns] == [
        (column.name, column.nullable, column.comment) for column in declared.columns
    ]
    assert checks == sorted(f"delta.constraints.{key}" for key in declared.checks)
    assert (comment, reader, made.metadata().partition_columns) == (declared.comment, 1, ["event_date", "age_hours"])


@pytest.fixture
def place(spark, writer, tmp_path):
    """An empty table of metrics."""
    where = Address(path=str(tmp_path / "metrics"))
    lake.ensure(spark, where, tables.METRICS)
    return where


@pytest.fixture(scope="module")
def full(spark, tmp_path_factory):
    """A table of metrics with the rows of a day, which nothing here may change."""
    where = Address(path=str(tmp_path_factory.mktemp("full") / "metrics"))
    lake.ensure(spark, where, tables.METRICS)
    lake.replace(spark, where, metric_rows(3), {})
    return where


def metric_rows(count, day=DAY, **changes):
    """Rows of `metrics`."""
    row = {
        **{"event_date": day, "age_hours": 0, "task": "ctr", "model": "m", "slice": "", "value": 0.5, "n": 3},
        **{"weight": 3.0, "positives": 1.0, "unit": "nats", "is_final": True, "run_id": "r"},
        **{"as_of": datetime(2026, 11, 17, tzinfo=UTC)},
        **changes,
    }
    schema = tables.METRICS.schema
    rows = [{**dict.fromkeys(schema.names), **row, "metric": f"m{i}"} for i in range(count)]
    return pa.Table.from_pylist(rows, schema=schema)


def held(where):
    """Day and run of every row, and the version of the table."""
    table = DeltaTable(where.path)
    rows = table.to_pyarrow_table().to_pylist()
    return sorted((row["event_date"], row["run_id"]) for row in rows), table.version()


def test_one_day_is_replaced_or_removed_and_no_other(spark, place):
    lake.replace(spark, place, metric_rows(3, EVE), {})
    lake.replace(spark, place, metric_rows(4), {})
    lake.replace(spark, place, metric_rows(2, run_id="s"), {"run_id": "s"})
    assert held(place)[0] == [*[(EVE, "r")] * 3, *[(DAY, "s")] * 2]
    assert '"s"' in str(DeltaTable(place.path).history(1))
    lake.remove(spark, place, DayAtAge(DAY, 0))
    assert held(place)[0] == [(EVE, "r")] * 3


@pytest.mark.parametrize(
    "rows",
    [metric_rows(0), pa.concat_tables([metric_rows(1), metric_rows(1, EVE)])],
    ids=["none", "two days"],
)
@pytest.mark.usefixtures("writer")
def test_rows_of_anything_but_one_day_are_refused(spark, full, rows):
    before = held(full)
    with pytest.raises(ValueError, match="rows of one day and one age are replaced at a time"):
        lake.replace(spark, full, rows, {})
    assert held(full) == before


@pytest.mark.usefixtures("writer")
def test_a_stray_row_is_refused_by_the_engine_too(spark, full):
    before = held(full)
    stray = pa.concat_tables([metric_rows(1), metric_rows(1, EVE)])
    with pytest.raises(Exception, match=r"REPLACE_WHERE_MISMATCH|validation check"):
        lake._write(spark, full, Change(stray, "{}", DayAtAge(DAY, 0)))
    assert held(full) == before


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("changes", [{"value": None}, {"reason": "too_few_rows"}, {"unit": None}])
def test_an_impossible_row_is_refused_by_the_table(spark, full, changes):
    before = held(full)
    rows = pa.Table.from_pylist([{**row, **changes} for row in metric_rows(2).to_pylist()], schema=nullable_metrics())
    with pytest.raises(Exception, match=r"(?i)value_or_reason|unit|validation check"):
        lake.replace(spark, full, rows, {})
    assert held(full) == before


def nullable_metrics():
    return pa.schema([field.with_nullable(True) for field in tables.METRICS.schema])


@pytest.mark.usefixtures("writer")
def test_constraints_that_are_missing_are_added(spark, tmp_path):
    where = Address(path=str(tmp_path / "metrics"))
    # As a process leaves it that was killed between making a table and giving it its constraints.
    lake.ensure(spark, where, replace(tables.METRICS, checks={}))
    assert facts(DeltaTable(where.path))[1] == []
    for _ in range(2):
        lake.ensure(spark, where, tables.METRICS)
        version = DeltaTable(where.path).version()
    assert facts(DeltaTable(where.path))[1] == ["delta.constraints.value_or_reason"]
    assert version == 1
    with pytest.raises(Exception, match=r"(?i)value_or_reason|validation check"):
        lake.replace(spark, where, metric_rows(1, value=None), {})


def test_a_lost_race_is_run_again(spark, place, monkeypatch):
    writer = writers.writer_of(spark, place)
    real, gate, attempts = writer.write, threading.Barrier(WRITERS), []

    def together(*arguments):
        attempts.append(threading.get_ident())
        if attempts.count(threading.get_ident()) == 1:
            gate.wait(60)
        return real(*arguments)

    monkeypatch.setattr(writer, "write", together)
    with ThreadPoolExecutor(WRITERS) as pool:
        runs = [metric_rows(5, run_id=f"run{i}") for i in range(WRITERS)]
        list(pool.map(lambda rows: lake.replace(spark, place, rows, {}), runs))
    rows, version = held(place)
    assert len(attempts) > WRITERS
    assert version == 1 + WRITERS
    assert len(rows) == 5
    assert len(set(rows)) == 1


def test_rows_around_an_empty_chunk_are_all_written(spark, place):
    rows = metric_rows(3)
    lake.replace(spark, place, pa.concat_tables([rows, rows.slice(0, 0), rows]), {})
    assert len(held(place)[0]) == 6


@pytest.mark.usefixtures("writer")
def test_many_may_make_the_same_table_at_once(spark, tmp_path):
    where = Address(path=str(tmp_path / "metrics"))
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: lake.ensure(spark, where, tables.METRICS), range(WRITERS)))
    assert facts(DeltaTable(where.path))[1] == ["delta.constraints.value_or_reason"]
    lake.replace(spark, where, metric_rows(2), {})
    assert len(held(where)[0]) == 2


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("left", [(), (".00000000000000000000.json.1f.tmp", "..00000000000000000000.json.1f.tmp.crc")])
def test_a_kill_in_the_first_commit_is_no_obstacle(spark, tmp_path, left):
    log = tmp_path / "statistics" / "_delta_log"
    log.mkdir(parents=True)
    for name in left:
        (log / name).touch()
    lake.ensure(spark, Address(path=str(tmp_path / "statistics")), DECLARED["statistics"])
    assert DeltaTable(str(tmp_path / "statistics")).to_pyarrow_table().num_rows == 0


@pytest.mark.usefixtures("writer")
def test_a_folder_of_somebody_else_is_left_alone(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(lake._ensure.retry, "wait", wait_none())
    file = days.written([impression(1)], tmp_path / "statistics")
    with pytest.raises(ContractError, match="statistics: found a folder with other files"):
        lake.ensure(spark, Address(path=str(tmp_path / "statistics")), DECLARED["statistics"])
    assert file.exists()


@pytest.mark.only_engine("sail")
def test_a_catalog_is_refused_where_there_is_none(spark, tmp_path):
    document = {**days.small_day(tmp_path), "tables": {"catalog": "spark_catalog", "schema": "metrics"}}
    with pytest.raises(ConfigurationError, match="tables: found a catalog, expected a path: the embedded") as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert caught.value.exit_code == 2


@pytest.mark.only_engine("spark")
def test_tables_may_be_in_a_catalog(spark, tmp_path):
    spark.sql("CREATE DATABASE lossledger_tests")
    by_path = days.small_day(tmp_path)
    document = {**by_path, "tables": {"catalog": "spark_catalog", "schema": "lossledger_tests"}}
    days.written([impression(i, ts=AT_EVE) for i in range(200, 260)], tmp_path / "impressions")
    days.written([days.conversion(200, conv_ts=AT_EVE)], tmp_path / "conversions")
    eve = nightly.evaluate(spark, parse(document), EVE).stamp
    nightly.evaluate(spark, parse(document), DAY)
    outcome = nightly.evaluate(spark, parse(document), DAY)
    for table in RESULTS:
        kept = spark.table(f"spark_catalog.lossledger_tests.small_{table}")
        runs = {tuple(row) for row in kept.select("event_date", "run_id").distinct().collect()}
        assert runs == {(EVE, eve.run_id), (DAY, outcome.stamp.run_id)}
    held_metrics = spark.table("spark_catalog.lossledger_tests.small_metrics")
    assert held_metrics.where(held_metrics.event_date == DAY).count() == outcome.metrics.num_rows
    nightly.evaluate(spark, parse({**document, "compatibility": ["keras"]}), DAY)
    assert "nll_keras" in spark.table("spark_catalog.lossledger_tests.small_statistics").columns


def test_columns_of_some_days_are_read_into_memory(spark, place):
    lake.replace(spark, place, metric_rows(3, EVE), {})
    lake.replace(spark, place, metric_rows(4), {})
    lake.replace(spark, place, metric_rows(2, age_hours=24, run_id="s"), {})
    schema = pa.schema(
        [
            ("age_hours", pa.int32()),
            ("run_id", pa.string()),
            ("later", pa.int64()),
            tables.METRICS.schema.field("as_of"),
        ]
    )
    found = lake.rows(spark, place, schema, [DAY], 24)
    assert found.schema == schema
    as_of = metric_rows(1)["as_of"][0].as_py()
    assert found.to_pylist() == 2 * [{"age_hours": 24, "run_id": "s", "later": None, "as_of": as_of}]
    counts = [lake.rows(spark, place, schema, days, age).num_rows for days in (None, [DAY], []) for age in (None, 0)]
    assert counts == [9, 7, 6, 4, 0, 0]
    assert [lake.distinct(spark, place, schema.remove(2), 24, days).num_rows for days in (None, [DAY], [])] == [1, 1, 0]
    parts = {part: lake.counted(spark, {"one": place}, part) for part in (DayAtAge(DAY, 0), DayAtAge(DAY, 1))}
    assert list(parts.values()) == [{"one": {"r": 4}}, {"one": {}}]


@pytest.mark.only_engine("spark")
def test_delta_rs_writes_what_it_knows_on_this_disk_and_nothing_else(spark, tmp_path):
    where = Address(path=str(tmp_path / "metrics"))
    assert writers.writer_of(spark, where) is delta_rust
    lake.ensure(spark, where, tables.METRICS)
    assert writers.writer_of(spark, where) is delta_rust
    for other in (Address(path="hdfs://host/metrics"), Address(name="a.b.c"), Address(path=str(tmp_path / "a b"))):
        assert writers.writer_of(spark, other) is delta_spark
    # As an administrator sets it for every table of a site.
    spark.sql(f"ALTER TABLE {where.identifier} SET TBLPROPERTIES (delta.enableDeletionVectors = true)")
    assert writers.writer_of(spark, where) is delta_spark
    lake.replace(spark, where, metric_rows(3), {})
    lake.replace(spark, where, metric_rows(2, run_id="s"), {})
    assert lake.counted(spark, {"metrics": where}, DayAtAge(DAY, 0)) == {"metrics": {"s": 2}}


def test_a_checkpoint_is_read_at_once_whoever_wrote_it(spark, place):
    noted = Path(place.path) / "_delta_log" / "._last_checkpoint.crc"
    noted.touch()
    delta_rust.write(spark, place, Change(metric_rows(1), "{}"))
    assert not noted.exists()


def test_nothing_is_written_out_of_turn(spark, place):
    rows = {run: metric_rows(2, run_id=run) for run in ("one", "two", "three")}
    for run, number in {"one": 3, "two": 3, "three": 2}.items():
        lake.replace(spark, place, rows[run], {}, turn=Turn(DayAtAge(DAY, 0), number))
        lake.append(spark, place, rows[run], {}, turn=Turn(DayAtAge(EVE, 0), number))
    assert lake.counted(spark, {"": place}, DayAtAge(DAY, 0)) == {"": {"one": 4}}
    lake.remove(spark, place, DayAtAge(DAY, 0), turn=Turn(DayAtAge(DAY, 0), 3))
    assert lake.counted(spark, {"": place}, DayAtAge(DAY, 0)) == {"": {"one": 4}}
    lake.remove(spark, place, DayAtAge(DAY, 0), turn=Turn(DayAtAge(DAY, 0), 4))
    assert lake.counted(spark, {"": place}, DayAtAge(DAY, 0)) == {"": {}}
    assert DeltaTable(place.path).transaction_version("lossledger 2026-11-16 0h") == 4


def test_a_day_is_cleared_in_turn_also_where_it_has_no_rows(spark, place):
    part = DayAtAge(DAY, 0)
    lake.replace(spark, place, metric_rows(2, run_id="one"), {}, turn=Turn(part, 3))
    for number, left in ((2, 2), (3, 2), (4, 0), (5, 0)):
        lake.clear(spark, place, part, replaceable, Turn(part, number))
        assert lake.counted(spark, {"": place}, part)[""].total() == left
    lake.replace(spark, place, metric_rows(2, run_id="late"), {}, turn=Turn(part, 5))
    assert lake.counted(spark, {"": place}, part)[""].total() == 0


def test_of_two_with_the_same_turn_one_writes(spark, place):
    def append(run):
        lake.append(spark, place, metric_rows(1, run_id=run), {}, turn=Turn(DayAtAge(DAY, 0), 1))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(append, map(str, range(WRITERS))))
    assert lake.counted(spark, {"": place}, DayAtAge(DAY, 0))[""].total() == 1
