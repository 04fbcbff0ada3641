"""What every metric against a baseline should be, for one prior, and what we compute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mpmath import mp, mpf

from tests.udfs.references.binary import Exact, Reference, entropy, nll
from tests.udfs.rows.binary import OPTIONS, Rows, Value, sums_of
from udfs.catalog import columns_of, published_against
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import nearest
from udfs.measures.baselines import constant_baseline, prior_entropy
from udfs.pricing import evaluated, priced


def lost(e: Exact, prior: mpf) -> mpf:
    """What the prior loses on the rows."""
    return -(e.sum(e.y) * mp.log(prior) + e.sum(1 - e.y) * mp.log(1 - prior))


REFERENCES: dict[str, Callable[[mpf], Reference]] = {
    "normalized_entropy": lambda prior: lambda e: nll(e) / lost(e, prior),
    "relative_information_gain": lambda prior: lambda e: 1 - nll(e) / lost(e, prior),
    "relative_cross_entropy": lambda prior: lambda e: 100 - 100 * nll(e) / lost(e, prior),
    "normalized_entropy_he2014": lambda prior: lambda e: nll(e) / e.sum(1) / entropy(prior, 1 - prior),
}


def priced_sums(rows: Rows) -> dict[str, FloatArray]:
    statistics, sums = columns_of("binary", OPTIONS), sums_of(rows)
    return priced("binary", {name: nearest([sums[name]]) for name in statistics}, statistics, OPTIONS["clip"])


def against_prior(rows: Rows, prior: float, baseline: str = "total") -> dict[str, Value]:
    """The metrics of rows against one prior for all of them."""
    sums, priors = priced_sums(rows), np.array([prior])
    sums["baseline_nll"] = constant_baseline(sums["positive_weight"], sums["negative_weight"], priors)
    sums["baseline_entropy"] = prior_entropy(priors)
    found = {name: evaluated(metric, sums) for name, metric in published_against("binary", baseline).items()}
    return {name: (float(values[0]), reasons[0]) for name, (values, reasons) in found.items()}
