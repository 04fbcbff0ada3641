"""The command `lossledger sql`: what is asked, by whom it is answered, and what the answer is written as."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jobs import cli
from jobs.errors import ConfigurationError
from jobs.sql import outputs
from jobs.sql.query import answered
from tests.world.night import DAY, saved

SAIL = pytest.mark.only_engine("sail")
TOTALS = "SELECT event_date, task, model, SUM(n) AS n FROM ledger GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"


@pytest.fixture(scope="module")
def config(ledger, tmp_path_factory):
    return saved(ledger.document(), tmp_path_factory.mktemp("asked") / "a.yaml")


def told(*arguments, **options):
    return CliRunner().invoke(cli.app, ["sql", *map(str, arguments)], **options)


@SAIL
@pytest.mark.parametrize("text", ["-- a comment = 1\nSELECT 1 AS x", "--\nSELECT 1 AS x", "/* a */ SELECT 1 AS x"])
def test_a_query_that_begins_with_a_comment_is_no_option(spark, config, text):
    found = told(config, text, "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, [{"x": 1}])
    assert told(config, text, "--jsn").exit_code == 2


@SAIL
def test_a_comment_alone_is_no_query(spark, config):
    found = told(config, "-- SELECT 1")
    assert (found.exit_code, "at its beginning" in found.stderr) == (2, True)


@SAIL
def test_every_engine_is_asked_by_its_name(spark, ledger, config):
    expected = json.loads(told(config, TOTALS, "--json").stdout)
    assert len(expected) == 6
    for options in (["--engine", "duckdb"], ["--engine", "sail"]):
        assert json.loads(told(config, TOTALS, "--json", *options).stdout) == expected
    assert json.loads(told(config, TOTALS, "--json", env={"LOSSLEDGER_ENGINE": "sail"}).stdout) == expected
    wrong = told(config, TOTALS, "--engine", "duck")
    assert (wrong.exit_code, "did you mean 'duckdb'?" in wrong.stderr) == (2, True)


@SAIL
def test_a_configured_source_is_read_by_sail_where_nothing_is_said(spark, ledger, config):
    text = f"SELECT COUNT(*) AS n FROM parquet.`{ledger.impressions.source.path}`"
    assert json.loads(told(config, text, "--json").stdout) == [{"n": 360}]
    refused = told(config, text, "--engine", "duckdb")
    assert (refused.exit_code, "--engine sail" in refused.stderr) == (2, True)


@SAIL
def test_an_answer_is_written_as_its_file_is_called(spark, ledger, config, tmp_path):
    expected = answered(spark, ledger, TOTALS).to_pylist()
    for name in ("a.csv", "a.json", "a.parquet", "a.txt"):
        found = told(config, TOTALS, "-o", tmp_path / name)
        assert (found.exit_code, found.stdout) == (0, ""), found.stderr
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == expected
    plain = [{**row, "event_date": str(row["event_date"])} for row in expected]
    assert json.loads((tmp_path / "a.json").read_text()) == plain
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert list(csv.DictReader(stream)) == [{name: str(value) for name, value in row.items()} for row in plain]
    assert told(config, TOTALS, "--format", "csv").stdout == (tmp_path / "a.csv").read_text()
    assert told(config, TOTALS).stdout == (tmp_path / "a.txt").read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv", "a.json", "a.parquet", "a.txt"]


@SAIL
def test_a_file_has_several_statements(spark, config, tmp_path):
    file = tmp_path / "q.sql"
    file.write_text(
        "-- 1. How many?\n-- And more.\nSELECT 1 AS x;\n\n-- 2. Which; ones?\nSELECT ';' AS y; -- the end\n"
    )
    found = told(config, "-f", file)
    first, last = found.stdout.split("\n\n")
    assert (first.splitlines()[0], last.splitlines()[0]) == ("-- 1. How many?", "-- 2. Which; ones?")
    assert json.loads(told(config, "--file", file, "--json").stdout) == [[{"x": 1}], [{"y": ";"}]]
    assert json.loads(told(config, "-f", "-", "--json", input="SELECT 2 AS z").stdout) == [{"z": 2}]
    refused = told(config, "SELECT 1", "--format", "csv", "--json")
    assert (refused.exit_code, "none beside --json" in json.loads(refused.stdout)["error"]) == (2, True)
    refused = told(config, "-f", file, "--format", "csv")
    assert (refused.exit_code, "2 statements" in refused.stderr) == (2, True)
    file.write_text("SELECT 1 AS x;\n\nSELECT x\nFROM ledgr;\n")
    refused = told(config, "-f", file)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"{file}, line 4, column 6: found the table 'ledgr'" in refused.stderr
    assert "did you mean 'ledger'?" in refused.stderr


@SAIL
def test_a_table_is_described(spark, config):
    found = told(config, "--describe", "ledger", "--json")
    comments = {row["col_name"]: row["comment"] for row in json.loads(found.stdout)}
    assert comments["positives"] == "weight of the positive part of the labels"
    assert told(config, "--describe", "runs; DROP TABLE runs").exit_code == 2


@SAIL
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a QUERY, --file or --describe"),
        (["SELECT 1", "-f", "q.sql"], "none of them, or several"),
        (["-f", "nowhere.sql"], "'nowhere.sql': No such file or directory"),
        (["SELECT 1", "--format", "jsn"], "did you mean 'json'?"),
        (["SELECT 1", "--format", "parquet"], "-o FILE with it"),
        (["SELECT 1", "-o", "answer.xlsx"], "a name that ends in one of .csv"),
        (["SELECT 1", "-o", "nowhere/answer.csv"], "but there is no folder 'nowhere'"),
        (["SELECT 1 AS a, 2 AS a", "--format", "csv"], "a: found 2 columns"),
        (["SELECT weigth FROM ledger"], "line 1, column 8: found the column 'weigth'"),
        (["SELECT weigth FROM ledger"], "did you mean 'weight'?"),
        (["SELECT summ(n) FROM ledger"], "line 1, column 8: found the function 'summ'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(spark, config, arguments, said):
    found = told(config, *arguments)
    assert (found.exit_code, found.stdout) == (2, "")
    assert said in found.stderr


ODD = pa.table(
    {
        "text": ['a "b", c', "", None, "=x\ny"],
        "sum": pa.array([Decimal("0.100000000000000"), None, Decimal("-1.5"), None], pa.decimal128(37, 15)),
        "rate": [0.1 + 0.2, float("inf"), None, 1e-300],
        "when": pa.array([datetime(2026, 3, 18, tzinfo=UTC), None, None, None], pa.timestamp("us", "UTC")),
        "day": [DAY, None, None, None],
        "ok": [True, False, None, None],
        "list": [[1, None], None, [], None],
    }
)


def test_csv_keeps_every_digit_and_tells_null_from_no_text():
    text = "\n".join(outputs.text([ODD], "csv"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["text"] for row in rows] == ['a "b", c', "", "", "=x\ny"]
    assert text.splitlines()[2].startswith('"",') and text.splitlines()[3].startswith(",")
    assert [row["sum"] for row in rows] == ["0.100000000000000", "", "-1.500000000000000", ""]
    assert [float(row["rate"] or "nan") for row in rows][:2] == [0.1 + 0.2, float("inf")]
    assert (rows[0]["when"], rows[0]["day"], rows[0]["ok"]) == ("2026-03-18T00:00:00+00:00", str(DAY), "true")
    assert [row["list"] for row in rows] == ["[1, null]", "", "[]", ""]
    assert "\n".join(outputs.text([ODD.slice(0, 0)], "csv")) == "text,sum,rate,when,day,ok,list"


def test_a_file_is_whole_or_as_it_was(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("as it was")
    with pytest.raises(ConfigurationError):
        outputs.write([pa.table([[1], [2]], names=["a", "a"])], "csv", file)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.csv", "as it was")]
