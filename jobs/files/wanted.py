"""What a run wants of a source: which rows at least, and which of its folders and files can hold any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from jobs import paths
from jobs.day import EPOCH, Day, spellings
from jobs.files.unchanged import File
from jobs.settings import Source, TimeColumn

READERS = 8
# A time without a zone may be meant twice where clocks are put back.
HOUR = timedelta(hours=1)


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
        time: Its column of times, or None.
    """

    name: str
    source: Source
    day: Day
    partition: str | None = None
    until: datetime | None = None
    columns: frozenset[str] | None = None
    time: TimeColumn | None = None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Between which moments a row has a say: those of the day, or where events are wanted up to their last one."""
        return self.day.start, self.until or self.day.end

    @cached_property
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


class Told(NamedTuple):
    """What the footer of a file tells: its rows, and the least and greatest of its times, None where it does not."""

    rows: int
    least: datetime | None = None
    greatest: datetime | None = None


def of_day(files: Iterable[File], wanted: Wanted) -> list[File]:
    """The files that can hold a row of the day, or of a label log an event of its impressions before the cut-off.

    A file that does not tell its times can.
    """
    every = list(files)
    start, end = wanted.bounds
    return [
        file
        for file, of in zip(every, told(every, wanted), strict=True)
        if of is None or of.least is None or of.greatest is None or (of.least < end and of.greatest >= start)
    ]


def told(files: Iterable[File], wanted: Wanted) -> list[Told | None]:
    """What the footer of each file tells; None of all but local Parquet files, also of one that is damaged."""
    column, unit = (None, None) if wanted.time is None else (wanted.time.column, wanted.time.unit)
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda file: _told(file, column, unit, wanted.day.timezone), files))


@cache
def _told(file: File, column: str | None, unit: str | None, zone: str) -> Told | None:
    """Kept by path, size and time of the file: several ages of a day ask the same files."""
    local = paths.local_path(file.path)
    if local is None:
        return None
    try:
        metadata = pq.read_metadata(local)
    except (pa.ArrowException, OSError):
        # It is of another format, or damaged: that a run tells, with what mends it.
        return None
    spans = [_span(metadata.row_group(i), column, unit, zone) for i in range(metadata.num_row_groups)]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans) or not known:
        return Told(metadata.num_rows)
    return Told(metadata.num_rows, min(least for least, _ in known), max(greatest for _, greatest in known))


def _span(group: Any, column: str | None, unit: str | None, zone: str) -> tuple[datetime, datetime] | None:
    """The least and greatest time of a group of rows; None where one is absent, as such a row is of every day."""
    chunks = (group.column(i) for i in range(group.num_columns))
    for chunk in (chunk for chunk in chunks if chunk.path_in_schema == column):
        found = chunk.statistics
        if found is None or not found.has_min_max or not found.has_null_count or found.null_count:
            return None
        try:
            raw = found.min, found.max
        except (OverflowError, ValueError):
            return None  # beyond what Python's calendar can say
        ends = [moment for value in raw for moment in _moments(value, unit, zone)]
        return (min(ends), max(ends)) if len(ends) > 1 else None
    return None


def _moments(value: object, unit: str | None, zone: str) -> Iterator[datetime]:
    """The moments that a raw time may mean; none of what is no time, or beyond the calendar."""
    try:
        if unit is not None and isinstance(value, int):
            yield EPOCH + timedelta(microseconds=value * {"s": 1_000_000, "ms": 1_000, "us": 1}[unit])
        elif unit is None and isinstance(value, datetime):
            if value.tzinfo is not None:
                yield value.astimezone(UTC)
            else:
                local = value.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
                yield from (local - HOUR, local + HOUR)
    except OverflowError:
        return
