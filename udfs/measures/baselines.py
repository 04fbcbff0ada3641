"""Entropy metrics of a binary task against a baseline other than the slice's own base rate.

A baseline is a model without features, and `baseline_nll` is its Σ w·CE(label, prior) on the rows of the slice, from
their class weights. `total` gives every slice the base rate of all rows, `reference` that of other rows, such as
those the model learnt from; `stratified` gives each part of a slice the base rate of that part.
"""

from __future__ import annotations

import numpy as np

from udfs.exact import numerics
from udfs.exact.decimals import IntArray
from udfs.exact.numerics import ratio
from udfs.measure import FloatArray, baseline_metric

# The columns that the caller hands over for each. The parts of `stratified` have no one prior.
BASELINES: dict[str, tuple[str, ...]] = {
    "total": ("baseline_nll", "baseline_entropy"),
    "reference": ("baseline_nll", "baseline_entropy"),
    "stratified": ("baseline_nll",),
}


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


@baseline_metric(unit="1")
def normalized_entropy(positive_nll: FloatArray, negative_nll: FloatArray, baseline_nll: FloatArray) -> FloatArray:
    """Log loss over that of the baseline on the same rows: below 1 the model beats it."""
    return ratio(positive_nll + negative_nll, _finite(baseline_nll))


@baseline_metric(unit="1")
def relative_information_gain(
    positive_nll: FloatArray, negative_nll: FloatArray, baseline_nll: FloatArray
) -> FloatArray:
    """Share of the baseline's log loss that the model removes, 1 − normalized entropy against it."""
    return _gain(positive_nll, negative_nll, baseline_nll)


@baseline_metric(unit="%")
def relative_cross_entropy(positive_nll: FloatArray, negative_nll: FloatArray, baseline_nll: FloatArray) -> FloatArray:
    """Relative cross-entropy (RCE), 100·(1 − log loss / log loss of the baseline), in percent."""
    return 100.0 * _gain(positive_nll, negative_nll, baseline_nll)


@baseline_metric(unit="1")
def normalized_entropy_he2014(
    positive_nll: FloatArray, negative_nll: FloatArray, weight: FloatArray, baseline_entropy: FloatArray
) -> FloatArray:
    """Log loss over the entropy H(π) of the prior itself, as He et al. 2014 print it with the training set's rate.

    H(π) is what the prior would lose on rows that it fits, not on those of the slice: compare no two slices by it.
    """
    return ratio(ratio(positive_nll + negative_nll, weight), baseline_entropy)


def _gain(positive_nll: FloatArray, negative_nll: FloatArray, baseline_nll: FloatArray) -> FloatArray:
    baseline = _finite(baseline_nll)
    return ratio(baseline - (positive_nll + negative_nll), baseline)


def _finite(baseline_nll: FloatArray) -> FloatArray:
    """NaN for inf: against a prior of 0 or 1 that is wrong any model would look perfect."""
    return np.where(np.isfinite(baseline_nll), baseline_nll, np.nan)
