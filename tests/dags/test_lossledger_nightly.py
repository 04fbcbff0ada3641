"""The DAG in a real Airflow: three days of backfill, a late night whose gate fails, and a wrong configuration."""

import json
import shlex
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.world import child, days, scheduled
from tests.world.child import ROOT
from tests.world.days import Row, saved
from tests.world.scheduled import DAG, ENDED, Airflow
from tests.world.week import day, week, write_day

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(1500)]
POOL = "lossledger"
WRITTEN, AGES = 3, ("0h", "24h")
# The runs of the DAG, by the day on which they are: each evaluates the day before at 0h, and that before it at 24h.
FILLED, LATE, BROKEN = [str(day(number)) for number in (1, 2, 3)], str(day(4)), str(day(5))
CHANGES = {
    # Long enough for the worker to be gone: else Airflow takes its end for that of the next look, and tries it again.
    "timedelta(minutes=5)": "timedelta(seconds=8)",
    # No night of now, which would be none of these days.
    "start_date=datetime(2026, 1, 1, tzinfo=UTC)": "start_date=datetime(2026, 1, 1), end_date=datetime(2026, 11, 25)",
}
READER = """from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset
with DAG(dag_id="reader", schedule=[Asset("lossledger_metrics")]):
    EmptyOperator(task_id="read")
"""
# Crashes once without an answer, where a file says so, and with the code that in an answer says that a gate fails. Of
# the days of the backfill it evaluates all, but only the first goes through every command: that takes half the time.
PROGRAM = """#!/bin/sh
[ "$1" = run ] && rm {crash} 2>/dev/null && exit 1
case "$1: $*" in
plan:* | run:*) ;;
*" {0} "*" 24h "* | *" {1} "* | *" {2} "*" 0h "*)
    echo '{{"exit_code": 0, "nights": [], "report": "", "verdict": ""}}'
    exit ;;
esac
exec {python} -m jobs "$@"
"""

KILLED = """import threading, time
from lossledger_nightly import Ready
task = Ready(task_id="wait", event_date="2026-11-16", age_hours=0)
def kill():
    while task.process is None: time.sleep(0.1)
    time.sleep(0.5)
    task.on_kill()
threading.Thread(target=kill).start()
print(task._answer(dict())["error"])
"""


class Recorded(NamedTuple):
    """What Airflow has recorded of all nights, and of the late one while it waited."""

    airflow: Airflow
    waiting: list[Row]
    tables: Row


def gates(low, high):
    return {"honest": {"task": "ctr", "model": "champion", "metric": "predicted_over_actual", "within": [low, high]}}


def configured(folder, **sections):
    # Intervals, and so gates, take 10 shards with rows.
    return saved(week(folder, 0, ages=list(AGES), shards={"count": 32}, **sections), folder / "week.yaml")


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nights")
    for number in range(WRITTEN):
        write_day(folder, number)
    for name in ("home", "dags", "reports"):
        (folder / name).mkdir()
    (folder / "dags" / "lossledger_nightly.py").write_text(impatient())
    (folder / "dags" / "reader.py").write_text(READER)
    program = folder / "lossledger"
    program.write_text(PROGRAM.format(*map(day, range(3)), crash=folder / "crash", python=sys.executable))
    program.chmod(0o755)
    variables = {"CONFIG": configured(folder, gates=gates(0, 100)), "COMMAND": program, "REPORTS": folder / "reports"}
    named = {f"LOSSLEDGER_{name}": value for name, value in variables.items()}
    first = [documented(command) for command in ("airflow pools set", "airflow backfill create")]
    with scheduled.running(folder / "home", folder / "dags", first, {"LOSSLEDGER_POOL": POOL}, **named) as airflow:
        yield recorded(airflow, folder)


def impatient():
    """The DAG as it is shipped, but for the time that it waits."""
    text = (ROOT / "dags" / "lossledger_nightly.py").read_text()
    for shipped, here in CHANGES.items():
        assert text.count(shipped) == 1
        text = text.replace(shipped, here)
    return text


def recorded(airflow, folder):
    """What comes of three days of backfill, then of a night whose newest day is late, then of a wrong configuration."""
    airflow.waited(lambda: all(airflow.state(night) in ENDED for night in FILLED))
    tables = {name: days.results(folder, name) for name in ("statistics", "shard_statistics")}
    configured(folder, gates=gates(10, 11))
    (folder / "crash").touch()
    airflow.triggered(LATE)
    airflow.waited(lambda: {("night.wait", "deferred"), ("night.report", "success")} <= states(airflow.tasks(LATE)))
    waiting = airflow.tasks(LATE)
    write_day(folder, 3)
    airflow.waited(lambda: airflow.state(LATE) in ENDED)
    (folder / "week.yaml").write_text("evaluation: [")
    airflow.triggered(BROKEN)
    airflow.waited(lambda: airflow.state(BROKEN) in ENDED)
    return Recorded(airflow, waiting, tables)


def documented(command):
    """The arguments of a command as docs/airflow.md has it."""
    lines = (ROOT / "docs" / "airflow.md").read_text().splitlines()
    return shlex.split(next(line for line in lines if line.startswith(command)))[1:]


def states(tasks):
    return {(task["task_id"], task["state"]) for task in tasks}


def named(tasks, name):
    """The instances of a task of the nights, by their names."""
    return {task["rendered_map_index"]: task for task in tasks if task["task_id"] == f"night.{name}"}


def night(number, age):
    return f"{day(number)} at {age}h"


def test_three_days_are_backfilled_in_order_each_with_the_earlier_day_that_reaches_an_older_age(nights):
    each = [nights.airflow.tasks(run) for run in FILLED]
    assert [nights.airflow.state(run) for run in FILLED] == ["success"] * 3
    assert all(state == "success" for tasks in each for _, state in states(tasks))
    for number, tasks in enumerate(each):
        expected = {night(number, 0), *([night(number - 1, 24)] if number else [])}
        for task in ("wait", "evaluate", "audit", "gate", "report"):
            assert named(tasks, task).keys() == expected
    for before, after in pairwise(each):
        assert max(task["end_date"] for task in before) <= min(task["start_date"] for task in after)


def test_no_two_days_are_evaluated_at_once(nights):
    found = [one for run in (*FILLED, LATE) for one in named(nights.airflow.tasks(run), "evaluate").values()]
    assert len(found) == 7
    assert all(one["end_date"] <= other["start_date"] for one, other in pairwise(found))
    tasks = [task for run in (*FILLED, LATE) for task in nights.airflow.tasks(run)]
    assert {(task["task_id"] == "night.evaluate", task["pool"]) for task in tasks} == {
        (True, POOL),
        (False, "default_pool"),
    }


def test_a_backfill_has_the_sums_of_runs_by_hand(nights, tmp_path):
    for number in range(WRITTEN):
        write_day(tmp_path, number)
    config = configured(tmp_path)
    child.succeeded(*child.on("sail", *(child.run(config, day(number)) for number in range(WRITTEN))))
    assert nights.tables["statistics"]
    assert nights.tables == {name: days.results(tmp_path, name) for name in nights.tables}


def test_each_table_is_an_asset_whose_events_say_which_run_has_written_which_day(nights):
    events = nights.airflow.events()
    of_metrics = [extra for name, extra in events if name == "lossledger_metrics"]
    assert {name.removeprefix("lossledger_") for name, _ in events} == {
        *("statistics", "shard_statistics", "metrics", "label_arrival", "changes", "gate_results"),
    }
    written = [f"{extra['event_date']} at {extra['age_hours']}h" for extra in of_metrics]
    assert sorted(written) == sorted(
        [night(n, age) for n, age in ((0, 0), (1, 0), (0, 24), (2, 0), (1, 24), (3, 0), (2, 24))]
    )
    assert len({extra["run_id"] for extra in of_metrics}) == len(written)
    assert nights.airflow.asked("SELECT * FROM dag_run WHERE dag_id = 'reader'")


def test_a_late_day_waits_without_a_worker_and_holds_up_no_other(nights):
    waiting, evaluated = named(nights.waiting, "wait"), named(nights.waiting, "evaluate")
    assert waiting[night(3, 0)]["state"] == "deferred"
    assert night(3, 0) not in evaluated
    assert named(nights.waiting, "report")[night(2, 24)]["state"] == "success"
    assert "not there yet" in nights.airflow.logged(LATE, "night.wait")
    ended = nights.airflow.tasks(LATE)
    assert {named(ended, name)[night(3, 0)]["state"] for name in ("wait", "evaluate", "audit", "report")} == {"success"}


def test_what_crashes_is_tried_again_and_is_no_gate_that_fails(nights):
    evaluated = named(nights.airflow.tasks(LATE), "evaluate")
    assert [evaluated[one]["try_number"] for one in (night(2, 24), night(3, 0))] == [2, 1]
    assert "it ended with code 1 and no answer" in nights.airflow.logged(LATE, "night.evaluate")
    # That is a factor: with True, as it was before Airflow 3.2, failures would be tried again at one pace.
    (dag,) = nights.airflow.asked(f"SELECT data FROM serialized_dag WHERE dag_id = '{DAG}' LIMIT 1")
    factors = {task["__var"]["retry_exponential_backoff"] for task in json.loads(dag["data"])["dag"]["tasks"]}
    assert factors == {2.0}


def test_a_gate_that_fails_is_tried_once_fails_the_run_and_leaves_the_report(nights):
    judged, told = (named(nights.airflow.tasks(LATE), name) for name in ("gate", "report"))
    assert {(one["state"], one["try_number"]) for one in judged.values()} == {("failed", 1)}
    assert {one["state"] for one in told.values()} == {"success"}
    assert nights.airflow.state(LATE) == "failed"
    assert "predicted_over_actual" in nights.airflow.logged(LATE, "night.gate")
    reports = nights.airflow.home.parent / "reports"
    assert {file.name for file in reports.iterdir()} >= {f"{day(3)}-0h.html", f"{day(2)}-24h.html"}


def test_a_wrong_configuration_fails_at_once_and_says_what_is_wrong(nights):
    tried = {task["task_id"]: task for task in nights.airflow.tasks(BROKEN)}
    assert (tried["due"]["state"], tried["due"]["try_number"]) == ("failed", 1)
    assert {state for name, state in states(tried.values()) if name != "due"} == {"upstream_failed"}
    assert "week.yaml" in nights.airflow.logged(BROKEN, "due")


def test_a_task_that_is_killed_leaves_no_process_behind(tmp_path):
    program = tmp_path / "lossledger"
    program.write_text(f"#!/bin/sh\nsleep 30 >/dev/null 2>&1 & echo $! >{tmp_path / 'pid'}; wait\n")
    program.chmod(0o755)
    given = {"AIRFLOW_HOME": tmp_path, "AIRFLOW_VAR_LOSSLEDGER_CONFIG": "x", "AIRFLOW_VAR_LOSSLEDGER_COMMAND": program}
    settings = {name: str(value) for name, value in given.items()}
    done = child.ended(scheduled.COMMAND.with_name("python"), "-c", KILLED, cwd=ROOT / "dags", **settings)
    assert "it ended with code -15 and no answer" in done.out, done.err
    # Whoever adopts its child may not have asked yet how that ended.
    stat = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    assert not stat.exists() or ") Z " in stat.read_text()
