"""What there is of the sources of a day at an age: what a run would note of them, their rows and bytes, unread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession

from jobs.day import Day
from jobs.errors import InputMissingError
from jobs.files.there import There, there
from jobs.files.wanted import Wanted, of_day, told
from jobs.inputs.sources import wanted
from jobs.settings import Evaluation
from jobs.storage.change import DayAtAge


@dataclass(frozen=True)
class Found:
    """What there is of the sources of one day at one age.

    Attributes:
        noted: What a run that pins them now notes of each in `runs`.
        absent: Why there is nothing to evaluate, or None.
        rows: Of the files that can hold rows of the day or its labels; None where one does not say.
        bytes: Of those files; None where they are elsewhere.
    """

    noted: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    absent: str | None = None
    rows: int | None = None
    bytes: int | None = None


class Sources:
    """The sources of an evaluation, each listed once for all days."""

    def __init__(self, session: SparkSession, settings: Evaluation) -> None:
        """List nothing yet."""
        self._session, self._settings = session, settings
        self._listed: dict[str, There | InputMissingError] = {}

    def of(self, part: DayAtAge) -> Found:
        """What there is of them for a day at an age.

        Raises:
            ContractError: One cannot be read as what it is declared to be (exit 2).
        """
        day = Day(part.event_date, self._settings.day.timezone)
        asked = wanted(self._settings, day, day.as_of(part.age_hours))
        try:
            listed = {name: self._there(each) for name, each in asked.items()}
            every = {name: listed[name].wanted(each) for name, each in asked.items()}
        except InputMissingError as error:
            return Found(absent=str(error))
        noted = {name: listed[name].noted(every[name], each) for name, each in asked.items()}
        kept = {name: of_day(every[name], each) for name, each in asked.items()}
        files = [file for each in kept.values() for file in each]
        footers = (footer for name, each in asked.items() for footer in told(kept[name], each))
        rows = (None if footer is None else footer.rows for footer in footers)
        return Found(noted, None, _sum(rows), _sum(file.size for file in files))

    def _there(self, wanted: Wanted) -> There:
        if wanted.name not in self._listed:
            try:
                self._listed[wanted.name] = there(self._session, wanted.name, wanted.source)
            except InputMissingError as error:
                self._listed[wanted.name] = error
        found = self._listed[wanted.name]
        if isinstance(found, InputMissingError):
            raise found
        return found


def _sum(counts: Iterable[int | None]) -> int | None:
    """The sum, or None where one is not known, or there is none."""
    every = list(counts)
    known = [count for count in every if count is not None]
    return sum(known) if every and len(known) == len(every) else None
