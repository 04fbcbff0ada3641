"""A change of a table, as one commit: rows that are appended, or that take the place of a day's."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pyarrow as pa

# Told the runs that the day holds rows of, right before a commit; raises where they have to stay.
Check = Callable[[Set[str]], None]


def replaceable(_: Set[str]) -> None:
    """The check that lets rows of any run be replaced."""


class DayAtAge(NamedTuple):
    """One day at one age: what is replaced at a time."""

    event_date: date
    age_hours: int

    @property
    def predicate(self) -> str:
        """The condition in SQL, for both writers."""
        return f"event_date = DATE '{self.event_date.isoformat()}' AND age_hours = {int(self.age_hours)}"


class Turn(NamedTuple):
    """The n-th run of a day at an age, as Delta's transaction of an application.

    A table commits none whose number is not above those that it has: nothing is written, and nothing said. Of two
    with one number at the same time the second fails. Both writers do so, in every file system that Delta is safe in.
    """

    of: DayAtAge
    number: int

    @property
    def name(self) -> str:
        """The name of the application, which is that of all runs of the day at the age."""
        return f"lossledger {self.of.event_date.isoformat()} {self.of.age_hours}h"


@dataclass(frozen=True)
class Change:
    """What one commit does: it replaces the rows of `part` where there is one, after the check, or else appends.

    Without rows it removes those of `part`, or there is none and it says whose turn it is alone.
    """

    rows: pa.Table | None
    metadata: str
    part: DayAtAge | None = None
    check: Check = replaceable
    turn: Turn | None = None
