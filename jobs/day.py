"""The day that is evaluated: half-open bounds in UTC of a date in the declared zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Day:
    """A date in a zone: 23, 24 or 25 hours, from midnight to midnight by the zone's own clock.

    Example:
        >>> Day(dt.date(2026, 3, 29), "Europe/Berlin").hours
        23.0
    """

    date: dt.date
    timezone: str = "UTC"

    @property
    def start(self) -> datetime:
        """The first moment of the day, UTC."""
        return self._midnight(self.date)

    @property
    def end(self) -> datetime:
        """The first moment after the day, UTC."""
        return self._midnight(self.date + timedelta(days=1))

    @property
    def hours(self) -> float:
        """Length of the day in hours."""
        return (self.end - self.start) / timedelta(hours=1)

    @property
    def spellings(self) -> tuple[str, str]:
        """How a partition of the day may be spelled."""
        return spellings(self.date)

    def dates_until(self, moment: datetime) -> list[dt.date]:
        """The dates that a source partitioned by a date of any zone may have put rows of the day to a moment under."""
        one = timedelta(days=1)
        first, last = self.date - one, moment.astimezone(ZoneInfo(self.timezone)).date() + one
        return dates(first, last)

    def as_of(self, age_hours: int) -> datetime:
        """The moment up to which labels are known at an age, UTC."""
        return self.end + timedelta(hours=age_hours)

    def date_of(self, moment: int) -> dt.date:
        """The date of a moment, µs since 1970-01-01 UTC, in the zone of the day."""
        return (EPOCH + timedelta(microseconds=moment)).astimezone(ZoneInfo(self.timezone)).date()

    def _midnight(self, day: dt.date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.timezone)).astimezone(UTC)


def dates(first: dt.date, last: dt.date) -> list[dt.date]:
    """The dates from the first to the last.

    >>> [str(each) for each in dates(dt.date(2026, 2, 27), dt.date(2026, 3, 1))]
    ['2026-02-27', '2026-02-28', '2026-03-01']
    """
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


def spellings(date: dt.date) -> tuple[str, str]:
    """How a partition of a date may be spelled.

    Example:
        >>> spellings(dt.date(2026, 3, 9))
        ('2026-03-09', '20260309')
    """
    return date.isoformat(), f"{date:%Y%m%d}"


def micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def span_micros(span: timedelta) -> int:
    """A length of time in microseconds."""
    return span // timedelta(microseconds=1)
