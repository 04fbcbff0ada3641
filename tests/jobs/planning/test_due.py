"""What falls due with a day, and which nights never ran."""

from datetime import date, datetime

import pytest

from jobs.planning import due
from jobs.settings import parse
from jobs.storage.change import DayAtAge
from tests.world.week import day, week


def numbered(part):
    return (part.event_date - day(0)).days, part.age_hours


def begun(*parts):
    every = frozenset(DayAtAge(day(number), age) for number, age in parts)
    return due.Begun(every, every)


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("UTC", "2026-11-20T02:59Z", "2026-11-18"),
        ("UTC", "2026-11-20T03:00Z", "2026-11-19"),
        ("UTC", "2026-11-20T05:00+02:00", "2026-11-19"),
        # That night has an hour more: 2026-10-25 ends at 23:00 UTC.
        ("Europe/Berlin", "2026-10-26T01:59Z", "2026-10-24"),
        ("Europe/Berlin", "2026-10-26T02:00Z", "2026-10-25"),
    ],
)
def test_the_newest_day_has_reached_the_youngest_age_by_its_own_clock(tmp_path, zone, moment, expected):
    settings = parse(week(tmp_path, 0, ages=["3h", "24h"], day={"timezone": zone}))
    assert due.newest(settings, datetime.fromisoformat(moment)).isoformat() == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((0,), [(20, 0)]),
        ((192,), [(20, 192)]),
        ((0, 24, 192), [(20, 0), (19, 24), (12, 192)]),
        # Three whole days and a rest older: of two days that are near, the one that reaches it later.
        ((2, 26, 77), [(20, 2), (19, 26), (17, 77)]),
        ((24, 30), [(20, 24), (20, 30)]),
    ],
)
def test_an_older_age_is_reached_by_the_day_that_many_days_before(hours, expected):
    found = due.falling_due(date(2026, 11, 20), hours)
    assert [(part.event_date.day, part.age_hours) for part in found] == expected


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ([], []),
        ([(-1, 0)], [(-1, 24)]),
        ([(-1, 24), (-3, 72)], []),
        ([(-3, 24)], [(-3, 72)]),
        ([(0, 0), (-2, 0), (-3, 72)], []),
    ],
)
def test_only_days_that_were_evaluated_at_a_younger_age_are_evaluated_again(tmp_path, done, expected):
    found = due.older(parse(week(tmp_path, 0)), day(0), begun(*done))
    assert list(map(numbered, found)) == expected


@pytest.mark.parametrize(
    ("known", "ages", "expected"),
    [
        ([], (0, 24), []),
        ([(0, 0)], (0, 24), []),
        ([(-1, 0), (0, 0)], (0, 24), ["2026-11-15 at age 24h"]),
        ([(-4, 0), (-2, 0), (0, 0)], (0,), ["2026-11-13 at age 0h", "2026-11-15 at age 0h"]),
        ([(-4, 0), (0, 0)], (0,), ["2026-11-13 to 2026-11-15 at age 0h"]),
        # Of longer ago only the last four weeks are told.
        ([(-60, 0), (0, 0)], (0,), ["2026-10-19 to 2026-11-15 at age 0h"]),
        # The day that is due at the older age was not evaluated when it was younger.
        ([(-2, 0), (-2, 24), (0, 0)], (0, 24), ["2026-11-15 at age 0h", "2026-11-15 at age 24h"]),
    ],
)
def test_days_that_no_run_has_begun_are_told_row_by_row(known, ages, expected):
    found = due.never_ran(due.falling_due(day(0), ages), begun(*known))
    assert [sentence.split(" never ran: ")[0] for sentence in found] == expected


def test_the_sentence_has_the_command_that_mends_it():
    (told,) = due.never_ran([DayAtAge(day(0), 24)], begun((-3, 24), (0, 24)))
    assert told.startswith("2026-11-14 to 2026-11-15 at age 24h never ran: ")
    assert told.endswith("backfill CONFIG --from 2026-11-14 --to 2026-11-15 --ages 24h")
