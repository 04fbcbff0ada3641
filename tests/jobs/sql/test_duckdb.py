"""DuckDB answers as the other engines do, opens nothing by itself, and needs neither Java nor Sail."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.engines.session import open_session
from jobs.errors import ConfigurationError, ContractError, EngineError
from jobs.settings import parse
from jobs.sql import outputs, sessions, views
from jobs.sql.engines import duck, on_duckdb
from jobs.sql.language import queries
from jobs.sql.language.dialects import for_duckdb
from jobs.sql.query import answered
from tests.jobs.sql.test_queries import DEEP, hostile
from tests.world import child, duck_db
from tests.world.night import DAY, saved
from tests.world.two_nights import NEXT_DAY, copied

SAIL = pytest.mark.only_engine("sail")
# Each opens, loads or changes something if it is let.
OPENING = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT content FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM parquet_metadata('{file}')",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "ATTACH '{folder}/other.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "PRAGMA enable_external_access",
    "EXPORT DATABASE '{folder}/all'",
    "SELECT * FROM folder",
]


@pytest.fixture
def connection():
    with duck.connected() as opened:
        yield opened


def rows_of(session, settings, text):
    return answered(session, settings, text).to_pylist()


@pytest.mark.parametrize("statement", ["DESCRIBE", "SHOW COLUMNS IN"])
def test_tables_and_views_are_described_alike(spark, judged, connection, statement):
    for name in views.known(judged):
        if name != "unpaired_statistics":  # of which no row is there
            ours, theirs = (rows_of(session, judged, f"{statement} {name}") for session in (spark, connection))
            assert theirs == ours, name
            assert all(row["comment"] for row in theirs)


def test_tables_are_listed_alike(spark, judged, connection):
    for text in ("SHOW TABLES", "SHOW VIEWS", "SHOW FUNCTIONS"):
        ours, theirs = (rows_of(session, judged, text) for session in (spark, connection))
        assert sorted(map(str, theirs)) == sorted(map(str, ours))


# What analysts write in Spark's SQL, and DuckDB spells otherwise; each has an order, and no double that is added up.
SPELLED = [
    "SELECT DISTINCT DATE_SUB(event_date, 1) AS d, DATE_ADD(event_date, 2) AS e FROM runs ORDER BY d",
    "SELECT `task`, MIN(slice) AS s FROM metrics WHERE model RLIKE '^c' GROUP BY `task` ORDER BY 1 DESC",
    "SELECT reason, COUNT(*) AS n FROM metrics GROUP BY reason ORDER BY reason",
    "SELECT reason, COUNT(*) AS n FROM metrics GROUP BY reason ORDER BY reason DESC",
    "SELECT COUNT_IF(value > 0.5D) AS n, SUM(n) AS rows, MAX_BY(task, n) AS most FROM metrics",
    "SELECT DATE_FORMAT(event_date, 'yyyy/MM/dd') AS d, YEAR(event_date) AS y FROM runs ORDER BY d",
    "SELECT CONCAT(task, reason) AS both FROM metrics ORDER BY both, task",
    "SELECT task, ROW_NUMBER() OVER (ORDER BY reason, task, model, slice, metric) AS place FROM metrics ORDER BY place",
    "SELECT NVL(reason, 'none') AS r, IF(value IS NULL, 1, 2) AS v FROM metrics ORDER BY r, v",
    "SELECT SPLIT(slice, ',')[0] AS first FROM metrics ORDER BY first",
    "SELECT DATEDIFF(DATE'2026-03-19', event_date) AS days FROM runs ORDER BY days",
    "SELECT event_date, SUM(weight) AS weight FROM statistics GROUP BY event_date ORDER BY event_date",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(x, y) WHERE x IN (SELECT 2) ORDER BY x",
    "SELECT CAST('2026-03-18 01:02:03' AS TIMESTAMP) AS t, CAST(1.5 AS INT) AS i, INT(2.5) AS j",
    "SELECT CAST(1.9 * weight / weight AS INT) AS a, CAST(loss AS BIGINT) AS b FROM ("
    "SELECT weight, SUM(weight) * 0.7 AS loss FROM statistics GROUP BY weight) AS x ORDER BY b, a",
    "SELECT DISTINCT CAST(weight AS INT) AS w, CAST(n AS INT) AS n FROM statistics ORDER BY w, n",
    "TABLE clip",
]


@pytest.mark.parametrize("text", SPELLED)
def test_a_query_in_sparks_sql_has_the_same_answer(spark, ledger, connection, text):
    ours, theirs = (answered(session, ledger, text) for session in (spark, connection))
    assert theirs.to_pylist() == ours.to_pylist()
    assert ours.num_rows


def test_a_sum_of_whole_numbers_is_one(spark, ledger, connection):
    text = "SELECT SUM(n) AS n, CAST(1 AS DECIMAL(38, 0)) AS d FROM statistics"
    ours, theirs = (answered(session, ledger, text) for session in (spark, connection))
    assert theirs.schema.types == [pa.int64(), pa.decimal128(38, 0)] == ours.schema.types
    with pytest.raises(ConfigurationError, match="larger than a BIGINT"):
        answered(connection, ledger, "SELECT SUM(n * 0 + 9223372036854775807) AS n FROM statistics")


@SAIL
def test_no_hostile_query_is_answered(spark, ledger, connection, tmp_path):
    folder = f"{ledger.tables.path}/{ledger.evaluation}/runs"
    for text in (each.format(folder=folder, proof=tmp_path / "proof") for each in hostile()):
        try:
            found = rows_of(connection, ledger, text)
        except ConfigurationError:
            continue
        assert [*found[0].values()] == [1], text
    assert not (tmp_path / "proof").exists()


@SAIL
@pytest.mark.parametrize("text", OPENING)
def test_duckdb_itself_opens_nothing(spark, ledger, connection, tmp_path, monkeypatch, text):  # noqa: PLR0917
    file = next(Path(duck_db.path(ledger, "runs")).rglob("*.parquet"))
    statement = text.format(file=file, folder=tmp_path)
    assert answered(connection, ledger, "SELECT COUNT(*) AS n FROM runs").num_rows == 1
    folder = pa.table({"a": [1]})  # a name of this program is none of a table
    assert folder.num_rows
    with pytest.raises(duckdb.Error):
        connection.execute(statement).fetchall()
    # Where the parser let it through, DuckDB's own one would have the last word.
    monkeypatch.setattr(queries, "read", lambda *_: queries.Query("x", frozenset(), False))
    monkeypatch.setattr("jobs.sql.engines.on_duckdb.for_duckdb", lambda *_: statement)
    with pytest.raises(ConfigurationError):
        answered(connection, ledger, "SELECT 1")
    assert list(tmp_path.iterdir()) == []


@SAIL
def test_files_of_other_days_are_not_opened(spark, ledger, connection, tmp_path):
    settings = copied(ledger, tmp_path)
    for name in ("statistics", "metrics"):
        for file in (Path(duck_db.path(settings, name)) / f"event_date={NEXT_DAY}").rglob("*.parquet"):
            file.write_bytes(bytes(file.stat().st_size))
    counted = "SELECT COUNT(*) AS n, COUNT(DISTINCT task) AS tasks FROM {} WHERE event_date = DATE'{}'"
    for name in ("statistics", "metrics"):
        expected = rows_of(spark, ledger, counted.format(name, DAY))
        assert rows_of(connection, settings, counted.format(name, DAY)) == expected
    # In the end nothing hides that they are damaged.
    with pytest.raises(ConfigurationError, match=r"(?i)parquet|magic"):
        rows_of(connection, settings, counted.format("statistics", NEXT_DAY))


@SAIL
def test_tables_of_an_earlier_version_have_every_column(spark, ledger, connection, tmp_path):
    settings = copied(ledger, tmp_path)
    path = duck_db.path(settings, "metrics")
    rows = DeltaTable(path).to_pyarrow_table().drop_columns("provisional")
    write_deltalake(path, rows, mode="overwrite", schema_mode="overwrite")
    assert rows_of(connection, settings, "SELECT DISTINCT provisional FROM metrics_latest") == [{"provisional": None}]


@SAIL
def test_what_is_not_there_yet_is_told(spark, ledger, connection):
    other = ledger.model_copy(update={"evaluation": "other"})
    with pytest.raises(ContractError, match="lossledger run CONFIG --date D"):
        answered(connection, other, "SELECT * FROM metrics_latest")
    source = f"SELECT COUNT(*) AS n FROM parquet.`{ledger.impressions.source.path}`"
    with pytest.raises(ConfigurationError, match="--engine sail reads configured sources"):
        answered(connection, ledger, source)
    with pytest.raises(ConfigurationError, match="--engine sail, or spark, has it"):
        answered(connection, ledger, "SELECT schema_of_csv('1,a') AS s FROM runs")


@SAIL
@pytest.mark.parametrize(("kind", "size"), [("ORs", 700), ("sums", 600), ("brackets", 100), ("lists", 5000)])
def test_long_queries_are_answered(spark, ledger, connection, kind, size):
    assert answered(connection, ledger, DEEP[kind](size)).column_names == ["x"]


@SAIL
@pytest.mark.parametrize("kind", ["brackets", "cases", "nots", "subqueries", "unions"])
def test_deep_queries_do_not_end_the_process(spark, ledger, connection, kind):
    try:
        assert answered(connection, ledger, DEEP[kind](400)).column_names == ["x"]
    except ConfigurationError as error:
        assert "deep" in str(error) or "depth" in str(error)


def test_the_lightest_engine_answers_by_itself(tmp_path):
    document = {
        "evaluation": "a",
        "impressions": {"source": {"format": "parquet", "path": "x"}},
        "labels": {"click": {"column": "c", "values": "binary"}},
        "tasks": {"ctr": {"label": "click"}},
        "models": {"m": {"ctr": {"score": "p"}}},
    }
    here = parse({**document, "tables": {"path": str(tmp_path)}})
    there = parse({**document, "tables": {"path": "s3://bucket/tables"}})
    catalog = parse({**document, "tables": {"catalog": "lake", "schema": "metrics"}})
    assert [sessions.chosen(None, each) for each in (here, there, catalog)] == ["duckdb", "sail", "spark"]
    assert sessions.chosen(None, here, reads_sources=True) == "sail"
    assert sessions.chosen("spark", here) == "spark"
    with pytest.raises(ConfigurationError, match="did you mean 'duckdb'"):
        sessions.chosen("duckbd", here)
    with pytest.raises(ConfigurationError, match="a catalog"), duck.connected() as opened:
        answered(opened, catalog, "SELECT * FROM runs")


PROGRAM = """
import sys
from jobs.cli import app
app(["sql", sys.argv[1], "SELECT COUNT(*) AS n FROM runs", "--json"], standalone_mode=False)
assert not [name for name in ("pysail", "grpc", "torch") if name in sys.modules], sys.modules.keys()
from pyspark import SparkContext
assert SparkContext._gateway is None
"""


@SAIL
def test_neither_java_nor_sail_is_needed(spark, ledger, tmp_path):
    config = saved(ledger.document(), tmp_path / "a.yaml")
    nowhere = {"JAVA_HOME": "/nowhere", "PATH": os.path.dirname(sys.executable), "PYTHONPATH": str(child.ROOT)}
    ended = child.succeeded(sys.executable, "-c", PROGRAM, config, **nowhere)
    assert ended.told == [{"n": 4}]


def test_a_clusters_driver_needs_nothing_that_only_some_commands_take():
    alone = ("duckdb", "sqlglot", "jinja2", "mpmath", "pysail", "apprise")
    program = f"import sys; sys.modules.update(dict.fromkeys({alone})); import jobs.evaluate"
    program += "; jobs.evaluate.cli.app(['--help'], standalone_mode=False)"
    child.succeeded(sys.executable, "-c", program, PYTHONPATH=str(child.ROOT))


def test_what_cannot_be_translated_is_told():
    with pytest.raises(ConfigurationError):
        for_duckdb("SELECT 1 +")


def test_the_engines_of_a_run_are_not_those_of_a_question():
    with pytest.raises((EngineError, ConfigurationError), match="there is no such engine"):
        open_session("duckdb")


LENGTHS = [
    ("SELECT INTERVAL 1 DAY AS length", timedelta(days=1)),
    ("SELECT TIMESTAMP'2026-01-02 00:00:00' - TIMESTAMP'2026-01-01 12:00:00' AS length", timedelta(hours=12)),
    ("SELECT CASE WHEN FALSE THEN INTERVAL 1 DAY END AS length", None),
]


@pytest.mark.parametrize(("text", "length"), LENGTHS)
def test_an_interval_is_a_length_of_time(connection, text, length):
    found = on_duckdb.answer(connection, queries.Query(text, frozenset(), reads_sources=False))
    assert found == pa.table({"length": pa.array([length], pa.duration("us"))})
    shown = "" if length is None else str(length)
    assert [*outputs.text([found], "csv")][1] == (f'"{shown}"' if shown else "")


def test_months_are_no_length_of_time(connection):
    with pytest.raises(ConfigurationError, match="months have no length"):
        on_duckdb.answer(connection, queries.Query("SELECT INTERVAL 2 MONTH AS m", frozenset(), reads_sources=False))
