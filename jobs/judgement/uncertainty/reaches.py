"""How sure a decision on a nowcast is: of what the day will be, and of whom chance has brought on that day.

The interval of a nowcast holds what becomes of the day. A gate asks of the model, as on days whose labels are there, so
it has to hold chance as well: else a small slice fails while its labels arrive, and is undecided once they are there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
Reach = tuple[float, float]  # how far the ends of an interval are below and above the value, as parts of it


def reach(row: Row | None, names: tuple[str, str, str] = ("value", "ci_low", "ci_high")) -> Reach | None:
    """How far an interval reaches below and above its value, as parts of the value; None without either or of 0.

    >>> reach({"value": 2.0, "ci_low": 1.5, "ci_high": 3.0})
    (0.25, 0.5)
    """
    value, low, high = (None if row is None else row.get(name) for name in names)
    if not value or low is None or high is None:
        return None
    return (value - low) / abs(value), (high - value) / abs(value)


def joint(*reaches: Reach) -> Reach:
    """How far all together reach, √Σ r²: as errors that have nothing to do with each other do.

    >>> joint((0.3, 0.6), (0.4, 0.8))
    (0.5, 1.0)
    """
    below, above = (math.sqrt(math.fsum(each[end] ** 2 for each in reaches)) for end in (0, 1))
    return below, above


def with_chance(nowcast: Row, by_now: Row | None) -> Row:
    """A row of a nowcast whose interval holds chance too: as far as that of the number by now reaches, as a part of it.

    By now fewer positives are there than will be, so that it reaches further than that of the day will.

    Args:
        nowcast: The row of `metrics`.
        by_now: That of the number itself in the same slice.
    """
    of_day, of_chance = reach(nowcast), reach(by_now)
    if of_day is None or nowcast.get("reason") or nowcast.get("ci_reason"):
        return nowcast
    if of_chance is None:
        why = None if by_now is None else by_now.get("reason") or by_now.get("ci_reason")
        return {**nowcast, "ci_low": None, "ci_high": None, "ci_reason": why or "no_interval_by_now"}
    value, (below, above) = nowcast["value"], joint(of_day, of_chance)
    return {**nowcast, "ci_low": value - below * abs(value), "ci_high": value + above * abs(value)}
