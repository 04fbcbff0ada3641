"""Labels that lag day after day by the same part: what counts can tell of it, and what only people know.

A constant part of all positives that is lost, each by itself, leaves a Poisson process of a lower rate: just what a
fall of the rate leaves. No count tells the one from the other, and so what lags stays late or missing. What can be told
is that it began on a day and has one level since, and whether the labels arrive in the shape that they always have;
late ones do not. Who knows that the rate has fallen says so, `labels.NAME.level_since`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import special

from jobs.judgement.maturity.curves import Curve
from jobs.judgement.maturity.usual import LEAST_DAYS
from jobs.judgement.uncertainty import student
from jobs.ledger.judgements import AS_ALWAYS, LATE, MISSING, OTHERWISE
from udfs.exact.numerics import total

NUMBERS = ("positives", "expected_positives")
LEAST = 7  # days at one level: a week, with every weekday
CHANCE = 0.01  # that days at one level, or of one shape, are taken for others
OF_SHARE = 2.0 * 1.959963984540054  # standard errors in the width of a 95 % interval
Row = Mapping[str, Any]
Days = Mapping[date, Row]


@dataclass(frozen=True)
class Lasting:
    """What lags at one level for a week or longer.

    Attributes:
        days: How many days in a row, the last one among them.
        shape: Whether labels arrive `as_always` on these days, or `otherwise`; None where too few days can tell.
    """

    days: int
    shape: str | None


def lasting(
    label: str, curve: Curve, verdicts: Sequence[str | None], of: pa.Table, day: tuple[date, int]
) -> list[Lasting | None]:
    """Of every slice what lasts of its lag, or None.

    Args:
        label: The label.
        curve: How it arrives on the day.
        verdicts: Of every slice.
        of: Rows of `label_arrival` of earlier days, at the age of the day and at others.
        day: The day and its age.
    """
    lagging = [row for row, verdict in enumerate(verdicts) if verdict in (LATE, MISSING)]
    before = _by_slice(of, label, [curve.texts[row] for row in lagging])
    expected = curve.by_weight.value * curve.total("weight")
    found: list[Lasting | None] = [None] * len(verdicts)
    for row in lagging:
        ages, noise = before.get(curve.texts[row], {}), (curve.by_weight.noise[row], curve.by_weight.drift[row])
        run = _run(ages.get(day[1], {}), day[0])
        now = {"positives": curve.total(curve.positives)[row], "expected_positives": expected[row]}
        size = at_one_level([*(each for _, each in run), now], *noise)
        if size is not None:
            found[row] = Lasting(size, _shape(ages, [each for each, _ in run[len(run) + 1 - size :]]))
    return found


def _by_slice(of: pa.Table, label: str, texts: Sequence[str]) -> dict[str, dict[int, dict[date, Row]]]:
    """Rows of a label by slice, age and day."""
    found: dict[str, dict[int, dict[date, Row]]] = {}
    own = pc.and_(pc.equal(of["label"], label), pc.is_in(of["slice"], value_set=pa.array(texts, type=pa.string())))
    for row in of.filter(own).to_pylist() if texts else ():
        found.setdefault(row["slice"], {}).setdefault(row["age_hours"], {})[row["event_date"]] = row
    return found


def _run(days: Days, day: date) -> list[tuple[date, Row]]:
    """The days right before a day that lag like it, in their order."""
    found: list[tuple[date, Row]] = []
    while (day := day - timedelta(days=1)) in days and days[day]["verdict"] in (LATE, MISSING):
        found.append((day, days[day]))
    return found[::-1]


def at_one_level(days: Sequence[Row], noise: float, drift: float) -> int | None:
    """How many days up to the last are at one level, what is there being the same part of what is expected.

    Of a part r̄ = Σ positives / Σ expected a day has the variance r̄·φ / expected + τ²·r̄²; the days are at one level
    where the squares of what they are apart add up to no more than chance allows (χ² with one degree of freedom less).
    A fall within a day makes that a level of its own: it is left out.

    Args:
        days: With `positives` and `expected_positives`, in their order.
        noise: φ of `Usual`.
        drift: τ² of `Usual`.

    Returns:
        None where that is less than a week.

    >>> at_one_level([{"positives": 60.0, "expected_positives": 100.0}] * 8, 1.0, 0.0)
    8
    """
    found, expected = (np.array([day[name] for day in days], dtype=np.float64) for name in NUMBERS)
    for size in range(len(days), LEAST - 1, -1):
        own, of = found[-size:], expected[-size:]
        level = total(own) / total(of)
        apart = np.square(own / of - level) / (level * noise / of + drift * level**2) if level > 0.0 else np.zeros(size)
        if special.chdtrc(size - 1.0, total(apart)) > CHANCE:
            return size
    return None


def _shape(ages: Mapping[int, Days], days: Sequence[date]) -> str | None:
    """Whether the share of final positives that was there at a younger age was, day by day, as it always is."""
    if not ages:
        return None
    *younger, last = sorted(ages)
    # Of the ages the oldest one that is not the last: most of it is known there.
    apart = [each for age in younger[-1:] for each in _apart(ages[age], ages[last], days)]
    if len(apart) < LEAST_DAYS:
        return None
    z = np.array([total(np.array(apart)) / len(apart) ** 0.5])
    p = student.two_sided(z, np.ones(1), np.full(1, np.inf))[0]
    return AS_ALWAYS if p > CHANCE else OTHERWISE


def _apart(young: Days, last: Days, days: Sequence[date]) -> Iterator[float]:
    """By how many standard errors the share of each day differs from what was expected of it."""
    for day in days:
        one, other = young.get(day), last.get(day)
        if one is None or other is None or not (one["positives"] and other["positives"]) or not _known(one):
            continue
        share = one["positives"] / other["positives"]
        # The interval is that of as many as were expected, and of fewer chance is larger.
        fewer = min(one["positives"] / one["expected_positives"], 1.0) ** 0.5
        yield fewer * (share - one["share"]) / ((one["share_high"] - one["share_low"]) / OF_SHARE)


def _known(row: Row) -> bool:
    """Whether the share has an interval of its own."""
    of_slice = row["share_of"] == "slice" and row["share_high"] is not None and row["expected_positives"]
    return bool(of_slice) and row["share_high"] > row["share_low"]
