"""Lengths of time as people write them, `90m`, `24h`, `7d`, and ages of labels, which are some of whole hours."""

import re
from datetime import timedelta

HOUR = timedelta(hours=1)
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION = re.compile(r"([0-9]{1,6})([dhms])")


def duration(value: object) -> timedelta:
    """Return a duration written as a whole number and a unit.

    Raises:
        ValueError: It is none; says what was expected.

    >>> duration("90m")
    datetime.timedelta(seconds=5400)
    """
    if isinstance(value, timedelta):
        return value
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration such as 30s, 90m, 1h or 7d")
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


def duration_text(value: timedelta) -> str:
    """Return the duration in its largest whole unit; `duration` reads it back.

    >>> duration_text(timedelta(minutes=120)), duration_text(timedelta(0))
    ('2h', '0h')
    """
    seconds = value // timedelta(seconds=1)
    unit = next(unit for unit, size in UNITS.items() if seconds % size == 0) if seconds else "h"
    return f"{seconds // UNITS[unit]}{unit}"


def age(value: object) -> timedelta:
    """Return an age: a duration of whole hours.

    Raises:
        ValueError: It is none; says what was expected.

    >>> age("7d") // HOUR
    168
    """
    whole = duration(value)
    if whole % HOUR:
        raise ValueError("whole hours, as age_hours is an integer")
    return whole


def age_text(hours: int) -> str:
    """Return an age in hours, as the tables hold it; `age` reads it back.

    >>> age_text(192)
    '192h'
    """
    return f"{hours}h"
