"""Labels that logs give to a few impressions: every event about them, each held against the window of each."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.inputs import Found
from jobs.audit.recount import values
from jobs.audit.recount.reading import batches
from jobs.day import Day, micros, span_micros
from jobs.settings import Evaluation, LabelLog

BILLION: Final = 10**9


@dataclass(frozen=True)
class Row:
    """A row of a log that nothing rejects: times in µs, `known` at the cut-off, `inside` where it can be of the day."""

    about: str
    time: int
    event: str | None
    known: bool
    inside: bool
    retracted: bool
    value: float | None


@dataclass(frozen=True)
class Event:
    """An event as impressions see it: whose it is, when it counts from, when it was, and what it is worth."""

    about: str
    at: int
    time: int
    value: float


@dataclass(frozen=True)
class Logs:
    """The label logs of a run.

    Attributes:
        settings: What the run was configured with.
        found: Its sources.
        day: The day.
        as_of: Up to when labels were known.
    """

    settings: Evaluation
    found: Mapping[str, Found]
    day: Day
    as_of: datetime

    def labels(self, name: str, shown: Iterable[tuple[str, int]]) -> dict[tuple[str, int], float]:
        """The label that a log gives to each impression, by its id and time."""
        every = list(shown)
        log, events = self.settings.label_logs[name], defaultdict(list)
        for event in self._standing(name, {key for key, _ in every}):
            events[event.about].append(event)
        span = span_micros(self.settings.span(name))
        return {(key, time): _made(log, [e for e in events[key] if time <= e.at < time + span]) for key, time in every}

    def _standing(self, name: str, about: Collection[str]) -> Iterator[Event]:
        """The events that may be labels of some impressions."""
        log = self.settings.label_logs[name]
        if log.via is None:
            for row in self._once(name, self._rows(name, about), every=False):
                if not row.retracted and row.about in about:
                    yield Event(row.about, row.time, row.time, row.value or 0.0)
            return
        clicks = {row.event: row for row in self._once(log.via, self._rows(log.via, about), every=True)}
        for row in self._once(name, self._rows(name, {key for key in clicks if key is not None}), every=False):
            click = clicks.get(row.about)
            if click is not None and not row.retracted:
                yield from self._through(log, row, click)

    def _through(self, log: LabelLog, row: Row, click: Row) -> Iterator[Event]:
        if not log.post_click:
            yield Event(click.about, row.time, row.time, row.value or 0.0)
        elif not click.retracted and 0 <= row.time - click.time < span_micros(log.window):
            yield Event(click.about, click.time, row.time, row.value or 0.0)

    def _once(self, name: str, rows: Iterable[Row], *, every: bool) -> Iterator[Row]:
        """Each event once, by its first copy; what one copy takes back is taken back."""
        log = self.settings.label_logs[name]
        copies: dict[Any, list[Row]] = defaultdict(list)
        for row in rows:
            if row.known and (log.columns.event is not None or row.inside):
                own = (row.about, row.time, row.value) if log.columns.event is None else row.event
                copies[own].append(row)
        for some in copies.values():
            if every or any(row.inside for row in some):
                first = min(some, key=lambda row: _order(row, log))
                gone = any(row.retracted for row in some)
                yield Row(first.about, first.time, first.event, True, first.inside, gone, first.value)

    def _rows(self, name: str, about: Collection[str]) -> list[Row]:
        """The rows about some ids; of events with ids of their own also their copies, which may be about others."""
        log = self.settings.label_logs[name]
        rows = list(self._matching(name, log.columns.id, about))
        if log.columns.event is None:
            return rows
        return list(self._matching(name, log.columns.event, {row.event for row in rows if row.event is not None}))

    def _matching(self, name: str, column: str, keys: Collection[str]) -> Iterator[Row]:
        log, found = self.settings.label_logs[name], self.found[f"labels.{name}"]
        wanted = pa.array(sorted(keys), pa.string())
        for batch in batches(found, log.mapped):
            some = pa.Table.from_batches([batch])
            yield from self._parsed(name, some.filter(pc.is_in(some[column].cast(pa.string()), value_set=wanted)))

    def _parsed(self, name: str, rows: pa.Table) -> Iterator[Row]:
        """The rows that nothing rejects."""
        log, zone = self.settings.label_logs[name], self.day.timezone
        columns = log.columns
        clocks = {"time": columns.time, "ingested": columns.ingested, "retracted": columns.retracted}
        times = {
            each: values.moments(rows[clock.column].combine_chunks(), clock, zone).to_pylist()
            for each, clock in clocks.items()
            if clock is not None
        }
        last, until = micros(self.day.end + self.settings.reach(name)), micros(self.as_of)
        for i, raw in enumerate(rows.to_pylist()):
            time, came = times["time"][i], times.get("ingested", [0] * rows.num_rows)[i]
            gone = times["retracted"][i] if columns.retracted is not None else None
            stands = columns.retracted is None or raw[columns.retracted.column] is None
            value = values.number(raw[columns.value]) if columns.value is not None else None
            about, event = values.text(raw[columns.id]), values.text(raw[columns.event]) if columns.event else None
            wrong = columns.value is not None and (value is None or not math.isfinite(value))
            if None in (about, time, came) or (columns.event and event is None) or (wrong and stands):
                continue
            if not stands and gone is None:
                continue
            known = time < until and (columns.ingested is None or came < until)
            inside = known and micros(self.day.start) <= time < last
            assert about is not None
            yield Row(about, time, event, known, inside, gone is not None and gone < until, value)


def _order(row: Row, log: LabelLog) -> tuple[Any, ...]:
    """Of copies the first: one that can be of the day and has a value, the earliest, of the least id, the dearest."""
    lacking = log.columns.value is not None and row.value is None
    return (not row.inside or lacking, row.time, row.about, -(row.value or 0.0))


def _made(log: LabelLog, events: Sequence[Event]) -> float:
    """The label that the rule of a log makes of the events in the window of an impression."""
    if log.events == "any":
        return float(bool(events))
    if log.events == "count":
        return float(len({(event.at, event.time) for event in events}) if log.plain else len(events))
    if log.events == "first":
        first = min(events, key=lambda event: (event.at, event.time, -event.value), default=None)
        return 0.0 if first is None else first.value
    billionths = sum(_billionths(event.value) for event in events)
    return float(Fraction(billionths, BILLION))


def _billionths(value: float) -> int:
    whole = value.__floor__()
    return whole * BILLION + round((value - float(whole)) * BILLION)
