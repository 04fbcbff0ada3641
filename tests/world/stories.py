"""Days at which two runs meet: what each of them writes, what happens to them, and what is left in the tables."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import nightly
from jobs.errors import RuntimeFailure
from jobs.ledger.journal import Journal
from jobs.ledger.runs import Ledger
from jobs.ledger.stamp import Stamp
from jobs.ledger.turns.lease import leased
from jobs.ledger.writer import Writer
from jobs.settings import parse
from jobs.sql.query import answered
from tests.world import days
from tests.world.days import DAY
from tests.world.interleaved import Actor, Died, run_out
from tests.world.two_nights import changed

BATCH = 25  # as many days are told in the same tables
TABLES = ("statistics", "shard_statistics", "metrics", "score_bins")
BINS: dict[str, Any] = {"bins": {"slices": [[]], "bits": 12}}
FAULTS = ("none", "killed", "suspended")
Rows = Mapping[str, pa.Table]
Row = dict[str, Any]


def templates(spark: SparkSession, folder: Path) -> tuple[Path, Rows]:
    """The tables of a day just made, now empty, and the rows that a run would write of it."""
    document = days.small_day(folder, **BINS)
    outcome = nightly.evaluate(spark, parse({**document, "tables": {"path": str(folder / "full")}}), DAY)
    assert outcome.provisional == ()
    full = {name: rows(folder / "full", name) for name in TABLES}
    shutil.copytree(folder / "full", folder / "tables")
    for name in (*TABLES, "runs", "rejects"):
        days.DeltaTable(str(folder / "tables" / "small" / name)).delete()
    return folder / "tables", full


def rows(root: Path, name: str) -> pa.Table:
    """All rows of a table."""
    return days.DeltaTable(str(root / "small" / name)).to_pyarrow_table()


@dataclass(frozen=True)
class Wrote:
    """What a run writes by table, and the run whose sums those are made of."""

    new: Rows
    sums: str


class Night:
    """A run of a day: what it writes is its own, so that rows of two runs can be told apart by more than their id."""

    def __init__(self, world: "World", day: date, name: str, *, without_bins: bool = False) -> None:
        """Begin nothing yet."""
        self.run_id = f"{name} of {day}"
        self.writer = Writer(world.spark, world.settings, Stamp(day, 0, datetime.now(UTC), self.run_id))
        left = {name: of for name, of in world.full.items() if not (without_bins and name == "score_bins")}
        size = {"one": 3, "two": 5, "next": 4}[name]
        stamps = {"event_date": day, "age_hours": 0, "run_id": self.run_id}
        self.wrote = Wrote({name: changed(of.slice(0, size), stamps) for name, of in left.items()}, self.run_id)

    def __call__(self) -> None:
        """As `nightly.evaluate` does, from the event that begins it to the one that ends it."""
        journal = Journal(self.writer)
        with leased(self.writer, journal, inputs={}) as holder:
            try:
                holder.replace(self.wrote.new)
                journal.tell("done", ledger=Ledger(read=9, outside=0, rejected=0, duplicate=0, scored=9))
            except Exception as error:
                journal.failed(error)
                raise


class Story:
    """Two runs of one day, what happens to them, and the run after that."""

    def __init__(self, world: "World", day: date, seed: str) -> None:
        """Draw everything."""
        self.rng, self.day, self.world = Random(seed), day, world
        self.by_run: dict[str, Wrote] = {}
        self.actors = [Actor(action, Random(self.rng.random())) for action in self.runs()]
        self.fault = self.rng.choice(FAULTS)
        self.victim = None if self.fault == "none" else self.rng.choice(self.actors)
        self.last = ""

    def runs(self) -> list[Callable[[], Any]]:
        """The two that meet."""
        return [self.night("one"), self.night("two")]

    def night(self, name: str) -> Night:
        """A run of rows, with score bins or without."""
        night = Night(self.world, self.day, name, without_bins=self.rng.random() < 0.3)
        self.by_run[night.run_id] = night.wrote
        return night

    def begin(self) -> None:
        """Let them go on, up to the fault."""
        run_out(self.actors, self.rng, self.victim, self.rng.randint(1, 24))
        if self.fault == "killed" and self.victim is not None:
            self.victim.die()

    def check_ends(self) -> None:
        """Where nothing happens to them, one has the day."""
        ends = [actor.error for actor in self.actors if actor.ended]
        assert all(error is None or isinstance(error, RuntimeFailure | Died) for error in ends), ends
        assert self.fault != "none" or None in ends

    def repair(self, latest: Row | None) -> None:
        """The next run, which finds all others dead; then whoever was suspended goes on."""
        self.again(latest)
        run_out(self.actors, self.rng)

    def again(self, _: Row | None) -> None:
        """The next run."""
        night = self.night("next")
        night()
        self.last = night.run_id

    def check_repaired(self, latest: Row, events: list[Row]) -> None:
        """No turn came twice, and the last run has the day."""
        last = last_of(events)
        # Who was suspended before it had taken its turn may be the last to take one.
        assert last == self.last or self.fault == "suspended"
        assert (latest["state"], latest["in_doubt"], latest["held_run_id"]) == ("done", False, last)


def last_of(events: list[Row]) -> str:
    """The run that took the last turn; turns are counted from 1, and each is of one run."""
    began = {event["turn"]: str(event["run_id"]) for event in events if event["state"] == "started"}
    assert [*sorted(began)] == [*range(1, len(began) + 1)]
    assert len(began) == sum(event["state"] == "started" for event in events)
    return began[len(began)]


class World:
    """The tables of some days, and what is told on each."""

    def __init__(  # noqa: PLR0917 - where, and of what
        self,
        spark: SparkSession,
        folder: Path,
        made: tuple[Path, Rows],
        seed: object,
        story: type[Story] = Story,
        count: int = BATCH,
    ) -> None:
        """Copy the tables, and draw a story for each of so many days."""
        tables, self.full = made
        shutil.copytree(tables, folder / "tables")
        self.spark, self.root = spark, folder / "tables"
        self.settings = parse(days.configured(folder, **BINS))
        self.stories = [story(self, DAY + timedelta(days=i), f"{seed}/{i}") for i in range(1, count + 1)]

    def by_day(self, name: str) -> dict[date, list[Row]]:
        """The rows of a table by day."""
        found: dict[date, list[Row]] = {story.day: [] for story in self.stories}
        for row in rows(self.root, name).to_pylist():
            found[row["event_date"]].append(row)
        return found

    def checked(self) -> dict[date, Row]:
        """What `runs_latest` says by day, after a look at what the tables hold."""
        held = {name: self.by_day(name) for name in TABLES}
        said = answered(self.spark, self.settings, "SELECT * FROM runs_latest").to_pylist()
        latest = {row["event_date"]: row for row in said}
        for story in self.stories:
            _whole(story, {name: held[name][story.day] for name in TABLES}, latest.get(story.day))
        return latest

    def told(self) -> dict[date, Row]:
        """Let all days begin, and check how their runs ended and what is left of them: what `runs_latest` says."""
        for story in self.stories:
            story.begin()
            story.check_ends()
        return self.checked()

    def repaired(self, latest: Mapping[date, Row]) -> None:
        """Let the next run of each day come, and check what is left."""
        for story in self.stories:
            story.repair(latest.get(story.day))
        after, events = self.checked(), self.by_day("runs")
        for story in self.stories:
            story.check_repaired(after[story.day], events[story.day])


def _whole(story: Story, held: Mapping[str, list[Row]], latest: Row | None) -> None:
    """Every table has all rows of one run or none; the day is trusted only where all tables are of one that is done."""
    of: dict[str, str | None] = {}
    for name, found in held.items():
        (of[name],) = {row["run_id"] for row in found} or {None}
        run = of[name]
        assert in_order(found) == in_order([] if run is None else story.by_run[run].new[name].to_pylist())
    if latest is None or latest["in_doubt"]:
        return
    if latest["held_run_id"] is None:
        assert set(of.values()) == {None}, of
        return
    made = story.by_run[latest["held_run_id"]]
    sums = story.by_run[made.sums]
    assert latest["sums_run_id"] == made.sums
    expected = {name: made.sums if name in sums.new else None for name in of}
    assert of == {**expected, **dict.fromkeys(made.new, latest["held_run_id"])}


def in_order(found: list[Row]) -> list[str]:
    """Rows that can be compared whatever their order."""
    return sorted(map(str, found))
