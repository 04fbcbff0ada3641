"""Standard errors and intervals of any function of sums: one shard of units is left out after the other.

Leaving out is a subtraction of integers, before the nearest doubles are taken: the same doubles on every engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa

from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from udfs.exact.arrays import BoolArray, FloatArray
from udfs.exact.kernels import STRICT
from udfs.exact.numerics import ratio, row_sums
from udfs.measure import Metric
from udfs.pricing import evaluated, evaluated_of_parts

METHOD = "jackknife"
ON_LOG_SCALE = frozenset({"predicted_over_actual"})


@dataclass(frozen=True)
class Estimates:
    """A number of slices, from all shards and without each of them.

    Attributes:
        values: (slices, 1 + shards), in column 0 from all shards, then θ_(r) without shard r.
        present: Which shards have rows, (slices, shards): the others leave out nothing, and do not count.
        reasons: Why the number of a slice is undefined, (slices,), or None.
    """

    values: FloatArray
    present: BoolArray
    reasons: Reasons


@dataclass(frozen=True)
class Interval:
    """Numbers with their 95 % intervals, each (slices,); NaN where there is none.

    Attributes:
        value: The number itself; it can be there where the interval is not.
        stderr: Standard error, in the unit of the value.
        low: Lower end.
        high: Upper end.
        df: Degrees of freedom of the standard error.
        reasons: Why there is no interval, or None.
    """

    value: FloatArray
    stderr: FloatArray
    low: FloatArray
    high: FloatArray
    df: FloatArray
    reasons: Reasons

    def columns(self) -> dict[str, pa.Array]:
        """The columns `stderr`, `ci_low` and `ci_high` of a table: NULL where there is a reason."""
        mask = np.array([reason is not None for reason in self.reasons], dtype=np.bool_)
        named = {"stderr": self.stderr, "ci_low": self.low, "ci_high": self.high}
        return {name: pa.array(values, mask=mask) for name, values in named.items()}


def estimated(metric: Metric, sums: Mapping[str, FloatArray], present: BoolArray) -> Estimates:
    """A metric of all shards and without each; a total is grown from what is left to as many shards as there are.

    Args:
        metric: Its options bound.
        sums: `Sharded.leaving_out()`, priced, and what else the metric reads, each (slices, 1 + shards).
        present: Which shards have rows of which slice, (slices, shards).
    """
    _, reasons = evaluated(metric, {name: sums[name][:, 0] for name in {*metric.inputs, "weight"}})
    shape = sums["weight"].shape
    values = np.asarray(metric.of({name: sums[name].reshape(-1) for name in metric.inputs}), np.float64).reshape(shape)
    if metric.spread == "total":
        # Of the other shards it is as much less; grown to all of them, it varies as it does from day to day.
        shards = present.sum(axis=1, keepdims=True)
        values = np.concatenate([values[:, :1], values[:, 1:] * ratio(shards, shards - 1.0)], axis=1)
    return Estimates(values, present, reasons)


def estimated_of_parts(
    metric: Metric, parts: Mapping[str, FloatArray], sums: Mapping[str, FloatArray], present: BoolArray
) -> Estimates:
    """A metric of the score bins or the classes of one slice, from all shards and without each.

    Args:
        metric: Its options bound.
        parts: The columns of the parts in their order, (parts, 1 + shards), or (parts,) where shards do not matter.
        sums: The priced statistics of the slice, (1 + shards,).
        present: Which shards have rows of the slice, (shards,).
    """
    found: list[tuple[float, str | None]] = []
    for left_out in range(present.size + 1):
        of = {name: each if each.ndim == 1 else np.ascontiguousarray(each[:, left_out]) for name, each in parts.items()}
        whole = {name: float(each[left_out]) for name, each in sums.items()}
        # A shard without rows leaves out nothing.
        again = left_out > 0 and not present[left_out - 1]
        found.append(found[0] if again else evaluated_of_parts(metric, of, whole))
    values = np.array([[value for value, _ in found]], dtype=np.float64)
    return Estimates(values, present[None, :], [found[0][1]])


def added(estimates: Sequence[Estimates], weights: Sequence[float]) -> Estimates:
    """The weighted sum of several numbers, such as losses of tasks; a shard counts that has rows in any of them.

    >>> one = Estimates(np.array([[1.0, 2.0]]), np.array([[True]]), [None])
    >>> added([one, one], [1.0, 0.5]).values
    array([[1.5, 3. ]])
    """
    # From left to right, so that it is the same everywhere.
    values = reduce(np.add, [weight * each.values for weight, each in zip(weights, estimates, strict=True)])
    present = reduce(np.logical_or, [each.present for each in estimates])
    return Estimates(values, present, first_reason(*(each.reasons for each in estimates)))


def stacked(estimates: Sequence[Estimates], shards: int) -> Estimates:
    """The numbers of several slices together, of as many shards each."""
    values = np.concatenate([np.empty((0, 1 + shards)), *(each.values for each in estimates)])
    present = np.concatenate([np.empty((0, shards), np.bool_), *(each.present for each in estimates)])
    return Estimates(values, present, [reason for each in estimates for reason in each.reasons])


def interval(estimates: Estimates, refused: Reasons, *, on_log_scale: bool = False) -> Interval:
    """The number θ of each slice with its 95 % interval θ ± t·SE, SE² = (R − 1)/R · Σ (θ_(r) − θ̄_(·))².

    t is Student's with R − 1 degrees of freedom, R the number of shards with rows of the slice. On the log scale the
    interval is exp(ln θ ± t·SE), and the standard error θ times that of ln θ. Source: Efron and Stein 1981.

    Args:
        estimates: θ and every θ_(r).
        refused: Reasons of the slice for having none, `shards.refused`. Further ones: the number's own, and
            `dominant_shard` where without one shard it is undefined, `infinite` where its logarithm is.
        on_log_scale: Whether the spread is taken of the logarithm, as for `ON_LOG_SCALE`.

    >>> some = Estimates(np.array([[2.0, 1.0, 3.0]]), np.array([[True, True]]), [None])
    >>> interval(some, [None]).stderr
    array([1.])
    """
    value = estimates.values[:, 0]
    scaled = _logarithms(estimates.values) if on_log_scale else estimates.values
    shards = estimates.present.sum(axis=1).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        stderr, df = _spread(scaled, estimates.present, shards), shards - 1.0
        reach = student.quantile(df) * stderr
        low, high = scaled[:, 0] - reach, scaled[:, 0] + reach
        if on_log_scale:
            low, high, stderr = STRICT.exp(low), STRICT.exp(high), value * stderr
    reasons = first_reason(estimates.reasons, refused, _unsteady(scaled, estimates.present))
    return masked(Interval(value, stderr, low, high, df, reasons))


def stderrs(values: FloatArray, present: BoolArray) -> FloatArray:
    """The standard errors of `interval` on the plain scale, and no more; NaN where it has none of its own reasons.

    Args:
        values: (slices, 1 + shards), as those of `Estimates`.
        present: Which shards have rows, (slices, shards).

    >>> stderrs(np.array([[2.0, 1.0, 3.0], [2.0, np.nan, 3.0]]), np.array([[True, True], [True, True]]))
    array([ 1., nan])
    """
    defined = np.isfinite(values)
    steady = defined[:, 0] & np.all(defined[:, 1:] | ~present, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(steady, _spread(values, present, present.sum(axis=1).astype(np.float64)), np.nan)


def joined(intervals: Sequence[Interval]) -> Interval:
    """The intervals of several slices together, one at least."""
    value, stderr, low, high, df = (
        np.concatenate([getattr(each, name) for each in intervals]) for name in ("value", "stderr", "low", "high", "df")
    )
    return Interval(value, stderr, low, high, df, [reason for each in intervals for reason in each.reasons])


def without(reasons: Reasons) -> Interval:
    """No interval, for these reasons."""
    nothing = np.full(len(reasons), np.nan)
    return Interval(nothing, nothing, nothing, nothing, nothing, reasons)


def masked(of: Interval) -> Interval:
    """The same, NaN where there is a reason against an interval."""
    none = np.array([reason is not None for reason in of.reasons], dtype=np.bool_)
    stderr, low, high, df = (np.where(none, np.nan, values) for values in (of.stderr, of.low, of.high, of.df))
    return Interval(of.value, stderr, low, high, df, of.reasons)


def _logarithms(values: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return STRICT.log(values.reshape(-1)).reshape(values.shape)


def _spread(values: FloatArray, present: BoolArray, shards: FloatArray) -> FloatArray:
    """The standard error by leaving out, (slices,). Shards are added in their order, as differences from θ."""
    gap = np.where(present, values[:, 1:] - values[:, :1], 0.0)
    mean = row_sums(gap) / shards
    squares = row_sums(np.where(present, np.square(gap - mean[:, None]), 0.0))
    return np.asarray(np.sqrt((shards - 1.0) / shards * squares), dtype=np.float64)


def _unsteady(values: FloatArray, present: BoolArray) -> Reasons:
    defined = np.isfinite(values)
    others = np.all(defined[:, 1:] | ~present, axis=1)
    return [
        "infinite" if not itself else None if rest else "dominant_shard"
        for itself, rest in zip(defined[:, 0].tolist(), others.tolist(), strict=True)
    ]
