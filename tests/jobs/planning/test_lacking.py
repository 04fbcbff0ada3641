"""A day is held against earlier ones that are like it, by the clock and by the calendar."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.day import Day
from jobs.examples.arrival import Arrived
from jobs.planning.history import History
from jobs.planning.lacking import sources
from jobs.settings import parse
from tests.world import days

LABEL = {"click": {"column": "clicked", "values": "binary"}}
SETTINGS = parse(
    {
        **days.configured(Path("of_no_consequence")),
        "labels": LABEL,
        "tasks": {"ctr": {"label": "click"}},
        "models": {"champion": {"ctr": {"score": "p"}}},
    }
)


def arrived(rows, hours=24):
    return {"impressions": Arrived(rows, 0, tuple(rows // hours for _ in range(hours)))}


def found(day, today, earlier, zone="UTC"):
    return sources(today, History(False, earlier, day), SETTINGS, Day(day, zone))


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_of_another_length_is_whole(day, hours):
    usual = {day - timedelta(days=k): arrived(24_000) for k in (1, 2)}
    assert found(day, arrived(1000 * hours, hours), usual, "Europe/Berlin") == []
    assert found(day + timedelta(days=1), arrived(24_000), {day: arrived(1000 * hours, hours)}, "Europe/Berlin") == []


MONDAY = date(2026, 11, 2)
WORK = {MONDAY + timedelta(days=k): arrived(24_000) for k in range(5)}
SATURDAY, SUNDAY = MONDAY + timedelta(days=5), MONDAY + timedelta(days=6)


def test_a_weekend_is_held_against_weekends():
    assert found(SATURDAY, arrived(2400), WORK) == []
    assert found(SUNDAY, arrived(2400), {**WORK, SATURDAY: arrived(2400)}) == []
    assert found(SUNDAY, arrived(240), {**WORK, SATURDAY: arrived(2400)}) != []
    assert found(SUNDAY + timedelta(days=6), arrived(2400), {**WORK, SATURDAY: arrived(2400)}) == []


def test_a_working_day_is_held_against_working_days():
    friday = MONDAY + timedelta(days=4)
    (problem,) = found(friday, arrived(2400), {day: rows for day, rows in WORK.items() if day < friday})
    assert (problem.found, "--set limits.volume=0" in problem.expected) == ("2,400 rows of the day", True)


def test_a_weekday_that_was_small_two_weeks_ago_may_be_so_again():
    small = {MONDAY - timedelta(days=14): arrived(2400)}
    assert found(MONDAY, arrived(2400), {**small, MONDAY - timedelta(days=3): arrived(24_000)}) == []
