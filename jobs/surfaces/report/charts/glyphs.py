"""Small marks beside the rows of a table, on a scale that the rows share: the table itself has the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobs.surfaces.report.charts.scale import Scale, around

WIDTH = 160.0
EDGE = 4.0


class Whisker(NamedTuple):
    """A value with its interval, what it is aimed at, and where it has to lie; places along a row."""

    value: float | None
    low: float | None
    high: float | None
    zero: float | None
    allowed: tuple[float, float] | None = None


class Bar(NamedTuple):
    """A bar from zero: where it begins, how wide it is, and whether it goes to the right."""

    x: float
    width: float
    right: bool


def shared(values: Sequence[float | None]) -> Scale:
    """The scale of all rows."""
    return around(values, EDGE, WIDTH - EDGE)


def whisker(scale: Scale, value: tuple[float | None, float | None, float | None], zero: float | None = None) -> Whisker:
    """A value with both ends of its interval, on a scale."""
    places = [None if each is None else scale.at(each) for each in (*value, zero)]
    return Whisker(places[0], places[1], places[2], places[3])


def allowed(scale: Scale, least: float | None, most: float | None) -> tuple[float, float]:
    """Where a value may lie: x and width; an end that is open reaches the edge."""
    low = 0.0 if least is None else scale.at(least)
    high = WIDTH if most is None else scale.at(most)
    return low, round(max(high - low, 0.0), 1)


def bar(scale: Scale, value: float | None) -> Bar | None:
    """A bar from zero to a value.

    >>> bar(Scale(-1.0, 1.0, 0.0, 100.0), 0.5)
    Bar(x=50.0, width=25.0, right=True)
    """
    if value is None:
        return None
    ends = sorted((scale.at(0.0), scale.at(value)))
    return Bar(ends[0], round(ends[1] - ends[0], 1), value >= 0.0)
