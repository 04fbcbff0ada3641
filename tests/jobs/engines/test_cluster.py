"""A cluster whose workers are killed one by one, and a server of Spark Connect on it: the embedded engine's bits."""

import json
import shutil
import sys

import pytest
from deltalake import DeltaTable

from tests.world import child, cluster, days
from tests.world.days import DAY, RESULTS

TABLES = (*RESULTS, "comparisons", "gate_results")
JUDGED = {
    "comparisons": {"release": {"candidate": "candidate", "baseline": "champion"}},
    "gates": {"honest": {"task": "ctr", "model": "champion", "metric": "predicted_over_actual", "within": [0.01, 100]}},
}
# Commands one after the other in one process, each with a session of its own.
COMMANDS = """
import json, sys
from typer.testing import CliRunner
from jobs.cli import app
ended = [CliRunner().invoke(app, arguments) for arguments in json.loads(sys.argv[1])]
print(json.dumps([[each.exit_code, each.stdout] for each in ended]))
"""
WHERE = """
import sys
from jobs.engines.session import session
def found(_):
    import pyarrow as pa
    import udfs
    yield pa.RecordBatch.from_pylist([{"found": udfs.__file__}])
with session(sys.argv[1]) as opened:
    print(opened.range(1, numPartitions=1).mapInArrow(found, "found string").collect()[0][0])
"""
# This session's engine is not in the way: it is only here so that the tests run with those of Apache Spark.
pytestmark = [pytest.mark.only_engine("spark"), pytest.mark.usefixtures("spark")]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return child.shipped_into(tmp_path_factory.mktemp("shipped"))


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A day evaluated by the embedded engine: its configuration, and its tables."""
    config = days.evaluated_night(tmp_path_factory.mktemp("night"), **JUDGED)
    return config, tables(config.parent)


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    with cluster.standing(tmp_path_factory.mktemp("cluster"), workers=3) as started:
        yield started


@pytest.fixture(scope="module")
def server(standing, shipped, tmp_path_factory):
    with cluster.connect_server(standing, shipped, tmp_path_factory.mktemp("connect")) as address:
        yield address


def tables(folder):
    return {table: days.results(folder, table) for table in TABLES}


def run_of(folder, config):
    """The versions of the one run that every table has its rows of, and that is not the embedded engine's."""
    (run_id,) = {run_id for table in TABLES for run_id in days.run_ids(folder, table)}
    assert run_id not in days.run_ids(config.parent, "metrics")
    (done,) = (row for row in days.rows_of(folder, "runs") if (row["run_id"], row["state"]) == (run_id, "done"))
    return json.loads(done["versions"])


@pytest.mark.parametrize("accelerator", ["comet", "none"])
def test_a_night_on_a_cluster_that_loses_a_worker_has_the_same_bits(shipped, night, standing, tmp_path, accelerator):
    config, expected = night
    # The tables are there, as making them takes longer than the night.
    shutil.copytree(config.parent / "tables", tmp_path / "tables")
    given = ("--date", DAY, "--set", f"tables.path={tmp_path / 'tables'}", "--accelerator", accelerator)
    conf = {"none": "spark-defaults.conf", "comet": "spark-comet.conf"}[accelerator]
    command = cluster.submitted(standing.address, config, *given, conf=conf)
    with child.started(*command, cwd=shipped, **child.of_submit()) as run:
        # All that Python says spark-submit passes on to its own output, and what Java says to the other.
        for line in run.stdout:
            if " label: " in line:
                # The pass over the examples begins, on every worker.
                cluster.killed(standing.workers.pop())
        told = run.stderr.read()
        assert run.wait() == 0, told
    assert "Lost executor" in told
    assert tables(tmp_path) == expected
    assert all(expected.values())
    assert ("comet" in run_of(tmp_path, config)) == (accelerator == "comet")


def test_a_night_over_spark_connect_has_the_same_bits_and_says_where_it_was(night, server, tmp_path):
    config, expected = night
    shutil.copytree(config.parent / "tables", tmp_path / "tables")
    remote = ("--date", DAY, "--remote", server, "--set", f"tables.path={tmp_path / 'tables'}", "--json")
    done = child.succeeded(*child.COMMAND, "run", config, *remote)
    assert done.told["rows"] == {"read": 2830, "outside": 0, "rejected": 1, "duplicate": 28, "scored": 2801}
    assert tables(tmp_path) == expected
    versions = run_of(tmp_path, config)
    assert (versions["engine"], versions["delta"]) == ("spark", versions["delta-spark"])
    assert versions["connect"].split()[0] == versions["pyspark"]
    assert versions["java"]
    (commit,) = DeltaTable(str(tmp_path / "tables" / "small" / "metrics")).history(1)
    assert commit["engineInfo"].startswith("Apache-Spark")


def test_what_is_asked_over_spark_connect_is_answered_as_by_the_embedded_engine(night, server):
    config = str(night[0])
    of_day = [config, "--date", DAY.isoformat(), "--json"]
    query = "SELECT metric, value FROM metrics WHERE slice = '' ORDER BY task, model, metric, slice, value"
    asked = [
        ["gate", *of_day],
        ["compare", *of_day],
        ["worst", *of_day, "--calibration"],
        ["sql", config, query, "--json"],
    ]
    answers = {
        where: child.succeeded(
            sys.executable, "-c", COMMANDS, json.dumps([[*each, "--engine", where] for each in asked])
        )
        for where in ("sail", server)
    }
    assert answers[server].told == answers["sail"].told
    assert [code for code, _ in answers[server].told] == [0, 0, 0, 0]


def test_a_server_runs_our_code_and_no_query_that_calls_java(night, server):
    where = child.succeeded(sys.executable, "-c", WHERE, server)
    assert "lossledger-workers.zip" in where.out
    query = "SELECT metric FROM metrics WHERE metric = 'reflect('"
    refused = child.ended(*child.COMMAND, "sql", night[0], query, "--remote", server, "--json")
    assert (refused.code, refused.told["exit_code"]) == (2, 2)
    assert "found reflect" in refused.told["error"]
    checks = child.succeeded(*child.COMMAND, "doctor", "--remote", server, "--json").told
    assert "workers' numpy" in checks[-1]["found"]
