"""A run of rows and a refresh of the same day in any order of their commits, one killed or suspended anywhere.

What is left is told truly, sums are never of two runs and trusted, and the next refresh or run is right.
"""

import os
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from jobs import nightly
from jobs.errors import ContractError, RuntimeFailure
from jobs.ledger.journal import Journal
from jobs.ledger.stamp import Stamp
from jobs.ledger.turns import holders
from jobs.ledger.turns.lease import leased
from jobs.ledger.writer import Writer
from jobs.nights.again import made_again_of
from jobs.results.recorded import tables_of
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.storage.change import DayAtAge
from tests.world import days
from tests.world.days import DAY
from tests.world.interleaved import Actor, Died, drawn, run_out, with_points
from tests.world.two_nights import changed

BATCH = 12  # as many days are told in the same tables
EVERY = 20 * BATCH if os.environ.get("LOSSLEDGER_FAULTS") == "all" else BATCH
SUMS = ("statistics", "shard_statistics", "score_bins")
MADE = ("metrics", "label_arrival")
BINS = {"bins": {"slices": [[]], "bits": 12}}
FAULTS = ("none", "killed", "suspended")
TOLD = ["task", "model", "slice", "metric", "value", "ci_low", "ci_high", "n", "reason"]
pytestmark = pytest.mark.only_engine("sail")


@pytest.fixture(scope="module")
def template(spark, tmp_path_factory):
    """The tables of a day just made, and the rows that a run has written of it."""
    folder = tmp_path_factory.mktemp("template")
    document = days.small_day(folder, **BINS)
    nightly.evaluate(spark, parse({**document, "tables": {"path": str(folder / "full")}}), DAY)
    full = {name: table(folder / "full", name) for name in (*SUMS, *MADE)}
    shutil.copytree(folder / "full", folder / "tables")
    for name in (*full, "runs", "rejects"):
        DeltaTable(str(folder / "tables" / "small" / name)).delete()
    return folder / "tables", full


def table(root, name):
    return DeltaTable(str(root / "small" / name)).to_pyarrow_table()


class World:
    """The tables of some days, each of which was evaluated once."""

    def __init__(self, spark, folder, template, seed):
        empty, self.full = template
        shutil.copytree(empty, folder / "tables")
        self.spark, self.root = spark, folder / "tables"
        self.settings = parse(days.configured(folder, **BINS))
        self.stories = [Story(self, DAY + timedelta(days=i), f"{seed}/{i}") for i in range(1, BATCH + 1)]

    def latest(self):
        said = answered(self.spark, self.settings, "SELECT * FROM runs_latest").to_pylist()
        return {row["event_date"]: row for row in said}

    def rows(self, name, day):
        found = table(self.root, name)
        return found.filter(pc.equal(found["event_date"], day))

    def runs(self, names, day):
        return {run for name in names for run in self.rows(name, day)["run_id"].to_pylist()}


class Story:
    """A day, a run of its rows and a refresh of it, and what happens to one of them."""

    def __init__(self, world, day, seed):
        self.world, self.day, self.rng = world, day, Random(seed)
        self.run("first")
        self.fault = self.rng.choice(FAULTS)
        actions = (lambda: self.run("second"), self.refresh)
        self.actors = [Actor(action, Random(self.rng.random())) for action in actions]
        self.victim = None if self.fault == "none" else self.rng.choice(self.actors)

    def run(self, name):
        """As `nightly.evaluate` does, from the event that begins it to the one that ends it."""
        stamp = Stamp(self.day, 0, datetime.now(UTC), f"{name} of {self.day}")
        writer = Writer(self.world.spark, self.world.settings, stamp)
        own = {"event_date": self.day, "run_id": stamp.run_id}
        journal = Journal(writer)
        with leased(writer, journal, inputs={}) as holder:
            try:
                holder.replace({name: changed(rows, own) for name, rows in self.world.full.items()})
                journal.tell("done")
            except Exception as error:
                journal.failed(error)
                raise

    def refresh(self):
        made_again_of(self.world.spark, self.world.settings, DayAtAge(self.day, 0))

    def begin(self):
        run_out(self.actors, self.rng, self.victim, self.rng.randint(1, 30))
        if self.fault == "killed":
            self.victim.die()
        ends = [actor.error for actor in self.actors if actor.ended]
        allowed = RuntimeFailure | ContractError | Died
        assert all(error is None or isinstance(error, allowed) for error in ends), ends
        assert self.fault != "none" or None in ends

    def check(self, latest):
        """What is said of sums and of all is what the tables have."""
        sums, made = (self.world.runs(names, self.day) for names in (SUMS, MADE))
        if latest["sums_run_id"] is not None:
            assert sums == {latest["sums_run_id"]}
        if not latest["in_doubt"]:
            assert made == {latest["held_run_id"]}
            assert sums == {latest["sums_run_id"]}
            self.check_numbers()

    def check_numbers(self):
        """Whoever made them, the metrics are those of the sums, which are the same of every run here."""
        own, full = (rows.filter(pc.invert(pc.match_substring(rows["metric"], "[nowcast]"))) for rows in (
            self.world.rows("metrics", self.day), self.world.full["metrics"]))  # fmt: skip
        order = [(name, "ascending") for name in TOLD[:4]]
        assert own.select(TOLD).sort_by(order).equals(full.select(TOLD).sort_by(order))

    def repair(self, latest):
        """A refresh where the sums are whole, else a run; then whoever was suspended goes on."""
        if latest["sums_run_id"] is None:
            self.run("third")
        else:
            self.refresh()
        run_out(self.actors, self.rng)


@pytest.fixture(scope="module")
def seen():
    """How often which fault left sums that are whole, and a day in doubt, or not."""
    found = Counter()
    yield found
    if len({batch for batch, *_ in found}) == EVERY // BATCH:
        assert {(True, True), (True, False), (False, True)} <= {(whole, doubt) for _, _, whole, doubt in found}


@pytest.mark.parametrize("batch", range(EVERY // BATCH))
def test_whatever_the_order_sums_and_what_is_made_of_them_are_told_truly(  # noqa: PLR0917 - fixtures
    spark, template, tmp_path, monkeypatch, seen, batch
):
    with_points(monkeypatch)
    real, world = holders.Watch.is_dead, World(spark, tmp_path, template, batch)
    assert set(tables_of(world.settings)) == set(SUMS)
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *asked: drawn().random() < 0.5 or real(*asked))
    for story in world.stories:
        story.begin()
    latest = world.latest()
    for story in world.stories:
        of = latest[story.day]
        story.check(of)
        seen[batch, story.fault, of["sums_run_id"] is not None, of["in_doubt"]] += 1
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
    for story in world.stories:
        story.repair(latest[story.day])
    latest = world.latest()
    for story in world.stories:
        # Who was suspended before it had taken its turn may be the last to take one, and find the day as it was.
        assert story.fault == "suspended" or not latest[story.day]["in_doubt"]
        story.check(latest[story.day])
