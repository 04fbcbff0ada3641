"""Differences of two numbers with their intervals: of two models or days by the same shards, or of independent days."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.jackknife import Estimates, Interval, interval, masked
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import ratio

POWERED = 2.8  # standard errors that are seen in 80 % of cases: the normal quantiles at 97.5 % and at 80 %, added


@dataclass(frozen=True)
class Difference:
    """a − b of each slice, b being what is compared against. Each (slices,), NaN where undefined.

    Attributes:
        a: The number of a.
        b: The number of b.
        absolute: a − b with its interval.
        relative: (a − b) / |b| with its interval: above 0 where a is larger, whatever the sign of b.
        p: Two-sided p value of no difference.
        detectable: The smallest difference that as many rows would have shown in 80 % of cases, 2.8·SE.
    """

    a: FloatArray
    b: FloatArray
    absolute: Interval
    relative: Interval
    p: FloatArray
    detectable: FloatArray


def paired(a: Estimates, b: Estimates, refused: Reasons) -> Difference:
    """The difference where both are by the same shards of units: θ_(r) = a_(r) − b_(r), shard by shard.

    So what both share cancels before the spread is taken. A shard counts that has rows in a or in b.

    Args:
        a: Of two models on the rows that both can score, or of a day.
        b: In the same order.
        refused: Reasons of each slice, of both sides, against an interval.
    """
    present = a.present | b.present
    reasons = first_reason(a.reasons, b.reasons)
    absolute = interval(Estimates(_less(a.values, b.values), present, reasons), refused)
    reference = first_reason(reasons, _near_zero(b.values.min(axis=1), b.values.max(axis=1)))
    relative = interval(Estimates(_relative(a.values, b.values), present, reference), refused)
    return _told(a.values[:, 0], b.values[:, 0], absolute, relative)


def apart(distance: Estimates, refused: Reasons) -> Difference:
    """How far two sides are apart row by row, as a difference that has no sides: with its interval, and no more.

    It is 0 only where they never differ, so that no p value asks whether it is; and it is relative to nothing.

    Args:
        distance: It is 0 or more.
        refused: As for `paired`.

    >>> far = Estimates(np.array([[0.2, 0.1, 0.3]]), np.array([[True, True]]), [None])
    >>> apart(far, [None]).absolute.stderr.round(3), apart(far, [None]).p
    (array([0.1]), array([nan]))
    """
    nothing = np.full(len(distance.reasons), np.nan)
    relative = Interval(nothing, nothing, nothing, nothing, nothing, distance.reasons)
    return Difference(nothing, nothing, interval(distance, refused), relative, nothing, nothing)


def differing(a: Estimates, b: Estimates, refused: Reasons) -> Estimates:
    """A − b of all shards and without each, with every reason against its interval; as `paired` takes them."""
    gap = Estimates(_less(a.values, b.values), a.present | b.present, first_reason(a.reasons, b.reasons))
    return replace(gap, reasons=interval(gap, refused).reasons)


def independent(a: Interval, b: Interval) -> Difference:
    """The difference where no unit is in both: SE² = SE_a² + SE_b², with the degrees of freedom of both together.

    Of a relative difference SE² = (SE_a² + (a/b)²·SE_b²) / b², and there is none where b's interval holds 0. Where
    units come back the same day after day this is too wide: `paired` is for them.

    Args:
        a: Intervals on the plain scale.
        b: In the same order.

    >>> one = Interval(*(np.array([x]) for x in (2.0, 0.3, 1.4, 2.6, 31.0)), [None])
    >>> two = Interval(*(np.array([x]) for x in (1.0, 0.4, 0.2, 1.8, 31.0)), [None])
    >>> independent(one, two).absolute.stderr
    array([0.5])
    """
    reasons = first_reason(a.reasons, b.reasons)
    absolute = _joint(_less(a.value, b.value), (a.stderr, a.df), (b.stderr, b.df), reasons)
    share = ratio(a.value, np.abs(b.value))
    near = first_reason(reasons, _near_zero(b.low, b.high))
    with np.errstate(invalid="ignore"):  # of an infinite share, which has a reason
        part_of_a, part_of_b = ratio(a.stderr, np.abs(b.value)), ratio(np.abs(share) * b.stderr, np.abs(b.value))
    relative = _joint(ratio(_less(a.value, b.value), np.abs(b.value)), (part_of_a, a.df), (part_of_b, b.df), near)
    return _told(a.value, b.value, absolute, relative)


def _joint(
    value: FloatArray, a: tuple[FloatArray, FloatArray], b: tuple[FloatArray, FloatArray], reasons: Reasons
) -> Interval:
    (error_of_a, df_of_a), (error_of_b, df_of_b) = a, b
    stderr = np.sqrt(np.square(error_of_a) + np.square(error_of_b))
    df = student.joint_df(error_of_a, df_of_a, error_of_b, df_of_b)
    reach = student.quantile(df) * stderr
    return masked(Interval(value, stderr, value - reach, value + reach, df, reasons))


def _told(a: FloatArray, b: FloatArray, absolute: Interval, relative: Interval) -> Difference:
    p = student.two_sided(absolute.value, absolute.stderr, absolute.df)
    return Difference(a, b, absolute, relative, p, POWERED * absolute.stderr)


def _less(a: FloatArray, b: FloatArray) -> FloatArray:
    """The difference; NaN of two infinite losses, which have a reason."""
    with np.errstate(invalid="ignore"):
        return a - b


def _relative(a: FloatArray, b: FloatArray) -> FloatArray:
    return ratio(_less(a, b), np.abs(b))


def _near_zero(low: FloatArray, high: FloatArray) -> Reasons:
    """A number that may be 0 or change its sign is none to be relative to."""
    reasons: Reasons = ["reference_near_zero" if a <= 0.0 <= b else None for a, b in zip(low, high, strict=True)]
    return reasons
