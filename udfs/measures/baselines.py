"""Entropy metrics of a binary task against a baseline other than the slice's own base rate.

A baseline is a model without features, and `baseline_nll` is its Σ w·CE(label, prior) on the rows of the slice, from
their class weights. `total` gives every slice the base rate of all rows, `reference` that of other rows, such as
those the model learnt from; `stratified` gives each part of a slice the base rate of that part.
"""

from __future__ import annotations

import numpy as np

from udfs.exact import numerics
from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.numerics import ratio
from udfs.measure import metric

# The columns that the caller hands over for each. The parts of `stratified` have no one prior.
BASELINES: dict[str, tuple[str, ...]] = {
    "total": ("baseline_nll", "baseline_entropy"),
    "reference": ("baseline_nll", "baseline_entropy"),
    "stratified": ("baseline_nll",),
}


def against(loss: FloatArray, baseline: FloatArray) -> FloatArray:
    """A loss as a share of the baseline's: the one quotient of all that is measured against a baseline.

    Shapes (slices,), twice, to (slices,), both totals or both means. NaN where the baseline loses 0, or inf: a prior
    of 0 or 1 that is wrong would let any model look perfect.
    """
    return ratio(loss, np.where(np.isfinite(baseline), baseline, np.nan))


def gained(loss: FloatArray, baseline: FloatArray) -> FloatArray:
    """What a loss is less than the baseline's, as a share of that. Shapes and NaN as of `against`."""
    with np.errstate(invalid="ignore"):  # where both are infinite
        return against(baseline - loss, baseline)


def constant_baseline(positive_weight: FloatArray, negative_weight: FloatArray, prior: FloatArray) -> FloatArray:
    """The baseline's nll Σ w·CE(label, π) = −(P ln π + N ln(1 − π)) of one prior π for a whole slice. Unit: nats.

    Shapes (slices,), three times, to (slices,). inf where a class that occurs has probability 0; NaN for a NaN.
    """
    return 0.0 - (numerics.xlogy(positive_weight, prior) + numerics.xlog1py(negative_weight, -prior))


def stratified_baseline(
    positive_weight: FloatArray, negative_weight: FloatArray, slice_of_child: IntArray, slices: int
) -> FloatArray:
    """The baseline's nll Σ_c W_c·H(q_c) over the children c of each slice, each with its own base rate. Unit: nats.

    Shapes (children,), three times, to (slices,); 0 for a slice without children. The order of children makes no
    difference: those of a slice are added from the smallest to the largest.
    """
    weight = positive_weight + negative_weight
    entropy = np.where(weight > 0.0, numerics.binary_entropy(positive_weight, negative_weight), 0.0)
    nll = weight * entropy
    order = np.argsort(nll, kind="stable")
    return np.bincount(slice_of_child[order], weights=nll[order], minlength=slices).astype(np.float64)


def prior_entropy(prior: FloatArray) -> FloatArray:
    """The entropy H(π) of a prior, `baseline_entropy`. Unit: nats. (slices,) to (slices,)."""
    return numerics.binary_entropy(prior, 1.0 - prior)


@metric(unit="1", over="baseline", suffix="[{baseline}]", better="less")
def normalized_entropy(positive_nll, negative_nll, baseline_nll):
    """Log loss over that of the baseline on the same rows: below 1 the model beats it.

    >>> normalized_entropy(3, 1, 8)
    0.5
    """
    return against(positive_nll + negative_nll, baseline_nll)


@metric(unit="1", over="baseline", suffix="[{baseline}]", better="more")
def relative_information_gain(positive_nll, negative_nll, baseline_nll):
    """Share of the baseline's log loss that the model removes, 1 − normalized entropy against it.

    >>> relative_information_gain(1, 1, 8)
    0.75
    """
    return gained(positive_nll + negative_nll, baseline_nll)


@metric(unit="%", over="baseline", suffix="[{baseline}]", better="more")
def relative_cross_entropy(positive_nll, negative_nll, baseline_nll):
    """Relative cross-entropy (RCE), 100·(1 − log loss / log loss of the baseline), in percent.

    >>> relative_cross_entropy(1, 1, 8)
    75.0
    """
    return 100.0 * relative_information_gain(positive_nll, negative_nll, baseline_nll)


@metric(unit="1", over="baseline", suffix="[{baseline}]", better="less")
def normalized_entropy_he2014(positive_nll, negative_nll, weight, baseline_entropy):
    """Log loss over the entropy H(π) of the prior itself, as He et al. 2014 print it with the training set's rate.

    H(π) is what the prior would lose on rows that it fits, not on those of the slice: compare no two slices by it.

    >>> normalized_entropy_he2014(3, 1, 8, 0.4)
    1.25
    """
    return against(ratio(positive_nll + negative_nll, weight), baseline_entropy)
