"""The worst crosses: few, each of which says what no shorter one and none above it in the list has said.

A cross S is judged by its rate θ_S, as the log loss or the mean of score minus label, or by the difference of two
sides, as two days or two models. Harm is difference × weight. Of a planted cause the cross that is the cause has the
most σ: what holds it is diluted, what is part of it has fewer rows. So crosses are taken in the order of σ, each
with what those before it explain subtracted, and are told in the order of harm.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jobs.judgement.slices.audit import sigmas, two_sided, unskewed
from jobs.judgement.slices.crosses import FREE, Cells, Crosses
from jobs.judgement.slices.rates import Rate, Side, difference_of, over_parents, sliceline_score
from jobs.judgement.uncertainty.discoveries import RATE, adjusted
from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.numerics import ratio, total


@dataclass(frozen=True)
class Search:
    """What is looked for.

    Attributes:
        depth: How many dimensions a cross has at most.
        least_rows: A cross needs as many rows, in each side.
        most: How many are listed at most.
        discoveries: False ones among the listed, as a share: the level of Benjamini and Hochberg.
        sigmas: By how many standard errors a cross differs from its best parent, and from what is explained.
        inflation: How many times as large variances are as those of independent rows (rows of one user are not).
        stderr: Standard error of the rate of all rows by shards of units, or of its difference; NaN where there is
            none. `inflation` comes of it.
        both_ways: A difference below 0 is harm too, as of calibration.
        alpha: SliceLine's weight of errors against size.
    """

    depth: int = 3
    least_rows: int = 100
    most: int = 20
    discoveries: float = RATE
    sigmas: float = 2.0
    inflation: float = 1.0
    stderr: float = math.nan
    both_ways: bool = False
    alpha: float = 0.95


@dataclass(frozen=True)
class Worst:
    """One of the worst crosses. `before` is None with one side; `over_parents` is the difference to the best parent.

    `harm` is the difference times the weight; both ways it is how much farther from 0 the rate is, times the weight.

    `unexplained` is the part of the difference that no listed cross of more σ explains, `score` SliceLine's of the
    side now (None for rates that can be negative).
    """

    slice: str
    values: dict[str, str]
    depth: int
    before: float | None
    now: float
    difference: float
    weight: float
    harm: float
    stderr: float
    z: float
    p_adjusted: float
    over_parents: float
    unexplained: float
    score: float | None


class Found(NamedTuple):
    """What a search has found.

    Attributes:
        worst: By harm, shorter ones before longer ones of the same.
        judged: How many crosses had enough rows to be judged.
        reason: Why none was: `no_rows`, `no_weight`, `not_recorded` sums, `too_few_rows`, `no_variance`; else None.
    """

    worst: list[Worst]
    judged: int
    reason: str | None


class _Judged(NamedTuple):
    sides: Sequence[Side]
    difference: FloatArray  # NaN where the cross is not judged
    variance: FloatArray
    skewness: FloatArray
    steady: FloatArray  # σ of the difference by which it is told from chance
    adjusted: FloatArray
    over_parents: FloatArray
    clear: np.ndarray


def worst(given: Cells, found: Crosses, rate: Rate, search: Search) -> Found:
    """The worst of all crosses.

    Args:
        given: The cells that the crosses were added from. Two sides: before, now.
        found: The crosses.
        rate: What to judge by.
        search: What is looked for.
    """
    if not len(found.codes):
        return Found([], 0, "no_rows")
    judged = _judged(found, rate, search)
    if np.isnan(judged.difference).all():
        return Found([], 0, _why_none(found, judged, search))
    harm = _harm(judged, search)
    listed = _explaining(given, found, judged, harm, (rate, search))
    order = sorted((row for row in listed if harm[row] > 0.0), key=lambda row: (-harm[row], row))
    told = [_told(found, judged, row, (float(harm[row]), listed[row], search.alpha)) for row in order]
    return Found(told, int((~np.isnan(judged.difference)).sum()), None)


def _why_none(found: Crosses, judged: _Judged, search: Search) -> str:
    """Why no cross is judged: what holds of all rows."""
    if any(side.weight[0] == 0.0 for side in judged.sides):
        return "no_weight"
    if np.isnan(judged.variance[0]):
        return "not_recorded"
    return "too_few_rows" if (found.nearest("n")[:, 0] < search.least_rows).any() else "no_variance"


def _judged(found: Crosses, rate: Rate, search: Search) -> _Judged:
    sums = {name: found.nearest(name) for name in found.sums}
    sides = [rate({name: values[side] for name, values in sums.items()}) for side in range(found.sides)]
    sides = [side.inflated(search.inflation) for side in sides]
    difference, variance, skewness = difference_of(sides)
    large = (sums["n"] >= search.least_rows).all(axis=0) & (variance > 0.0)
    difference = np.where(large, difference, np.nan)
    steady = unskewed(sigmas(difference, variance), skewness)
    p_adjusted = adjusted(two_sided(steady))
    over, error = over_parents(found.parents, sides, difference, both_ways=search.both_ways)
    ways = np.abs(difference) if search.both_ways else difference
    with np.errstate(invalid="ignore"):
        clear = (ways > 0.0) & (p_adjusted <= search.discoveries) & (over > search.sigmas * error)
    return _Judged(sides, difference, variance, skewness, steady, p_adjusted, over, clear)


def _harm(judged: _Judged, search: Search) -> FloatArray:
    """How much worse each cross is, times its weight; both ways, how much farther from 0. (crosses,)."""
    sides = judged.sides
    if not search.both_ways:
        return judged.difference * sides[-1].weight
    away = [np.abs(ratio(side.total, side.weight)) for side in sides]
    return (away[-1] - away[0] if len(away) > 1 else away[0]) * sides[-1].weight


def _explaining(
    given: Cells, found: Crosses, judged: _Judged, harm: FloatArray, asked: tuple[Rate, Search]
) -> dict[int, float]:
    """The crosses that are listed, with what of their difference was not explained yet, that of most σ first.

    The k-th of them has to be one by its unexplained part alone: p · crosses / k is within the level of discoveries.
    What came nearer to 0 explains too, but is no harm, and not counted among the most.
    """
    rate, search = asked
    left = _Left(given, found, judged, rate)
    crosses = int((~np.isnan(judged.difference)).sum())
    heap = [(-abs(float(judged.steady[row])), row, 0) for row in np.flatnonzero(judged.clear).tolist()]
    heapq.heapify(heap)
    listed: dict[int, float] = {}
    while heap and sum(harm[row] > 0.0 for row in listed) < search.most:
        _, row, seen = heapq.heappop(heap)
        rest, z = left.of(row)
        z *= -1.0 if search.both_ways and judged.difference[row] < 0.0 else 1.0
        by_chance = float(two_sided(np.array([z]))[0]) * crosses / (len(listed) + 1)
        if z <= search.sigmas or by_chance > search.discoveries:
            continue
        if seen < len(listed):
            # Something was listed since: another may have more σ now.
            heapq.heappush(heap, (-z, row, len(listed)))
            continue
        listed[row] = rest
        left.explain(row, rest)
    return listed


class _Left:
    """What is not explained of the difference of a cross, from the cells of the last side."""

    def __init__(self, given: Cells, found: Crosses, judged: _Judged, rate: Rate) -> None:
        last = given.side == given.sides - 1
        self.found, self.judged, self.codes = found, judged, given.codes[last]
        self.weight = rate({name: sums.nearest()[last] for name, sums in given.sums.items()}).weight
        self.explained = np.zeros(self.weight.size)

    def of(self, row: int) -> tuple[float, float]:
        """The unexplained difference of a cross, and its σ."""
        own = self._cells(row)
        weight = self.weight[own]
        terms = weight * self.explained[own]
        # Of the rows of the cells: a cross can be of fewer, those that two models share.
        known = total(terms[terms != 0.0]) / total(weight) if terms.any() else 0.0
        rest = float(self.judged.difference[row]) - known
        z = np.array([rest / float(np.sqrt(self.judged.variance[row]))])
        return rest, float(unskewed(z, self.judged.skewness[[row]])[0])

    def explain(self, row: int, rest: float) -> None:
        """Let the cells of a cross be explained by so much more."""
        self.explained[self._cells(row)] += rest

    def _cells(self, row: int) -> IntArray:
        fixed = np.flatnonzero(self.found.codes[row] != FREE)
        return np.flatnonzero((self.codes[:, fixed] == self.found.codes[row, fixed]).all(axis=1))


def _told(found: Crosses, judged: _Judged, row: int, told: tuple[float, float, float]) -> Worst:
    harm, unexplained, alpha = told
    now = judged.sides[-1]
    rates = [float(side.total[row] / side.weight[row]) for side in judged.sides]
    whole = (float(now.total[0]), float(now.weight[0]))
    score = sliceline_score(now.total[[row]], now.weight[[row]], whole, alpha)[0] if (now.total >= 0.0).all() else None
    return Worst(
        slice=found.text(row),
        values=found.fixed(row),
        depth=int(found.depths[row]),
        before=rates[0] if len(rates) > 1 else None,
        now=rates[-1],
        difference=float(judged.difference[row]),
        weight=float(now.weight[row]),
        harm=harm,
        stderr=float(np.sqrt(judged.variance[row])),
        z=float(judged.difference[row] / np.sqrt(judged.variance[row])),
        p_adjusted=float(judged.adjusted[row]),
        over_parents=float(judged.over_parents[row]),
        unexplained=unexplained,
        score=None if score is None else float(score),
    )
