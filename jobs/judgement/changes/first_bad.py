"""Since when: the first day of the current run of days that the days before it do not allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from udfs.exact.arrays import FloatArray

# A median absolute deviation times this is the standard deviation of normal days.
NORMAL = 1.4826


class FirstBad(NamedTuple):
    """When a run began.

    Attributes:
        day: The number of its first day; None where there is a reason.
        days: How many days it has, those without a value left out.
        usual: Median of the days before it.
        deviation: How far its first day is from that, in standard errors.
        reason: `too_few_days` before the last one, `no_value` on the last one, `usual` where it is allowed.
    """

    day: int | None
    days: int
    usual: float
    deviation: float
    reason: str | None


def first_bad_day(values: FloatArray, stderr: FloatArray, *, least_days: int = 7, allowed: float = 3.0) -> FirstBad:
    """The first day of the current run of bad days, of one metric and slice at one age. (days,), (days,).

    A day is allowed by the days before if it is within `allowed` · s of their median, where s² is the larger of
    (1.4826 · median absolute deviation)² and the median of their squared standard errors, plus its own. It is the
    earliest day from which on every day is outside what the days *before the run* allow, on the same side: so a run
    does not become usual by lasting, and a day outside on the other side ends it.

    Args:
        values: By day, the last is the one in question; NaN where there is none: such a day is neither good nor bad.
        stderr: Of the values; NaN counts as 0.
        least_days: Days with a value before a run, without which nothing is told.
        allowed: How many standard errors are.

    >>> import numpy as np
    >>> week = np.array([1.0, 1.1, 0.9, 1.0, 1.1, 0.9, 1.0])
    >>> first_bad_day(np.append(week, [1.6, 1.7]), np.full(9, 0.05))[:3]
    (7, 2, 1.0)
    """
    days = [(i, *pair) for i, pair in enumerate(zip(values.tolist(), stderr.tolist(), strict=True))]
    known = [(i, value, 0.0 if math.isnan(error) else error) for i, value, error in days if not math.isnan(value)]
    if not known or known[-1][0] != values.size - 1:
        return FirstBad(None, 0, math.nan, math.nan, "no_value")
    if len(known) <= least_days:
        return FirstBad(None, 0, math.nan, math.nan, "too_few_days")
    for start in range(least_days, len(known)):
        usual, deviations = _deviations(known, start)
        if min(deviations) > allowed or max(deviations) < -allowed:
            return FirstBad(known[start][0], len(known) - start, usual, deviations[0], None)
    return FirstBad(None, 0, usual, deviations[-1], "usual")


def _deviations(known: Sequence[tuple[int, float, float]], start: int) -> tuple[float, list[float]]:
    """Median of the days before, and how far those from `start` on are from it, in standard errors."""
    usual = median(value for _, value, _ in known[:start])
    spread = NORMAL * median(abs(value - usual) for _, value, _ in known[:start])
    squared = max(spread * spread, median(error * error for _, _, error in known[:start]))
    return usual, [_quotient(value - usual, math.sqrt(squared + error * error)) for _, value, error in known[start:]]


def _quotient(away: float, error: float) -> float:
    return away / error if error > 0.0 else math.copysign(math.inf, away) if away else 0.0
