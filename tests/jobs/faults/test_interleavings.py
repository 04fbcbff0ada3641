"""Two runs of a day in any order of their commits, one killed or suspended anywhere: what is left is told truly.

Whether a run that has the day is alive is drawn, too, so that living ones are taken for dead, as by a wrong clock.
"""

import os
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pyarrow as pa
import pytest

from jobs import nightly
from jobs.errors import RuntimeFailure
from jobs.ledger.journal import Journal
from jobs.ledger.stamp import Stamp
from jobs.ledger.turns import holders
from jobs.ledger.turns.lease import leased
from jobs.ledger.writer import Writer
from jobs.settings import parse
from jobs.sql.query import answered
from tests.world import days
from tests.world.days import DAY
from tests.world.interleaved import Actor, Died, drawn, run_out, with_points
from tests.world.two_nights import changed

BATCH = 25  # as many days are told in the same tables
EVERY = 1050 if os.environ.get("LOSSLEDGER_FAULTS") == "all" else 2 * BATCH
TABLES = ("statistics", "shard_statistics", "metrics", "score_bins")
BINS = {"bins": {"slices": [[]], "bits": 12}}
FAULTS = ("none", "killed", "suspended")
pytestmark = pytest.mark.only_engine("sail")


@pytest.fixture(scope="module")
def templates(spark, tmp_path_factory):
    """The tables of a day just made, and the rows that a run would write of it."""
    folder = tmp_path_factory.mktemp("templates")
    document = days.small_day(folder, **BINS)
    outcome = nightly.evaluate(spark, parse({**document, "tables": {"path": str(folder / "full")}}), DAY)
    assert outcome.provisional == ()
    full = {name: pa.table(rows(folder / "full", name)) for name in TABLES}
    shutil.copytree(folder / "full", folder / "tables")
    for name in (*TABLES, "runs", "rejects"):
        days.DeltaTable(str(folder / "tables" / "small" / name)).delete()
    return folder / "tables", full


def rows(root, name):
    return days.DeltaTable(str(root / "small" / name)).to_pyarrow_table()


class Night:
    """A run of a day: what it writes is its own, so that rows of two runs can be told apart by more than their id."""

    def __init__(self, world, day, name, *, without_bins):
        self.writer = Writer(world.spark, world.settings, Stamp(day, 0, datetime.now(UTC), f"{name} of {day}"))
        left = {name: of for name, of in world.full.items() if not (without_bins and name == "score_bins")}
        size = {"one": 3, "two": 5, "next": 4}[name]
        stamps = {"event_date": day, "age_hours": 0, "run_id": self.writer.stamp.run_id}
        self.new = {name: changed(of.slice(0, size), stamps) for name, of in left.items()}

    def __call__(self):
        """As `nightly.evaluate` does, from the event that begins it to the one that ends it."""
        journal = Journal(self.writer)
        with leased(self.writer, journal, inputs={}) as holder:
            try:
                holder.replace(self.new)
                journal.tell("done")
            except Exception as error:
                journal.failed(error)
                raise


class Story:
    """Two runs of one day, what happens to them, and the run after that."""

    def __init__(self, world, day, seed):
        self.rng, self.day = Random(seed), day
        names = ("one", "two", "next")
        self.nights = {name: Night(world, day, name, without_bins=self.rng.random() < 0.3) for name in names}
        self.by_run = {night.writer.stamp.run_id: night for night in self.nights.values()}
        self.fault = self.rng.choice(FAULTS)
        self.actors = [Actor(self.nights[name], Random(self.rng.random())) for name in names[:2]]
        self.victim = None if self.fault == "none" else self.rng.choice(self.actors)

    def begin(self):
        run_out(self.actors, self.rng, self.victim, self.rng.randint(1, 24))
        if self.fault == "killed":
            self.victim.die()

    def check_ends(self):
        ends = [actor.error for actor in self.actors if actor.ended]
        assert all(error is None or isinstance(error, RuntimeFailure | Died) for error in ends), ends
        # Where nothing happens to them, one has the day.
        assert self.fault != "none" or None in ends

    def repair(self):
        """The next run, which finds all others dead; then whoever was suspended goes on."""
        self.nights["next"]()
        run_out(self.actors, self.rng)

    def check_repaired(self, latest, events):
        began = {event["turn"]: event["run_id"] for event in events if event["state"] == "started"}
        assert [*sorted(began)] == [*range(1, len(began) + 1)]
        assert len(began) == sum(event["state"] == "started" for event in events)
        # Who was suspended before it had taken its turn may be the last to take one.
        last = began[len(began)]
        assert last == self.nights["next"].writer.stamp.run_id or self.fault == "suspended"
        assert (latest["state"], latest["in_doubt"], latest["held_run_id"]) == ("done", False, last)


class World:
    """The tables of some days, and what is told on each."""

    def __init__(self, spark, folder, templates, seed):
        tables, self.full = templates
        shutil.copytree(tables, folder / "tables")
        self.spark, self.root = spark, folder / "tables"
        self.settings = parse(days.configured(folder, **BINS))
        self.stories = [Story(self, DAY + timedelta(days=i), f"{seed}/{i}") for i in range(1, BATCH + 1)]

    def by_day(self, name):
        """The rows of a table by day."""
        found = {story.day: [] for story in self.stories}
        for row in rows(self.root, name).to_pylist():
            found[row["event_date"]].append(row)
        return found

    def checked(self):
        """What `runs_latest` says by day, after a look at what the tables hold."""
        held = {name: self.by_day(name) for name in TABLES}
        said = answered(self.spark, self.settings, "SELECT * FROM runs_latest").to_pylist()
        latest = {row["event_date"]: row for row in said}
        for story in self.stories:
            whole(story, {name: held[name][story.day] for name in TABLES}, latest.get(story.day))
        return latest


def whole(story, held, latest):
    """Every table has all rows of one run or none; the day is trusted only where all tables are of one that is done."""
    of = {}
    for name, found in held.items():
        (of[name],) = {row["run_id"] for row in found} or {None}
        expected = [] if of[name] is None else story.by_run[of[name]].new[name].to_pylist()
        assert in_order(found) == in_order(expected)
    if latest is None or latest["in_doubt"]:
        return
    if latest["held_run_id"] is None:
        assert set(of.values()) == {None}, of
        return
    wrote = story.by_run[latest["held_run_id"]].new
    assert of == {name: latest["held_run_id"] if name in wrote else None for name in of}


def in_order(found):
    return sorted(map(str, found))


@pytest.fixture(scope="module")
def seen():
    """How often which fault left its day in doubt, or not; of all orders there are some of each."""
    found = Counter()
    yield found
    if len({batch for batch, *_ in found}) == EVERY // BATCH:
        kinds = {(fault, doubt) for _, fault, doubt in found}
        assert {(fault, doubt) for fault in FAULTS[1:] for doubt in (True, False)} <= kinds


@pytest.mark.parametrize("batch", range(EVERY // BATCH))
def test_whatever_the_order_what_is_left_is_told_truly_and_the_next_run_is_right(  # noqa: PLR0917 - fixtures
    spark, templates, tmp_path, monkeypatch, seen, batch
):
    with_points(monkeypatch)
    real, world = holders.Watch.is_dead, World(spark, tmp_path, templates, batch)
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *asked: drawn().random() < 0.5 or real(*asked))
    for story in world.stories:
        story.begin()
        story.check_ends()
    latest = world.checked()
    told = ((story.fault, latest[story.day]["in_doubt"]) for story in world.stories if story.day in latest)
    seen.update((batch, *each) for each in told)
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
    for story in world.stories:
        story.repair()
    latest, events = world.checked(), world.by_day("runs")
    for story in world.stories:
        story.check_repaired(latest[story.day], events[story.day])


def test_whoever_was_suspended_changes_nothing_once_the_next_run_is_done(spark, templates, tmp_path, monkeypatch):
    with_points(monkeypatch)
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
    world = World(spark, tmp_path, templates, "suspended")
    for steps, story in enumerate(world.stories, 4):  # the first three are those of the event that it begins with
        first = Actor(Night(world, story.day, "one", without_bins=False), Random(steps))
        run_out([first], Random(steps), first, steps)
        Night(world, story.day, "next", without_bins=True)()
        run_out([first], Random(steps))
        story.ends = first.error
    held = {name: world.by_day(name) for name in TABLES}
    for story in world.stories:
        of = {name: {row["run_id"] for row in held[name][story.day]} for name in TABLES}
        assert of.pop("score_bins") == set()
        assert set.union(*of.values()) == {f"next of {story.day}"}, story.ends
    # Of the first ones, at least, somebody was kept from it.
    assert isinstance(world.stories[0].ends, RuntimeFailure)
