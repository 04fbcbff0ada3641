"""A fifth kind of task, of counts, that there is in tests only: one value and one family."""

import types

import numpy as np

from udfs.exact.numerics import ratio
from udfs.examples.binary import Examples, flags, usable
from udfs.kind import LEFT_OUT, Columns, Hard, Kind
from udfs.measure import FloatArray, metric, statistic
from udfs.measures import totals


@statistic(unit="nats")
def count_nll(label: FloatArray, weight: FloatArray, score: FloatArray, log_score: FloatArray) -> FloatArray:
    """Weighted loss λ − y·ln λ of a count y whose mean is said to be λ."""
    return weight * (score - label * log_score)


@statistic(unit="weight")
def hard_count_weight(label: FloatArray, weight: FloatArray, score_is_zero: FloatArray) -> FloatArray:
    """Weight of what was counted, where nothing was thought to be."""
    return weight * label * score_is_zero


@metric(unit="nats")
def count_loss(count_nll: FloatArray, weight: FloatArray) -> FloatArray:
    """Mean loss of a count, without the terms that no model changes."""
    return ratio(count_nll, weight)


def counts(of: Columns) -> Examples:
    columns, (score,) = usable(of.labels[0], of.weight, of.scores)
    zero = score == 0.0
    log = np.where(zero, 0.0, of.kernel.log(np.where(zero, 1.0, score)))
    return {**columns, "score": score, "log_score": log, "score_is_zero": flags(zero)}


def one_counted(clip: float) -> Examples:
    """One that was counted where the mean was said to be `clip`."""
    with np.errstate(divide="ignore"):
        log = np.log([clip])
    return {"label": np.ones(1), "weight": np.ones(1), "score": np.zeros(1), "log_score": log}


FAMILY = types.ModuleType("counts")
vars(FAMILY).update(nll=count_nll, hard=hard_count_weight, loss=count_loss)
COUNTS = Kind(
    name="counts",
    title="Counts",
    families=(totals, FAMILY),
    columns=LEFT_OUT | {"label", "score", "log_score", "score_is_zero"},
    examples=counts,
    labels=("number",),
    loss="count_loss",
    loss_sums=("count_nll",),
    of_values=True,
    hard=(Hard(frozenset({"log_score"}), ("hard_count_weight",), one_counted),),
)
