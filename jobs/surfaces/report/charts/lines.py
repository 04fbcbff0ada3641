"""Lines over days: a panel for each number, a line for each model, what is not final hatched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import NamedTuple

from jobs.surfaces.report.charts.scale import Scale, around

WIDTH, HEIGHT = 360.0, 168.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 346.0, 10.0, 146.0


class Value(NamedTuple):
    """A number of a day with its interval."""

    day: date
    value: float
    low: float | None = None
    high: float | None = None
    final: bool = True


class Mark(NamedTuple):
    """A value where it stands: x, y, and the y of both ends of its interval."""

    of: Value
    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Line:
    """The values of one model, ascending by day, and its nowcasts.

    Attributes:
        name: The model.
        number: Its place among the models, which decides its colour and mark.
        values: As the tables have them.
        expected: What values will be once all labels are there.
    """

    name: str
    number: int
    values: tuple[Value, ...]
    expected: tuple[Value, ...] = ()
    marks: tuple[Mark, ...] = ()
    expected_marks: tuple[Mark, ...] = ()
    path: str = ""
    ribbon: str = ""


@dataclass(frozen=True)
class Panel:
    """One number over days, drawn.

    Attributes:
        key: Tells it from all others of the page.
        title: What is shown of what.
        metric: The number.
        lines: With their marks.
        young: Where days stand whose labels can still change: x and width.
        reference: The y of the value that is aimed at, where there is one.
        xs: Places and texts of the days that are named.
        ys: Places and texts of the ticks.
    """

    key: str
    title: str
    metric: str
    lines: tuple[Line, ...]
    young: tuple[tuple[float, float], ...]
    reference: float | None
    xs: tuple[tuple[float, str], ...]
    ys: tuple[tuple[float, str], ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = RIGHT
    bottom: float = BOTTOM
    top: float = TOP

    @property
    def summary(self) -> str:
        """What the panel says, for who does not see it."""
        return f"{self.title}. " + "; ".join(map(_said, self.lines)) + "."


def panel(key: str, titles: tuple[str, str], lines: Sequence[Line], days: Sequence[date], aim: float | None) -> Panel:
    """Lines drawn over days.

    Args:
        key: Tells the panel from all others of the page.
        titles: What is shown, and the name of the number.
        lines: Without marks.
        days: All days that may be shown, ascending; those before the first value are left out.
        aim: The value that is aimed at, where there is one.
    """
    every = [value for line in lines for value in (*line.values, *line.expected)]
    days = days[days.index(min(value.day for value in every)) :]
    x = Scale(0.0, max(len(days) - 1.0, 1.0), LEFT + 6.0, RIGHT - 6.0)
    y = around([*(each for value in every for each in value[1:4]), aim], BOTTOM, TOP)
    place = {day: x.at(float(i)) for i, day in enumerate(days)}
    young = {value.day for line in lines for value in line.values if not value.final}
    return Panel(
        key,
        titles[0],
        titles[1],
        tuple(_drawn(line, place, y) for line in lines),
        tuple(_hatched(sorted(young), place, len(days))),
        None if aim is None else y.at(aim),
        tuple(_named(days, place)),
        tuple(y.ticks()),
    )


def _drawn(line: Line, place: dict[date, float], y: Scale) -> Line:
    marks = tuple(_mark(value, place, y) for value in line.values)
    expected = tuple(_mark(value, place, y) for value in line.expected)
    # Where a day is missing the line has a gap.
    days = {day: i for i, day in enumerate(place)}
    runs = [
        [mark for _, mark in run]
        for _, run in groupby(enumerate(marks), key=lambda each: days[each[1].of.day] - each[0])
    ]
    path = "".join("M" + "L".join(f"{mark.x:g} {mark.y:g}" for mark in run) for run in runs)
    ribbon = "".join(map(_ribbon, runs))
    return replace(line, marks=marks, expected_marks=expected, path=path, ribbon=ribbon)


def _mark(value: Value, place: dict[date, float], y: Scale) -> Mark:
    ends = (None if end is None else y.at(end) for end in (value.low, value.high))
    return Mark(value, place[value.day], y.at(value.value), *ends)


def _ribbon(run: Sequence[Mark]) -> str:
    """Around a line from the lower ends of its intervals to the upper ones."""
    ends = [mark for mark in run if mark.low is not None]
    if len(ends) < 2:
        return ""
    there = "L".join(f"{mark.x:g} {mark.high:g}" for mark in ends)
    back = "L".join(f"{mark.x:g} {mark.low:g}" for mark in reversed(ends))
    return f"M{there}L{back}Z"


def _hatched(young: Sequence[date], place: dict[date, float], count: int) -> Iterable[tuple[float, float]]:
    width = (RIGHT - LEFT - 12.0) / max(count - 1, 1)
    for day in young:
        left, right = max(LEFT, place[day] - width / 2.0), min(RIGHT, place[day] + width / 2.0)
        yield round(left, 1), round(right - left, 1)


def _named(days: Sequence[date], place: dict[date, float]) -> Iterable[tuple[float, str]]:
    """The last day, and those whole weeks before it; of few days each."""
    step = 7 if len(days) > 8 else max(1, len(days) // 4)
    for day in days[::-1][::step]:
        yield place[day], f"{day.day} {day:%b}"


def _said(line: Line) -> str:
    first, last = line.values[0], line.values[-1]
    told = f"{line.name} {last.value:.4g} on {last.day}"
    return told if first.day == last.day else f"{told}, {first.value:.4g} on {first.day}"
