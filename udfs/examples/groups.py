"""Groups of impressions, such as the slates of requests: ragged columns, and the examples of a candidates task.

The rows of a group are consecutive, in an order that the caller fixes by their ids. All sums over them are
sequential in that order, so a group gives the same bits in any batch. A group has at least one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from udfs.exact.arrays import BoolArray, FloatArray, IntArray
from udfs.exact.kernels import STRICT, Kernel
from udfs.examples.binary import weight_of
from udfs.examples.ties import Ties

GroupExamples = dict[str, Any]  # (groups,) float64 each, and `groups`


@dataclass(frozen=True, eq=False)
class Groups:
    """The rows of some groups.

    Attributes:
        label: Relevance, 0 or more, (rows,); a row with more than 0 is a positive.
        score: What candidates are ranked by, higher is better, (rows,).
        logit: What the softmax is taken of, (rows,): the score, or ln p of a probability, −inf for p = 0.
        starts: Group g has the rows starts[g] to starts[g + 1], (groups + 1,).
        kernel: The logarithms to use.
    """

    label: FloatArray
    score: FloatArray
    logit: FloatArray
    starts: IntArray
    kernel: Kernel = STRICT

    @cached_property
    def size(self) -> IntArray:
        """Rows of each group. (groups,)."""
        return np.diff(self.starts)

    @cached_property
    def of_row(self) -> IntArray:
        """The group of each row. (rows,)."""
        return np.repeat(np.arange(self.size.size), self.size)

    def sums(self, values: FloatArray | BoolArray) -> FloatArray:
        """The sum of each group's values, added one after the other. (rows,) to (groups,)."""
        return np.bincount(self.of_row, values, self.size.size).astype(np.float64, copy=False)

    def maxima(self, values: FloatArray) -> FloatArray:
        """The largest value of each group. (rows,) to (groups,)."""
        return np.maximum.reduceat(values, self.starts[:-1])

    @cached_property
    def positive(self) -> BoolArray:
        """Whether a row is relevant. (rows,)."""
        return self.label > 0.0

    @cached_property
    def positives(self) -> FloatArray:
        """Positives of each group. (groups,)."""
        return self.sums(self.positive)

    @cached_property
    def negatives(self) -> FloatArray:
        """Rows of each group that are no positives. (groups,)."""
        return self.size - self.positives

    @cached_property
    def hard(self) -> BoolArray:
        """Whether the softmax gives a positive of the group the probability 0, by an infinite logit. (groups,)."""
        return self.sums(self.positive & np.isinf(self._gap)) > 0.0

    @cached_property
    def gap(self) -> FloatArray:
        """How far a logit is below the best of its group, 0 or more, inf for a probability of 0. (rows,).

        0 in all rows of a hard group, which has no loss of its own: that keeps every loss finite.
        """
        return np.where(self.hard[self.of_row], 0.0, self._gap)

    @cached_property
    def _gap(self) -> FloatArray:
        return self.below_best(self.logit)

    def below_best(self, values: FloatArray) -> FloatArray:
        """The largest value of the group minus the value; 0 for the largest also where it is infinite. (rows,)."""
        best = self.maxima(values)[self.of_row]
        with np.errstate(invalid="ignore"):
            return np.where(values == best, 0.0, best - values)

    def logsumexp(self, values: FloatArray) -> FloatArray:
        """The logarithm ln Σ exp of each group's values, as max + log1p(Σ of all others). (rows,) to (groups,).

        −inf where all are. Shift invariant to the rounding of max − value; never overflows.
        """
        others = self.kernel.exp(-self.below_best(values))
        best = np.flatnonzero(values == self.maxima(values)[self.of_row])
        others[best[is_first(self.of_row[best])]] = 0.0
        return self.maxima(values) + self.kernel.log1p(self.sums(others))

    @cached_property
    def spread(self) -> FloatArray:
        """The logarithm ln Σ exp(logit − best logit), 0 or more. (groups,). Unit: nats."""
        return self.logsumexp(-self.gap)

    @cached_property
    def ties(self) -> Ties:
        """The rows of each group from the best score to the worst, equal scores together."""
        return Ties.of(self.score, self.of_row, self.starts)


def is_first(keys: IntArray) -> BoolArray:
    """Whether a key differs from the one before it. (n,)."""
    first = np.ones(keys.size, np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    return first


def group_examples(  # noqa: PLR0913 (a group has a weight, its rows have a label and a score)
    label: FloatArray,
    score: FloatArray,
    starts: IntArray,
    weight: FloatArray,
    scale: str,
    *,
    kernel: Kernel = STRICT,
) -> GroupExamples:
    """The columns of the examples of a candidates task: one example is one group.

    A group with a NaN in a label or score, or as weight, cannot be used: `unusable` is 1 there, and all else is
    as for a group of zero weight.

    Columns, each (groups,): `scored`, `unusable`, `unusable_weight`, `weight`; the weight that losses are for,
    `loss_weight` (groups with a positive), `loss_positives` (the same times the positives) and `pair_weight` (groups
    with a pair), all three 0 for hard groups; and `groups`.

    Args:
        label: Relevance, 0 or more, (rows,).
        score: p in [0, 1] on the probability scale, any number or ±inf on the logit scale, (rows,).
        starts: Where the groups start in the rows, and the number of rows, (groups + 1,).
        weight: w ≥ 0, (groups,).
        scale: `probability` or `logit`.
        kernel: The logarithms to use.
    """
    of_row = np.repeat(np.arange(weight.size), np.diff(starts))
    unusable = np.isnan(weight) | (np.bincount(of_row, np.isnan(label) | np.isnan(score), weight.size) > 0.0)
    unusable_weight = weight_of(weight, unusable)
    if unusable.any():
        label, score = (np.where(unusable[of_row], 0.0, values) for values in (label, score))
        weight = np.where(unusable, 0.0, weight)
    logit = score if scale == "logit" else kernel.log(score)
    groups = Groups(label, score, logit, starts, kernel)
    soft = np.where(groups.hard | (groups.positives == 0.0), 0.0, weight)
    return {
        "scored": (~unusable).astype(np.float64),
        "unusable": unusable.astype(np.float64),
        "unusable_weight": unusable_weight,
        "weight": weight,
        "loss_weight": soft,
        "loss_positives": soft * groups.positives,
        "pair_weight": np.where(groups.negatives > 0.0, soft, 0.0),
        "groups": groups,
    }
