"""A difference over all nights since a comparison began, with an interval that may be read every night.

An ordinary interval that is read until it is good errs sooner or later. This one holds at all nights at once with
95 %: a confidence sequence by normal mixture, exact for normal nights and asymptotic otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.jackknife import Estimates
from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import STRICT

ALPHA = 0.05
NARROWEST_AFTER = 7.0  # nights like the first


@dataclass(frozen=True)
class Running:
    """What is known of a difference after each night, each (slices, nights): in the last column, by now.

    Attributes:
        value: The mean of the nights so far, weighted; NaN before the first.
        stderr: Its standard error, an ordinary one.
        low: Lower end of the interval that may be read every night.
        high: Upper end.
    """

    value: FloatArray
    stderr: FloatArray
    low: FloatArray
    high: FloatArray


def running(
    difference: FloatArray, stderr: FloatArray, weight: FloatArray, *, narrowest: FloatArray | None = None
) -> Running:
    """The running difference where no unit comes back: D_t = S_t / W_t, S = Σ n·d and W = Σ n over the nights.

    The variance of S is Q = Σ n²·SE², the interval D_t ± radius(Q_t) / W_t. Where users come back and the difference
    sticks to them, nights are not independent, and this errs far too often: `running_by_shard` is for them.

    Args:
        difference: d of each night, (slices, nights), in their order; NaN: a night that says nothing.
        stderr: SE of each, NaN likewise.
        weight: n of each: paired rows.
        narrowest: The Q* where the interval is narrowest, (slices,). It must not depend on what is seen later:
            seven nights like the first that has a spread.

    >>> night = np.array([[0.01, 0.03]])
    >>> running(night, np.array([[0.02, 0.02]]), np.array([[1.0, 1.0]])).low.round(4)
    array([[-0.0613, -0.0255]])
    """
    said = np.isfinite(difference) & np.isfinite(stderr) & (weight > 0.0)
    n, d, error = (np.where(said, each, 0.0) for each in (weight, difference, stderr))
    sums = _Sums(np.cumsum(n * d, axis=1), np.cumsum(np.square(n * error), axis=1), np.cumsum(n, axis=1))
    return _running(sums, np.ones(len(n)), narrowest)


def running_by_shard(
    nights: Sequence[Estimates], weight: FloatArray, *, narrowest: FloatArray | None = None
) -> Running:
    """The running difference where units come back: as `running`, but Q_t leaves a shard out of all nights at once.

    So a unit that differs in the same way night after night counts as what it is, one observation. Such nights vary
    more together than apart, S is steadier than a sum of independent nights of that variance, and the interval errs
    less than it may. As Q_t has only R − 1 degrees of freedom, it is wider by the ratio of Student's quantile to the
    normal one.

    Args:
        nights: The difference of each night with that without each shard of units, the same shards every night. One
            with a reason says nothing.
        weight: n of each: paired rows, (slices, nights).
        narrowest: As of `running`.

    >>> night = Estimates(np.array([[0.02, 0.01, 0.03]]), np.array([[True, True]]), [None])
    >>> running_by_shard([night, night], np.array([[1.0, 1.0]])).stderr
    array([[0.01, 0.01]])
    """
    values = np.stack([night.values for night in nights], axis=1)
    known = np.array([[reason is None for reason in night.reasons] for night in nights], dtype=np.bool_).T
    n, d = np.where(known, weight, 0.0), np.where(known[..., None], values, 0.0)
    present = np.stack([night.present for night in nights], axis=1) & known[..., None]
    ever = present.any(axis=1, keepdims=True)
    gaps = np.where(ever, np.cumsum(n[..., None] * (d[..., 1:] - d[..., :1]), axis=1), 0.0)
    shards = ever.sum(axis=2).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _in_order(gaps) / shards
        squares = _in_order(np.where(ever, np.square(gaps - mean[..., None]), 0.0))
        sums = _Sums(np.cumsum(n * d[..., 0], axis=1), (shards - 1.0) / shards * squares, np.cumsum(n, axis=1))
    df = shards[:, 0] - 1.0
    return _running(sums, student.quantile(df) / student.quantile(np.full_like(df, np.inf)), narrowest)


def radius(variance: FloatArray, narrowest: FloatArray, alpha: float = ALPHA) -> FloatArray:
    """How far S_t can be from its mean at any time, √(2(Qρ² + 1)/ρ² · ln(√(Qρ² + 1)/α)); 0 where Q is 0.

    ρ² = (−2 ln α + ln(1 − 2 ln α)) / Q* makes it narrowest, beside √Q, about where Q = Q*. Source: Waudby-Smith,
    Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory, 2021. With Q = N·σ² it is GrowthBook's.

    Args:
        variance: Q, that of S; any shape.
        narrowest: Q*, of a shape that fits.
        alpha: How often it may err at all, over all nights.

    >>> radius(np.array([100.0]), np.array([100.0])).round(4)
    array([30.3521])
    """
    logs = STRICT.log(np.array([alpha, 1.0]))[0]
    tuning = -2.0 * logs + STRICT.log(np.array([1.0 - 2.0 * logs]))[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = tuning / narrowest
        scaled = variance * rho + 1.0
        inside = 0.5 * STRICT.log(scaled.reshape(-1)).reshape(scaled.shape) - logs
        reach = np.sqrt(2.0 * scaled / rho * inside)
    return np.where(variance == 0.0, 0.0, reach)


class _Sums(NamedTuple):
    """S, the variance Q of S, and W after each night, each (slices, nights)."""

    total: FloatArray
    variance: FloatArray
    weight: FloatArray


def _running(sums: _Sums, wider: FloatArray, narrowest: FloatArray | None) -> Running:
    if narrowest is None:
        first = (sums.variance > 0.0).argmax(axis=1)[:, None]
        narrowest = NARROWEST_AFTER * np.take_along_axis(sums.variance, first, axis=1)[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = wider[:, None] * radius(sums.variance, narrowest[:, None]) / sums.weight
        value, stderr = sums.total / sums.weight, np.sqrt(sums.variance) / sums.weight
    return Running(value, stderr, value - reach, value + reach)


def _in_order(values: FloatArray) -> FloatArray:
    """The sum over the last axis, added in its order, whatever the layout. (…, n) to (…,)."""
    return np.asarray(np.cumsum(values, axis=-1)[..., -1], dtype=np.float64)
