"""At which label age a day is evaluated, and from when on it can be."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

from jobs.day import Day
from jobs.errors import ConfigurationError, InputMissingError, Problem, one_of
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from jobs.settings.durations import age_text


def stamp(
    settings: Evaluation, day: date, age_hours: int | None, *, began: datetime, provisional: bool = False
) -> Stamp:
    """The stamp of a run that begins now: labels are known up to the age's moment, and never beyond the run itself.

    Raises:
        ConfigurationError: The age is not configured (exit 2).
        InputMissingError: The day has not begun; or the age is not reached, and the run may not be provisional
            (exit 4).
    """
    age = settings.age_hours if age_hours is None else age_hours
    check_configured(settings, age)
    whole = Day(day, settings.day.timezone)
    moment = whole.as_of(age)
    # A day that has not begun has nothing to show, provisional or not.
    if began < (whole.start if provisional else moment):
        raise InputMissingError(_too_early(whole, age, began))
    return Stamp(day, age, min(moment, began), uuid.uuid4().hex, began < moment)


def early(stamp: Stamp, settings: Evaluation) -> str:
    """Why a run before its age's moment is provisional."""
    moment = Day(stamp.event_date, settings.day.timezone).as_of(stamp.age_hours)
    return (
        f"labels are known up to {_utc(stamp.as_of)}, the age of {age_text(stamp.age_hours)} is reached {_utc(moment)}"
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def check_configured(settings: Evaluation, age: int, option: str = "--age") -> None:
    """Raise ConfigurationError (exit 2) for an age that is none of the configured ones."""
    if age not in settings.hours:
        known = one_of(map(age_text, settings.hours))
        raise ConfigurationError("the age is not configured", [Problem(option, age_text(age), known)])


def _too_early(day: Day, age: int, began: datetime) -> str:
    moment, told = _utc(day.as_of(age)), age_text(age)
    if began < day.start:
        return f"{day.date} has not begun in {day.timezone}. At age {told} it can be run from {moment} (exit code 4)."
    ended = "has not ended" if began < day.end else f"has not reached the age of {told}, where its labels are known"
    return (
        f"{day.date} {ended}: it can be run from {moment}, and it is {_utc(began)}. Run it again then; "
        "with --provisional it is evaluated now and marked so (exit code 4: not there yet)."
    )
