"""Mix or model: a difference of two days as what moved between cells, what changed within them, and both at once.

For cells c with shares π of the weight and rates m, on the sides 0 and 1:

    θ¹ − θ⁰ = Σ (π¹ − π⁰) m⁰ [mix] + Σ π⁰ (m¹ − m⁰) [within] + Σ (π¹ − π⁰)(m¹ − m⁰) [interaction]

A cell of one side only has the rate of that side on both: all of it is mix. Two models on the same impressions have
the same shares: all is within.

**Adding up.** The difference is the double `now − before` of the two published values, and the three parts of a
slice, added by `math.fsum`, are that double: each part is the sum of its cells, rounded once, and the smallest in size
that is not 0 takes what rounding lost, a few units of the 17th digit. Only where that part is larger than both values
can no three doubles do so; there `difference` is the sum of the parts and may differ in its last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from udfs.exact import numerics
from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.kernels import STRICT
from udfs.exact.numerics import ratio


class Parts(NamedTuple):
    """A difference by its three causes, each (cells,) or (slices,)."""

    mix: FloatArray
    within: FloatArray
    interaction: FloatArray

    @property
    def whole(self) -> FloatArray:
        """What a cell contributes to the difference, the harm it does."""
        return self.mix + self.within + self.interaction


@dataclass(frozen=True)
class Change:
    """A change of every slice, (slices,), and what each cell contributes, (cells,); NaN where there is a reason.

    Attributes:
        before: The value on side 0.
        now: The value on side 1.
        difference: What the parts add up to.
        parts: Of the slices.
        cells: Of the cells. Their mix is against the mean of the slice, π¹ − π⁰ times m⁰ − θ⁰: growing harms only
            where a cell is worse than the rest. Summed it is the same.
        reasons: `not_recorded`, `no_weight` on a side, `infinite` losses, `single_class` of NE, or None.
    """

    before: FloatArray
    now: FloatArray
    difference: FloatArray
    parts: Parts
    cells: Parts
    reasons: list[str | None]


class Mean(NamedTuple):
    """Sums of one side: Σ w·x of any x, as a loss, and Σ w; priced doubles, of the same cells on both sides."""

    total: FloatArray
    weight: FloatArray


class Entropies(NamedTuple):
    """Sums of one side for normalized entropy: the loss, priced, and both weights of labels."""

    loss: FloatArray
    positive: FloatArray
    negative: FloatArray

    @property
    def losses(self) -> Mean:
        """For the mean loss."""
        return Mean(self.loss, self.positive + self.negative)

    @property
    def rates(self) -> Mean:
        """For the base rate."""
        return Mean(self.positive, self.positive + self.negative)


def change_of_mean(cells: Sequence[Mean], slices: Sequence[Mean], of: IntArray) -> Change:
    """The change of a mean, as log loss, Brier score or base rate, by mix, within and interaction.

    Args:
        cells: Side 0 and side 1, each (cells,), 0 where a cell does not occur; in a fixed order, as sorted by key.
        slices: The same of the slices, each (slices,): what is published.
        of: Which slice a cell is of. (cells,).

    Two cells of 0.1 and 0.5: half of the second's traffic moves to the first, which becomes 0.2:

    >>> sides = [Mean(np.array([0.2, 1.0]), np.array([2.0, 2.0])), Mean(np.array([0.6, 0.5]), np.array([3.0, 1.0]))]
    >>> whole = [Mean(np.array([1.2]), np.array([4.0])), Mean(np.array([1.1]), np.array([4.0]))]
    >>> [round(float(part[0]), 3) for part in change_of_mean(sides, whole, np.array([0, 0])).parts]
    [-0.1, 0.05, 0.025]
    """
    values = [ratio(side.total, side.weight) for side in slices]
    return _change(_mean_parts(cells, slices, of), values, of, _reasons(slices, values))


def change_of_normalized_entropy(cells: Sequence[Entropies], slices: Sequence[Entropies], of: IntArray) -> Change:
    """The change of NE = L / H(q), q the base rate of the slice, by mix, within and interaction.

    Loss and base rate are decomposed each, then by the two exact identities L¹/H¹ − L⁰/H⁰ =
    (L¹ − L⁰)·½(1/H⁰ + 1/H¹) − (H¹ − H⁰)·½(L⁰ + L¹)/(H⁰ H¹) and H¹ − H⁰ = (q¹ − q⁰)·h, with the slope of the chord
    h = ln((1 − q⁰)/q⁰) − KL(q¹ ‖ q⁰)/(q¹ − q⁰): so it is linear in the parts of both, cell by cell, and does not depend
    on an order of the steps.

    Args:
        cells: As for `change_of_mean`.
        slices: As for `change_of_mean`.
        of: As for `change_of_mean`.

    NE of 0.9 in both of two cells with rates of 1 % and 10 %, and traffic that moves from 90:10 to 10:90:

    >>> entropies = [0.05600153, 0.32508297]
    >>> sides = [
    ...     Entropies(0.9 * np.array(entropies) * w, np.array([0.01, 0.1]) * w, np.array([0.99, 0.9]) * w)
    ...     for w in (np.array([90.0, 10.0]), np.array([10.0, 90.0]))
    ... ]
    >>> whole = [Entropies(*(np.array([column.sum()]) for column in side)) for side in sides]
    >>> change = change_of_normalized_entropy(sides, whole, np.array([0, 0]))
    >>> [round(float(part[0]), 3) for part in (change.before, change.now, change.parts.mix)]
    [0.793, 0.88, 0.088]
    """
    losses, rates = [each.losses for each in slices], [each.rates for each in slices]
    loss = [ratio(side.total, side.weight) for side in losses]
    entropy = [numerics.binary_entropy(side.positive, side.negative) for side in slices]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        per_loss = 0.5 * (1.0 / entropy[0] + 1.0 / entropy[1])
        per_rate = 0.5 * (loss[0] + loss[1]) / (entropy[0] * entropy[1]) * _chord(slices)
    of_loss = _mean_parts([each.losses for each in cells], losses, of)
    of_rate = _mean_parts([each.rates for each in cells], rates, of)
    with np.errstate(invalid="ignore"):
        linear = Parts(*(per_loss[of] * a - per_rate[of] * b for a, b in zip(of_loss, of_rate, strict=True)))
    values = [ratio(a, b) for a, b in zip(loss, entropy, strict=True)]
    return _change(linear, values, of, _reasons(losses, values))


def _chord(slices: Sequence[Entropies]) -> FloatArray:
    q0, q1 = (ratio(side.positive, side.positive + side.negative) for side in slices)
    apart = np.where(q1 == q0, 1.0, q1 - q0)
    curved: FloatArray = numerics.kl(q1, q0) / apart
    return STRICT.log(ratio(slices[0].negative, slices[0].positive)) - np.where(q1 == q0, 0.0, curved)


def _mean_parts(cells: Sequence[Mean], slices: Sequence[Mean], of: IntArray) -> Parts:
    share = [ratio(own.weight, whole.weight[of]) for own, whole in zip(cells, slices, strict=True)]
    rates = [ratio(side.total, side.weight) for side in cells]
    old = np.where(cells[0].weight == 0.0, rates[1], rates[0])
    new = np.where(cells[1].weight == 0.0, rates[0], rates[1])
    level = ratio(slices[0].total, slices[0].weight)[of]
    with np.errstate(invalid="ignore"):  # of infinite losses, which have a reason
        moved, worse = share[1] - share[0], new - old
        parts = Parts(moved * (old - level), share[0] * worse, moved * worse)
    nowhere = (cells[0].weight == 0.0) & (cells[1].weight == 0.0)
    return Parts(*(np.where(nowhere, 0.0, part) for part in parts))


def _reasons(slices: Sequence[Mean], values: Sequence[FloatArray]) -> list[str | None]:
    """Why a slice has no difference, None where it has one."""
    reasons: list[str | None] = []
    for i in range(values[0].size):
        given = [float(number) for side in slices for number in (side.total[i], side.weight[i])]
        if any(math.isnan(number) for number in given):
            reasons.append("not_recorded")
        elif 0.0 in (slices[0].weight[i], slices[1].weight[i]):
            reasons.append("no_weight")
        elif math.isinf(sum(given)):
            reasons.append("infinite")
        else:
            reasons.append("single_class" if any(math.isnan(value[i]) for value in values) else None)
    return reasons


def _change(cells: Parts, values: Sequence[FloatArray], of: IntArray, reasons: list[str | None]) -> Change:
    before, now = values
    sums = np.full((3, before.size), np.nan)
    difference = np.full(before.size, np.nan)
    added = np.array([_by_slice(part, of, before.size) for part in cells])
    for i, reason in enumerate(reasons):
        if reason is None and np.isnan(added[:, i]).any():
            # A cell was not recorded on a day on which the slice is.
            reasons[i] = "not_recorded"
        elif reason is None:
            sums[:, i], difference[i] = adding_up(added[:, i].tolist(), float(now[i] - before[i]))
    return Change(before, now, difference, Parts(*sums), cells, reasons)


def adding_up(parts: Sequence[float], difference: float) -> tuple[list[float], float]:
    """The parts, the smallest that is not 0 changed so that `math.fsum` of them is the difference, and that.

    >>> adding_up([0.1, 0.2, 0.01], 0.31)
    ([0.1, 0.2, 0.009999999999999981], 0.31)
    """
    exact = list(parts)
    least = min(range(len(exact)), key=lambda i: abs(exact[i]) or math.inf)
    exact[least] = math.fsum([difference, *(-part for i, part in enumerate(exact) if i != least)])
    return exact, math.fsum(exact)


def _by_slice(values: FloatArray, of: IntArray, size: int) -> FloatArray:
    """The sum of the cells of each slice, rounded once."""
    order = np.argsort(of, kind="stable")
    borders = np.searchsorted(of[order], np.arange(size + 1))
    listed = np.where(np.isfinite(values), values, np.nan)[order].tolist()
    return np.array([math.fsum(listed[a:b]) for a, b in pairwise(borders.tolist())], dtype=np.float64)
