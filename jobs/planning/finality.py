"""Whether what a run finds is whole; where it is not the run stops, or is provisional where it may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jobs.day import Day
from jobs.errors import InputMissingError, Problem
from jobs.ledger.stamp import Stamp
from jobs.planning import lacking
from jobs.planning.ages import early
from jobs.planning.history import History
from jobs.settings import Evaluation


@dataclass(frozen=True)
class Finality:
    """What is known of a day's being whole.

    Attributes:
        stamp: Of the run; provisional as soon as something is lacking.
        day: The day.
        history: What earlier runs have done.
        allowed: Whether the run may be provisional.
        reasons: Why it is.
    """

    stamp: Stamp
    day: Day
    history: History
    allowed: bool
    reasons: tuple[str, ...] = ()

    @property
    def early(self) -> bool:
        """Whether the run began before its age was reached: no source needs to be whole then."""
        return self.stamp.as_of < self.day.as_of(self.stamp.age_hours)

    def of_age(self, settings: Evaluation) -> Finality:
        """Before its age is reached no day is whole.

        Raises:
            InputMissingError: The tables have the day as it was when it was whole (exit 4).
        """
        return self._provisional(early(self.stamp, settings)) if self.early else self

    def judged(self, problems: Iterable[Problem]) -> Finality:
        """Go on with sources that are whole; with others only where the run may be provisional.

        Raises:
            InputMissingError: It may not, or the tables have the day as it was when it was whole (exit 4).
        """
        found = [] if self.early else list(problems)
        if found and not self.allowed:
            lacking.check(self.day, found)
        return self._provisional(*map(str, found)) if found else self

    def _provisional(self, *reasons: str) -> Finality:
        if self.history.complete:
            raise InputMissingError(
                f"{self.day.date} is in the tables as it was when it was whole, and no provisional run replaces that: "
                f"{'; '.join(reasons)} (exit code 4)"
            )
        return replace(self, stamp=replace(self.stamp, provisional=True), reasons=self.reasons + reasons)
