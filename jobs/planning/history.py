"""What `runs` knows of the same evaluation at the same age: the rows of earlier days, and whether the day is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs.examples.arrival import Arrived
from jobs.ledger.held import whole
from jobs.ledger.stamp import Stamp
from jobs.planning.evolved import evolved
from jobs.settings import Evaluation

LOOKS_BACK = timedelta(days=28)
DAYS = 7
SATURDAY = 5


@dataclass(frozen=True)
class History:
    """What runs of the same age have done.

    Attributes:
        complete: Whether the day was evaluated, and is not provisional.
        days: What had arrived of earlier days that are complete.
        date: The day itself.
        evolved: What the newest earlier day records otherwise, as sentences.
    """

    complete: bool = False
    days: Mapping[date, Mapping[str, Arrived]] = field(default_factory=dict)
    date: date = date.min
    evolved: tuple[str, ...] = ()

    def of(self, name: str) -> list[Arrived]:
        """A source on the newest earlier days."""
        return [self.days[day][name] for day in sorted(self.days)[-DAYS:] if name in self.days[day]]

    @property
    def of_weekend(self) -> bool:
        """Whether the day is a Saturday or a Sunday, which may be small beside all working days."""
        return self.date.weekday() >= SATURDAY

    def alike(self, name: str) -> int | None:
        """The rows of a source on the newest day like this one: of the same weekday, or of a weekend as it is."""
        known = [day for day in sorted(self.days) if name in self.days[day]]
        same = [day for day in known if day.weekday() == self.date.weekday()]
        weekend = [day for day in known if self.of_weekend and day.weekday() >= SATURDAY]
        return min((self.days[day][name].in_day for day in (*same[-1:], *weekend[-1:])), default=None)

    def hours(self, name: str) -> list[int]:
        """The rows of a source by the hour, of the newest earlier days together."""
        each = [arrived.hours for arrived in self.of(name)]
        return [sum(hours[i] for hours in each if i < len(hours)) for i in range(max(map(len, each), default=0))]


def history(done: pa.Table, settings: Evaluation, stamp: Stamp) -> History:
    """The history of a day.

    Args:
        done: The events of `runs` whose state is done.
        settings: What is configured.
        stamp: The day and its age: a log is held against what it was at the same age.
    """
    near = pc.and_(
        pc.greater_equal(done["event_date"], pa.scalar(stamp.event_date - LOOKS_BACK)),
        pc.less_equal(done["event_date"], pa.scalar(stamp.event_date)),
    )
    rows = done.filter(pc.and_(near, pc.equal(done["age_hours"], stamp.age_hours)))
    rows = rows.filter(whole(rows)).sort_by("event_time").select(["event_date", "arrived"])
    newest = {row["event_date"]: json.loads(row["arrived"]) if row["arrived"] else {} for row in rows.to_pylist()}
    there = newest.pop(stamp.event_date, None) is not None
    days = {day: {name: Arrived.parsed(fields) for name, fields in sources.items()} for day, sources in newest.items()}
    known = {day: sources for day, sources in days.items() if sources}
    return History(there, known, stamp.event_date, tuple(evolved(done, settings, stamp)))
