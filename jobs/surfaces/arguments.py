"""What is given to the command as text: a day, and an age of labels."""

from __future__ import annotations

from datetime import date

from jobs.errors import ConfigurationError, Problem
from jobs.settings import durations


def parsed_date(text: str) -> date:
    """A date written YYYY-MM-DD.

    Raises:
        ConfigurationError: It is not one, for example a template that an orchestrator left empty (exit 2).
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 1970 <= day.year < 3000:
        problem = Problem("--date", repr(text), "a date such as 2026-11-20")
        raise ConfigurationError("the day cannot be read", [problem])
    return day


def parsed_age(text: str | None) -> int | None:
    """Hours of an age, written 24h, 7d or 24; None where none is given.

    Raises:
        ConfigurationError: It is none (exit 2).
    """
    if text is None:
        return None
    try:
        return durations.age(f"{text}h" if text.isdecimal() else text) // durations.HOUR
    except ValueError:
        problem = Problem("--age", repr(text), "whole hours, such as 24h or 7d")
        raise ConfigurationError("the age cannot be read", [problem]) from None
