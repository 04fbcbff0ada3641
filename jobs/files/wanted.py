"""What a run wants of a source: which rows at least, and which of its folders can hold any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.day import Day, spellings
from jobs.settings import Source


@dataclass(frozen=True)
class Wanted:
    """A source to pin.

    Attributes:
        name: Where it stands in the configuration, for messages.
        source: What to read.
        day: The day of the run, for pruning by `partition`.
        partition: The source's own date column, or None.
        until: The moment up to which events after the day are wanted, or None where only the day is.
        columns: The columns that are wanted, or None for all.
    """

    name: str
    source: Source
    day: Day
    partition: str | None = None
    until: datetime | None = None
    columns: frozenset[str] | None = None

    @property
    def spellings(self) -> list[str]:
        """How a partition of the wanted dates may be spelled."""
        dates = self.day.dates_until(self.until or self.day.end - timedelta.resolution)
        return [text for date in dates for text in spellings(date)]

    def may_be_day(self, values: Mapping[str, str]) -> bool:
        """Whether a folder can be what a run needs at least: of impressions, whose day has rows under its own date."""
        value = self._date(values)
        return value is None or self.until is not None or value in self.day.spellings

    def may_hold(self, values: Mapping[str, str]) -> bool:
        """Whether a folder with these partition values can hold rows of the day."""
        value = self._date(values)
        return value is None or value in self.spellings

    def _date(self, values: Mapping[str, str]) -> str | None:
        return values.get(self.partition) if self.partition else None
