"""Processes that are killed at any moment, and pairs at once: whole tables, truly told; the next run is right."""

import itertools
import json
import os
import shutil
import signal
import time
from random import Random

import pytest

from jobs import nightly
from jobs.settings import parse
from jobs.sql.query import answered
from tests.world import child, days
from tests.world.days import DAY, RESULTS, impression

ALL = os.environ.get("LOSSLEDGER_FAULTS") == "all"
SAIL = pytest.mark.only_engine("sail")
# A few of them on Apache Spark, which takes its time to begin.
KILLS = [pytest.param(kill, marks=SAIL if kill % 6 else ()) for kill in range(46 if ALL else 3)]
PAIRS = {"sail": 16 if ALL else 3, "spark": 6 if ALL else 1}
RUNS = 200  # more than a process gets to before it is killed


@pytest.fixture(scope="module")
def undisturbed(spark, empty_tables, tmp_path_factory):
    """A folder with the tables of an earlier state of the logs, the results of that one and of the later one."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(empty_tables, folder / "tables")
    settings = parse(days.small_day(folder))
    nightly.evaluate(spark, settings, DAY)
    old = days.all_results(folder)
    shutil.copytree(folder / "tables", folder / "old")
    add_rows(folder)
    nightly.evaluate(spark, settings, DAY)
    return folder / "old", old, days.all_results(folder)


def add_rows(folder):
    days.written([impression(i, p=0.5, z=0.25) for i in range(120, 150)], folder / "impressions")


def check_whole(spark, folder, document, *known):
    """Check that each table is whole, and that the day is trusted only where all are of one run that is done."""
    held = {table: days.run_ids(folder, table) for table in RESULTS}
    assert [table for table, runs in held.items() if len(runs) != 1] == []
    for table in RESULTS:
        assert days.results(folder, table) in [each[table] for each in known]
    (latest,) = answered(spark, parse(document), "SELECT * FROM runs_latest").to_pylist()
    runs = set.union(*held.values())
    assert latest["in_doubt"] or runs == {latest["held_run_id"]}
    return latest


@pytest.mark.parametrize("kill", KILLS)
def test_a_run_killed_at_any_moment_leaves_whole_tables_and_the_next_is_right(
    spark, engine, tmp_path, undisturbed, kill
):
    tables, old, new = undisturbed
    document = days.small_day(tmp_path)
    shutil.copytree(tables, tmp_path / "tables")
    add_rows(tmp_path)
    config = days.saved(document, tmp_path / "small.yaml")
    with child.started(*child.on(engine, *[child.run(config, DAY)] * RUNS)) as victim:
        victim.stdout.readline()
        began = time.monotonic()
        victim.stdout.readline()
        # One run is through, and another one; a third is under way.
        time.sleep(Random(kill).uniform(0, 1.2 * (time.monotonic() - began)))
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
    check_whole(spark, tmp_path, document, old, new)
    # Its lease has gone with it: nobody waits, and nothing has to be removed.
    outcome = nightly.evaluate(spark, parse(document), DAY)
    latest = check_whole(spark, tmp_path, document, new)
    assert (latest["held_run_id"], latest["in_doubt"]) == (outcome.stamp.run_id, False)
    assert days.all_results(tmp_path) == new


def test_pairs_at_once_leave_the_tables_of_one_run(spark, engine, tmp_path, undisturbed):
    tables, _, new = undisturbed
    document = days.small_day(tmp_path)
    shutil.copytree(tables, tmp_path / "tables")
    add_rows(tmp_path)
    config = days.saved(document, tmp_path / "small.yaml")
    steps = [(child.wait(tmp_path / f"go-{i}"), child.attempt(config, DAY)) for i in range(PAIRS[engine] + 1)]
    commands = child.on(engine, *itertools.chain.from_iterable(steps))
    pair = [child.started(*commands) for _ in range(2)]
    (tmp_path / "go-0").touch()
    ends = []
    for i in range(1, PAIRS[engine] + 2):
        told = [json.loads(each.stdout.readline()) for each in pair]
        ends.append(sorted(each["exit_code"] for each in told))
        assert all("another run is under way" in each["error"] for each in told if each["exit_code"])
        latest = check_whole(spark, tmp_path, document, new)
        assert (latest["state"], latest["in_doubt"]) == ("done", False)
        (tmp_path / f"go-{i}").touch()
    for each in pair:
        each.communicate()
    assert [each.returncode for each in pair] == [0, 0]
    # One has always had the day; where both did, it was one after the other.
    assert {code for end in ends for code in end} <= {0, 3}
    assert all(end[0] == 0 for end in ends)
    print(f"{len(ends)} pairs, in {sum(end[1] == 3 for end in ends)} one was refused")
