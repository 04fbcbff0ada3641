"""A day that is run again, killed anywhere or run twice at once ends as one whole run."""

import json
import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from jobs import nightly
from jobs.errors import InputMissingError, RuntimeFailure
from jobs.ledger.turns import holders
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.storage import lake
from jobs.surfaces import verdict
from tests.world import child, days
from tests.world.days import DAY, RESULTS, impression

# started, rejects, the four tables in any order, done.
COMMITS = 7
SAIL = pytest.mark.only_engine("sail")
EVERY_COMMIT = [pytest.param(k, marks=() if k == 4 else SAIL) for k in range(1, COMMITS + 1)]


def change_input(folder):
    """Other rows, in files of their own: every sum of the day changes, and one row is rejected."""
    days.written([impression(i, p=0.5, z=0.25) for i in range(120, 150)], folder / "impressions")
    days.written([impression(900, clicked=None)], folder / "impressions")


def in_doubt(spark, document):
    query = "SELECT DISTINCT in_doubt FROM runs_latest WHERE event_date = DATE'2026-11-16'"
    return answered(spark, parse(document), query).to_pylist()


def move_tables(source, target):
    shutil.copytree(source / "tables", target / "tables")


@pytest.fixture(scope="module")
def two_runs(spark, empty_tables, tmp_path_factory):
    """The results of a first run, the folder as it left it, and the results of a second over changed input."""
    before, after = tmp_path_factory.mktemp("before"), tmp_path_factory.mktemp("after")
    for made in (before, after):
        shutil.copytree(empty_tables, made / "tables")
    nightly.evaluate(spark, parse(days.small_day(before)), DAY)
    document = days.small_day(after)
    change_input(after)
    nightly.evaluate(spark, parse(document), DAY)
    return SimpleNamespace(folder=before, old=days.all_results(before), new=days.all_results(after))


def test_the_two_inputs_differ_in_every_table(two_runs):
    assert [table for table in RESULTS if two_runs.old[table] == two_runs.new[table]] == []


@pytest.mark.parametrize("commits", EVERY_COMMIT)
def test_a_run_killed_after_any_commit_leaves_whole_days_and_the_next_repairs(
    spark, engine, tmp_path, two_runs, commits
):
    document = days.small_day(tmp_path)
    change_input(tmp_path)
    move_tables(two_runs.folder, tmp_path)
    (first,) = days.run_ids(tmp_path, "statistics")
    config = days.saved(document, tmp_path / "small.yaml")
    killed = child.ended(*child.on(engine, child.killed(commits, "run"), child.run(config, DAY)))
    assert killed.code == -signal.SIGKILL, killed.err

    replaced = 0
    for table in RESULTS:
        (run,) = days.run_ids(tmp_path, table)
        replaced += run != first
        assert days.results(tmp_path, table) == (two_runs.old if run == first else two_runs.new)[table]
    # Commits 3 to 6 are the four tables; the last is the event that says the run is done.
    assert replaced == min(max(commits - 2, 0), 4)
    assert in_doubt(spark, document) == [{"in_doubt": commits < COMMITS}]

    outcome = nightly.evaluate(spark, parse(document), DAY)
    assert days.all_results(tmp_path) == two_runs.new
    assert {run for table in RESULTS for run in days.run_ids(tmp_path, table)} == {outcome.stamp.run_id}
    assert in_doubt(spark, document) == [{"in_doubt": False}]


@pytest.mark.only_engine("spark")
def test_a_run_whose_engine_is_killed_says_so(spark, engine, tmp_path, two_runs):
    document = days.small_day(tmp_path)
    move_tables(two_runs.folder, tmp_path)
    config = days.saved(document, tmp_path / "small.yaml")
    killed = child.ended(*child.on(engine, child.killed(2, "jvm"), child.run(config, DAY)))
    assert (killed.code, killed.told["exit_code"]) == (3, 3)
    assert killed.told["error"].startswith("the JVM of Apache Spark ended before the run")
    assert "(`runs` could not be told: ConnectionRefusedError" in killed.told["error"]
    assert len(whole_runs(tmp_path, two_runs.old)) <= 2
    assert in_doubt(spark, document) == [{"in_doubt": True}]


@SAIL
def test_no_commit_was_left_out(spark, tmp_path, two_runs, monkeypatch):
    document = days.small_day(tmp_path)
    change_input(tmp_path)
    move_tables(two_runs.folder, tmp_path)
    real, made = lake._write, []
    monkeypatch.setattr(lake, "_write", lambda *arguments: (made.append(arguments), real(*arguments)))
    nightly.evaluate(spark, parse(document), DAY)
    assert len(made) == COMMITS


@SAIL
def test_a_day_run_twice_is_the_same_bits(spark, folder):
    document = days.small_day(folder)
    first = nightly.evaluate(spark, parse(document), DAY)
    before = days.all_results(folder)
    second = nightly.evaluate(spark, parse(document), DAY)
    assert days.all_results(folder) == before
    assert first.metrics.drop_columns("run_id") == second.metrics.drop_columns("run_id")
    assert {run for table in RESULTS for run in days.run_ids(folder, table)} == {second.stamp.run_id}


@pytest.mark.only_engine("sail")
def test_a_day_whose_labels_can_still_change_is_not_final(spark, folder):
    log = {"source": {"format": "parquet", "path": str(folder / "conversions")}, "window": "9000d"}
    log["columns"] = {"id": "impression_id", "time": "conv_ts"}
    labels = {"click": {"column": "clicked", "values": "binary"}, "conversion": log}
    outcome = nightly.evaluate(spark, parse(days.small_day(folder, labels=labels, ages=["24h"])), DAY)
    finals = {(row["task"], row["is_final"]) for row in days.rows_of(folder, "metrics")}
    assert finals == {("ctr", True), ("weighted", True), ("cvr", False)}
    told = verdict.of_outcome(outcome)
    assert (told["not_final"], told["provisional"]) == (["cvr"], [])
    assert outcome.warnings == ()


def backwards(section):
    """A section with its keys, and those of what it holds, the other way round."""
    if not isinstance(section, dict):
        return section
    return {key: backwards(value) for key, value in reversed(section.items())}


def test_rows_moved_between_files_and_keys_in_another_order_are_the_same_bits_and_leave_another_day_alone(
    spark, folder
):
    document = days.small_day(folder)
    document["tasks"]["buys"], document["joint"] = {"label": "conversion"}, {"both": {"weighted": 1.0, "cvr": 2.0}}
    document["models"]["champion"]["buys"] = {"score": "z", "scale": "logit"}
    # Only a hash of all columns tells which of these copies is kept.
    days.written([impression(i, z=0.5 - i / 100, p=0.1) for i in range(0, 120, 7)], folder / "impressions")
    eve, at_eve = DAY.replace(day=15), days.START.replace(day=15)
    days.written([impression(i, ts=at_eve) for i in range(500, 540)], folder / "impressions")
    # In their order, as what has arrived of a day is held against the days before it.
    nightly.evaluate(spark, parse(document), eve)
    nightly.evaluate(spark, parse(document), DAY)
    before = days.all_results(folder)
    assert all({row["event_date"] for row in rows} == {DAY, eve} for rows in before.values())
    impressions = folder / "impressions"
    rows = [row for file in sorted(impressions.iterdir()) for row in pq.read_table(file).to_pylist()]
    shutil.rmtree(impressions)
    for part in range(5):
        days.written(rows[::-1][part::5], impressions)
    other = {**document, **{name: backwards(document[name]) for name in ("tasks", "models", "joint")}}
    assert parse(other).fingerprint() == parse(document).fingerprint()
    nightly.evaluate(spark, parse(other), DAY)
    assert days.all_results(folder) == before


@SAIL
@pytest.mark.parametrize("left", [[], [impression(i, ts=days.START.replace(day=15)) for i in range(40)]])
def test_an_empty_day_deletes_nothing(spark, folder, left):
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    before = days.bytes_of(folder)
    shutil.rmtree(folder / "impressions")
    schema = pq.read_schema(days.written([impression(0)], folder / "one"))
    days.written(left, folder / "impressions", schema=schema)
    with pytest.raises(InputMissingError, match=f"2026-11-16 is empty: none of {len(left)} rows read lies in it"):
        nightly.evaluate(spark, parse(document), DAY)
    assert days.bytes_of(folder) == before


def whole_runs(folder, expected):
    """The run of each table, after checking that it is one, and all of it."""
    runs = {table: days.run_ids(folder, table) for table in RESULTS}
    assert days.all_results(folder) == expected
    assert all(len(run) == 1 for run in runs.values())
    return set.union(*runs.values())


def two_processes(spark, document, folder):
    """What each of two runs at once says in its end."""
    config = days.saved(document, folder / "small.yaml")
    both = [child.started(*child.COMMAND, "run", config, "--date", DAY, "--engine", "sail", "--json") for _ in range(2)]
    return [json.loads(run.communicate()[0]).get("error") for run in both]


def two_threads(spark, document, folder):
    """The same on one session: a JVM of its own for each takes Apache Spark half a minute."""

    def run(_):
        try:
            nightly.evaluate(spark, parse(document), DAY)
        except RuntimeFailure as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


@pytest.mark.parametrize("wait", ["0s", "5m"])
def test_of_two_runs_of_a_day_at_once_one_has_it(spark, engine, folder, wait):
    document = days.small_day(folder, 2000, lease={"wait": wait})
    nightly.evaluate(spark, parse(document), DAY)
    expected = days.all_results(folder)
    ends = {"sail": two_processes, "spark": two_threads}[engine](spark, document, folder)
    losers = [error for error in ends if error]
    assert all(re.match("another run is under way: run [0-9a-f]+, process [0-9]+ on .+, has small,", e) for e in losers)
    assert len(losers) <= (wait == "0s")
    # Only who had the day says anything in `runs`, and no run began before the one before it had ended.
    told = sorted(days.rows_of(folder, "runs"), key=lambda row: (row["turn"], row["event_time"]))
    assert [row["state"] for row in told] == ["started", "done"] * (3 - len(losers))
    assert [row["event_time"] for row in told] == sorted(row["event_time"] for row in told)
    (latest,) = answered(spark, parse(document), "SELECT run_id, state, in_doubt FROM runs_latest").to_pylist()
    assert latest == {"run_id": told[-1]["run_id"], "state": "done", "in_doubt": False}
    assert whole_runs(folder, expected) == {latest["run_id"]}


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("commits", [1, 3, 4])  # nothing is rejected: before the first, the last and no more table
def test_a_run_that_was_paused_leaves_the_rows_of_a_later_one(spark, engine, tmp_path, two_runs, commits):
    document = days.small_day(tmp_path, lease={"silence": "1s", "wait": "1m"})
    move_tables(two_runs.folder, tmp_path)
    config = days.saved(document, tmp_path / "small.yaml")
    paused = child.started(*child.on(engine, child.killed(commits, "pause"), child.run(config, DAY)))
    assert os.WIFSTOPPED(os.waitpid(paused.pid, os.WUNTRACED)[1])
    # The source is mended meanwhile, and the day evaluated.
    change_input(tmp_path)
    later = nightly.evaluate(spark, parse(document), DAY).stamp.run_id
    expected = days.all_results(tmp_path)
    paused.send_signal(signal.SIGCONT)
    said = json.loads(paused.communicate()[0])
    assert (paused.returncode, said["exit_code"]) == (3, 3)
    assert "another run wrote the same day at the same time" in said["error"]
    assert whole_runs(tmp_path, expected) == {later}
    text = "SELECT run_id, state, in_doubt, held_run_id FROM runs_latest"
    (latest,) = answered(spark, parse(document), text).to_pylist()
    assert latest == {"run_id": later, "state": "done", "in_doubt": False, "held_run_id": later}


def test_a_run_that_is_overtaken_says_so(spark, folder, monkeypatch):
    # As where a host that gives no signs of life goes on after all.
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    expected = days.all_results(folder)
    real, overtakers = lake.replace, []

    def overtaken(session, where, rows, metadata, *rest):
        real(session, where, rows, metadata, *rest)
        if where.path.endswith("/metrics") and not overtakers:
            overtakers.append(metadata["run_id"])
            nightly.evaluate(spark, parse(document), DAY)

    monkeypatch.setattr(lake, "replace", overtaken)
    with pytest.raises(RuntimeFailure, match="another run wrote the same day at the same time"):
        nightly.evaluate(spark, parse(document), DAY)
    whole_runs(folder, expected)
    states = {row["run_id"]: row["state"] for row in days.rows_of(folder, "runs") if row["state"] != "started"}
    assert (states[overtakers[0]], sorted(states.values())) == ("failed", ["done", "done", "failed"])
    nightly.evaluate(spark, parse(document), DAY)
    assert len(whole_runs(folder, expected)) == 1
    assert in_doubt(spark, document) == [{"in_doubt": False}]
