"""Two runs of a day in any order of their commits, one killed or suspended anywhere: what is left is told truly.

Whether a run that has the day is alive is drawn, too, so that living ones are taken for dead, as by a wrong clock.
"""

import os
from collections import Counter
from random import Random

import pytest

from jobs.errors import ContractError, RuntimeFailure
from jobs.ledger.turns import holders
from jobs.nights import again
from jobs.storage.change import DayAtAge
from tests.world import stories
from tests.world.interleaved import Actor, Died, drawn, run_out, with_points
from tests.world.stories import BATCH, FAULTS, TABLES, Night, Story, World, Wrote, last_of
from tests.world.two_nights import changed

ALL = os.environ.get("LOSSLEDGER_FAULTS") == "all"
EVERY = 1050 if ALL else 2 * BATCH
# Days at once; a refresh reads what it is made of. On the 13th a run goes on after the refresh that overtook it.
REFRESHED = [(batch, BATCH) for batch in range(10)] if ALL else [(2, 13)]
pytestmark = pytest.mark.only_engine("sail")


@pytest.fixture(scope="module")
def templates(spark, tmp_path_factory):
    return stories.templates(spark, tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="module")
def seen():
    """How often which fault left its day in doubt, or not; of all orders there are some of each."""
    found = Counter()
    yield found
    if len({batch for batch, *_ in found}) == EVERY // BATCH:
        kinds = {(fault, doubt) for _, fault, doubt in found}
        assert {(fault, doubt) for fault in FAULTS[1:] for doubt in (True, False)} <= kinds


@pytest.fixture
def doubtful(monkeypatch):
    """Commits have points, and one look in two finds a run dead that lives."""
    real = holders.Watch.is_dead
    with_points(monkeypatch)
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *asked: drawn().random() < 0.5 or real(*asked))


@pytest.mark.usefixtures("doubtful")
@pytest.mark.parametrize("batch", range(EVERY // BATCH))
def test_whatever_the_order_what_is_left_is_told_truly_and_the_next_run_is_right(  # noqa: PLR0917 - fixtures
    spark, templates, tmp_path, monkeypatch, seen, batch
):
    world = World(spark, tmp_path, templates, batch)
    latest = world.told()
    told = ((story.fault, latest[story.day]["in_doubt"]) for story in world.stories if story.day in latest)
    seen.update((batch, *each) for each in told)
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
    world.repaired(latest)


class WithRefresh(Story):
    """A run, and then a refresh that meets another run, or another refresh."""

    def runs(self):
        self.night("one")()
        other = self.night("two") if self.rng.random() < 0.6 else self.refresh
        return [self.refresh, other]

    def refresh(self):
        return again.made_again_of(self.world.spark, self.world.settings, DayAtAge(self.day, 0)).stamp.run_id

    def made(self, stamp, sums):
        """The metrics of a refresh, in place of those that it would make of the sums."""
        stamps = {"event_date": self.day, "age_hours": 0, "run_id": stamp.run_id}
        self.by_run[stamp.run_id] = Wrote({"metrics": changed(self.world.full["metrics"].slice(0, 7), stamps)}, sums)
        return self.by_run[stamp.run_id].new

    def check_ends(self):
        """Each may have kept the other from it: then the day is in doubt, or is what it was."""
        ends = [actor.error for actor in self.actors if actor.ended]
        assert all(error is None or isinstance(error, RuntimeFailure | ContractError | Died) for error in ends), ends

    def again(self, latest):
        """A refresh where the sums are whole, or a run of the rows."""
        if latest["sums_run_id"] is not None and self.rng.random() < 0.5:
            self.last = self.refresh()
        else:
            super().again(latest)

    def check_repaired(self, latest, events):
        """Who was suspended may be the last to take a turn, and then fail, as its sums have gone."""
        assert not latest["in_doubt"]
        assert latest["held_run_id"] in {self.last, last_of(events) if self.fault == "suspended" else self.last}


@pytest.mark.usefixtures("doubtful")
@pytest.mark.parametrize(("batch", "count"), REFRESHED)
def test_a_refresh_that_meets_a_run_is_of_its_sums_or_nothing(  # noqa: PLR0917 - fixtures
    spark, templates, tmp_path, monkeypatch, batch, count
):
    of_day = {}

    def judged(_, tables, *asked):
        (sums,) = tables["statistics"]["run_id"].unique().to_pylist()
        stamp = asked[-1].stamp
        return of_day[stamp.event_date].made(stamp, sums), ()

    for name in ("metrics", "stamped"):
        monkeypatch.setattr(again.finish, name, lambda *_: None)
    monkeypatch.setattr(again.lost, "put_back", lambda metrics, _: metrics)
    monkeypatch.setattr(again, "judged", judged)
    world = World(spark, tmp_path, templates, f"refresh {batch}", WithRefresh, count)
    of_day |= {story.day: story for story in world.stories}
    latest = world.told()
    held = [latest[story.day]["held_run_id"] for story in world.stories]
    assert {"metrics"} in [story.by_run[run].new.keys() for story, run in zip(world.stories, held, strict=True) if run]
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
    world.repaired(latest)


def test_whoever_was_suspended_changes_nothing_once_the_next_run_is_done(spark, templates, tmp_path, monkeypatch):
    with_points(monkeypatch)
    monkeypatch.setattr(holders.Watch, "is_dead", lambda *_: True)
    world = World(spark, tmp_path, templates, "suspended")
    ends = []
    for steps, story in enumerate(world.stories, 4):  # the first three are those of the event that it begins with
        first = Actor(Night(world, story.day, "one"), Random(steps))
        run_out([first], Random(steps), first, steps)
        Night(world, story.day, "next", without_bins=True)()
        run_out([first], Random(steps))
        ends.append(first.error)
    held = {name: world.by_day(name) for name in TABLES}
    for story, end in zip(world.stories, ends, strict=True):
        of = {name: {row["run_id"] for row in held[name][story.day]} for name in TABLES}
        assert of.pop("score_bins") == set()
        assert set.union(*of.values()) == {f"next of {story.day}"}, end
    # Of the first ones, at least, somebody was kept from it.
    assert isinstance(ends[0], RuntimeFailure)
