"""A day at an age is of one run at a time, and of the next when that one has ended, or is dead."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from jobs import process
from jobs.engines.identity import engine_of
from jobs.errors import InputMissingError, RuntimeFailure
from jobs.ledger import runs
from jobs.ledger.journal import Journal
from jobs.ledger.stamp import Stamp
from jobs.ledger.tables import RUNS
from jobs.ledger.turns import holders, lease
from jobs.ledger.writer import Writer
from jobs.settings import parse
from jobs.storage import lake
from tests.world import days
from tests.world.days import DAY
from tests.world.two_nights import changed

ELSEWHERE = {"host": "elsewhere", "pid": 7, "birth": "another boot/pid:[1]/2"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def runs_only(spark, writer, tmp_path):
    """A folder with an empty table of runs."""
    settings = parse(days.configured(tmp_path))
    lake.ensure(spark, lake.address(settings, "runs", engine_of(spark)), RUNS)
    return tmp_path


def run(spark, folder, name, **of_lease):
    """The writer and the journal of a run."""
    settings = parse(days.configured(folder, lease=of_lease))
    writer = Writer(spark, settings, Stamp(DAY, 0, datetime.now(UTC), name))
    return writer, Journal(writer)


def began_elsewhere(spark, folder, ago, *, held=True):
    """Tell of a run that began on another host so long ago; or of one of a release that did not say where it runs."""
    writer, _ = run(spark, folder, "other")
    of_lease = {"turn": 1, "holder": {**ELSEWHERE, "silence": 600.0}} if held else {}
    event = runs.event("started", writer.stamp, writer.settings, engine_of(spark), **of_lease)
    writer.append("runs", changed(event, {"event_time": datetime.now(UTC) - ago}))


def told(folder):
    """State, run and turn of every event, in order."""
    rows = sorted(days.rows_of(folder, "runs"), key=lambda row: row["event_time"])
    return [(row["run_id"], row["state"], row["turn"]) for row in rows]


def test_a_day_is_held_until_its_run_has_ended(spark, runs_only):
    with lease.leased(*run(spark, runs_only, "one")) as writer:
        assert (writer.turn.number, writer.turn.name) == (1, "lossledger 2026-11-16 0h")
        pattern = f"another run is under way: run one, process {os.getpid()} on .+, has small, 2026-11-16 at 0h since 2"
        with pytest.raises(RuntimeFailure, match=pattern) as refused, lease.leased(*run(spark, runs_only, "two")):
            pass
        Journal(writer).tell("done")
    assert refused.value.exit_code == 3
    with lease.leased(*run(spark, runs_only, "three")) as writer:
        assert writer.turn.number == 2
    assert told(runs_only) == [("one", "started", 1), ("one", "done", None), ("three", "started", 2)]


@pytest.mark.only_engine("sail")
def test_a_run_of_this_process_that_ended_without_a_word_holds_nothing(spark, runs_only):
    with pytest.raises(KeyboardInterrupt), lease.leased(*run(spark, runs_only, "one")):
        raise KeyboardInterrupt
    with lease.leased(*run(spark, runs_only, "two")) as writer:
        assert writer.turn.number == 2


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("ago", [-9 * MINUTE, 9 * MINUTE, 19 * MINUTE])
def test_a_run_elsewhere_that_may_live_is_waited_for(spark, runs_only, ago, held):
    began_elsewhere(spark, runs_only, ago, held=held)
    who = "run other, process 7 on elsewhere, has" if held else "run other, has"
    with pytest.raises(RuntimeFailure, match=who), lease.leased(*run(spark, runs_only, "one")):
        pass
    assert len(told(runs_only)) == 1


def test_a_run_elsewhere_that_is_silent_for_twice_its_time_is_dead(spark, runs_only):
    began_elsewhere(spark, runs_only, 21 * MINUTE)
    with lease.leased(*run(spark, runs_only, "one")) as writer:
        assert writer.turn.number == 2


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("ago", [-9 * MINUTE, 9 * MINUTE])
def test_a_run_elsewhere_whose_clock_is_wrong_is_dead_when_it_was_seen_silent(spark, runs_only, monkeypatch, ago):
    began_elsewhere(spark, runs_only, ago)
    passed = iter(range(0, 10_000, 300))
    monkeypatch.setattr(holders.time, "monotonic", lambda: float(next(passed)))
    monkeypatch.setattr(lease.time, "sleep", lambda _: None)
    with lease.leased(*run(spark, runs_only, "one", wait="1h")) as writer:
        assert writer.turn.number == 2


@pytest.mark.only_engine("sail")
def test_a_run_gives_signs_of_life_and_is_not_taken_over(spark, runs_only):
    with lease.leased(*run(spark, runs_only, "one", silence="1s")):
        refused = pytest.raises(RuntimeFailure, match="has been silent for 1s")
        with refused, lease.leased(*run(spark, runs_only, "two", silence="1s", wait="3s")):
            pass
    states = [state for _, state, _ in told(runs_only)]
    assert states == ["started"] + ["running"] * (len(states) - 1)
    assert len(states) > 4
    assert {turn for _, _, turn in told(runs_only)} == {1}


@pytest.mark.only_engine("sail")
def test_a_run_that_lost_its_day_writes_nothing(spark, runs_only, monkeypatch):
    with lease.leased(*run(spark, runs_only, "one", silence="1s")) as writer:
        monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
        with lease.leased(*run(spark, runs_only, "two")):
            time.sleep(1)
            with pytest.raises(RuntimeFailure, match=r"run two took small, 2026-11-16 at 0h at 2.+nothing was written"):
                writer.replace({})
    assert [event for event in told(runs_only) if event[1] != "running"] == [
        ("one", "started", 1),
        ("two", "started", 2),
    ]


def test_of_many_that_ask_at_once_one_has_the_day(spark, runs_only):
    refused = threading.Semaphore(0)

    def asked(name):
        try:
            with lease.leased(*run(spark, runs_only, name)):
                return all([refused.acquire(timeout=120) for _ in range(3)])
        except RuntimeFailure:
            refused.release()
            return None

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(asked, ["one", "two", "three", "four"]))
    assert sorted(ends, key=str) == [None, None, None, True]
    assert [event[1:] for event in told(runs_only)] == [("started", 1)]


@pytest.mark.only_engine("sail")
def test_what_is_missing_is_told_unless_somebody_has_the_day(spark, runs_only):
    absent = InputMissingError("not there yet")
    lease.missed(*run(spark, runs_only, "one"), absent)
    with lease.leased(*run(spark, runs_only, "two")):
        lease.missed(*run(spark, runs_only, "three"), absent)
    assert told(runs_only) == [("one", "started", 1), ("one", "refused", 1), ("two", "started", 2)]


def test_a_process_is_known_to_run_until_it_is_killed():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    found = process.Process("here", child.pid, process._birth(child.pid))
    assert process.is_running(found)
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.is_running(found) is False  # while nobody has asked for its end
    child.wait()
    assert process.is_running(found) is False
    reused = process.this()._replace(birth=process.this().birth + "9")
    assert process.is_running(reused) is False
    assert process.is_running(process.Process(**ELSEWHERE)) is None
