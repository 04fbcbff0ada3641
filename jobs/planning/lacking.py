"""What is not whole of a day that has arrived: told from the rows of each source, and from those of earlier days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from jobs.day import Day
from jobs.errors import InputMissingError, Problem
from jobs.examples.arrival import IMPRESSIONS, Arrived
from jobs.planning.complete import short_tail, too_few, usual_rows
from jobs.planning.history import History
from jobs.settings import Evaluation
from jobs.settings.durations import HOUR


@dataclass(frozen=True)
class LogOfDay:
    """A log as it is judged for the day.

    Attributes:
        name: Of the label, or `impressions`.
        place: Where it stands in the configuration.
        tail: The share of the expected rows that its last hours hold at least.
        arrived: What is there.
        exposure: The impressions of each hour of the day where its rows follow them.
    """

    name: str
    place: str
    tail: float
    arrived: Arrived
    exposure: Sequence[int] = ()


def sources(arrived: Mapping[str, Arrived], history: History, settings: Evaluation, day: Day) -> list[Problem]:
    """The sources that are not whole, with what was found and what was expected."""
    found: list[Problem] = []
    for name, log in settings.label_logs.items():
        if not arrived[name].rows and not log.may_be_empty:
            expected = f"some; or labels.{name}.may_be_empty: true"
            empty = "no event in the windows of this day, so that all its labels would be 0"
            others = f" ({arrived[name].others})" if arrived[name].others else ""
            found.append(Problem(f"labels.{name}", empty + others, expected))
    for source in _sources(arrived, settings):
        found += [*_short(source, history, day), *_few(source, history, settings.limits.volume)]
    return found


def check(day: Day, problems: Sequence[Problem]) -> None:
    """Raise InputMissingError (exit 4) where a source is not whole."""
    if problems:
        told = "is not whole: wait for the rest, or evaluate what is there by --provisional (exit code 4)"
        raise InputMissingError(f"{day.date} {told}", problems)


def _sources(arrived: Mapping[str, Arrived], settings: Evaluation) -> Iterator[LogOfDay]:
    shown = arrived[IMPRESSIONS]
    yield LogOfDay(IMPRESSIONS, IMPRESSIONS, settings.impressions.complete.tail, shown)
    for name, log in settings.label_logs.items():
        if arrived[name].rows:
            yield LogOfDay(name, f"labels.{name}", log.complete.tail, arrived[name], shown.hours)


def _short(source: LogOfDay, history: History, day: Day) -> Iterator[Problem]:
    # A day on which clocks go forward is an hour shorter than those before it.
    usual = history.hours(source.name)[: len(source.arrived.hours)]
    # How late events come after their impressions is known from earlier days only.
    later = 0 if usual else source.arrived.later
    tail = short_tail([*source.arrived.hours, later], source.exposure, usual, source.tail)
    if tail is not None:
        moment = (day.start + tail.hour * HOUR).astimezone(ZoneInfo(day.timezone))
        hour = f"{moment:%Y-%m-%d %H:%M} ({day.timezone})"
        found = f"{tail.rows:,} of its {source.arrived.in_day:,} rows of the day from {hour} on"
        remedy = f"if the log is whole nevertheless, run it with --set {source.place}.complete.tail=0"
        expected = f"about {tail.expected:,.0f} by the hours before; {remedy}"
        yield Problem(source.place, found, expected)


def _few(source: LogOfDay, history: History, share: float) -> Iterator[Problem]:
    earlier = [arrived.in_day for arrived in history.of(source.name)]
    alike = history.alike(source.name)
    # Working days say nothing about the first weekend.
    if not earlier or (history.of_weekend and alike is None):
        return
    usual = usual_rows(earlier, alike)
    if too_few(source.arrived.in_day, usual, share):
        found = f"{source.arrived.in_day:,} rows of the day"
        remedy = "if the day is whole nevertheless, run it with --set limits.volume=0"
        expected = f"about {usual:,.0f} as on earlier days; {remedy}"
        yield Problem(source.place, found, expected)
