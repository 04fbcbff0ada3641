"""What is usual: a quotient of two sums as earlier days have it, and how far a new day may be from it by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.jackknife import Interval, stderrs
from udfs.exact.arrays import BoolArray, FloatArray, IntArray
from udfs.exact.numerics import ratio, row_sums

LEAST_DAYS = 5  # below, the spread of days says little of itself
FEWEST = 10.0  # expected positives, below which their number is far from a normal one
ENOUGH = 100.0  # positives of all days together by which a share is known to a tenth


@dataclass(frozen=True)
class Days:
    """Two sums of slices on earlier days, from all shards and without each: (slices · days, 1 + shards).

    Attributes:
        above: The sum whose part it is asked.
        below: Of what it is a part.
        present: Which shards have rows, (slices · days, shards).
        known: Whether a day counts for a slice, (slices, days).
    """

    above: FloatArray
    below: FloatArray
    present: BoolArray
    known: BoolArray


@dataclass(frozen=True)
class Usual:
    """The quotient ρ = Σ above / Σ below over days, and what a new day's sum above varies by; each (slices,).

    Of a day that is expected to have E above, its variance is φ·E + τ²·E², and that of what is expected σ²·E².

    Attributes:
        value: ρ; NaN without a day that counts.
        days: How many days count.
        above: Σ above.
        noise: φ, by leaving out shards of units on each day: 1 for rows of unit weight and users who come once.
        drift: τ², by how much more than that the days differ among each other.
        error: σ², of ρ itself.
        df: Degrees of freedom of φ.
    """

    value: FloatArray
    days: FloatArray
    above: FloatArray
    noise: FloatArray
    drift: FloatArray
    error: FloatArray
    df: FloatArray

    @property
    def counted(self) -> FloatArray:
        """Rows of unit weight that would tell as much as all days together, Σ above / φ."""
        return ratio(self.above, self.noise)

    def at(self, rows: int | list[int] | IntArray) -> Usual:
        """The same of some slices."""
        chosen = np.atleast_1d(np.asarray(rows, dtype=np.int64))
        return Usual(**{name: values[chosen] for name, values in vars(self).items()})

    @classmethod
    def joined(cls, parts: Sequence[Usual]) -> Usual:
        """Those of several slices together, one at least."""
        return cls(**{name: np.concatenate([getattr(each, name) for each in parts]) for name in vars(parts[0])})

    def spread(self, expected: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Standard error of a new day's sum above of which so much is expected, and its degrees of freedom."""
        with np.errstate(invalid="ignore", divide="ignore"):
            noise = np.sqrt(self.noise * expected)
            drift = np.sqrt(self.drift + self.error) * expected
            df = student.joint_df(noise, self.df, drift, self.days - 1.0)
            return np.sqrt(np.square(noise) + np.square(drift)), df


def usual(of: Days) -> Usual:
    """The quotient of earlier days, and its variance.

    φ = Σ v_d / Σ above_d, v_d the variance of above on day d given below, by leaving shards out of the quotient.
    With gaps g_d = above_d − ρ·below_d of m days, τ² = (Σ g_d² · m / (m − 1) − φ·Σ above) / Σ (ρ·below)², or 0, and
    σ² = φ / Σ above + τ²·Σ (ρ·below)² / (Σ above)². Days are added in their order.
    """
    slices, days = of.known.shape
    quotient = ratio(of.above, of.below)
    error = stderrs(quotient, of.present) * of.below[:, 0]
    above, below, variance = (
        np.where(of.known, np.nan_to_num(values.reshape(slices, days)), 0.0)
        for values in (of.above[:, 0], of.below[:, 0], np.square(error))
    )
    m, total = of.known.sum(axis=1).astype(np.float64), row_sums(above)
    rho = ratio(total, row_sums(below))
    expected = np.where(of.known, rho[:, None] * below, 0.0)
    squares = row_sums(np.square(expected))
    noise = ratio(row_sums(variance), total)
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = row_sums(np.square(above - expected)) * m / (m - 1.0)
        drift = np.maximum(ratio(gaps - noise * total, squares), 0.0)
    sure = ratio(noise, total) + ratio(drift * squares, np.square(total))
    shards = of.present.reshape(slices, days, -1).sum(axis=2)
    df = np.where(of.known, np.maximum(shards - 1.0, 0.0), 0.0).sum(axis=1)
    return Usual(rho, m, total, noise, drift, sure, df)


def below_by_chance(found: FloatArray, expected: FloatArray, of: Usual) -> FloatArray:
    """One-sided p value of a day that has so much above, or less, where so much is expected at least. Each (slices,).

    The variance is that of a day at the expectation, so that nothing at all is not taken for certain.

    >>> one = Usual(*(np.array([x]) for x in (0.1, 20.0, 2000.0, 1.0, 0.0, 0.0005, 600.0)))
    >>> below_by_chance(np.array([70.0]), np.array([100.0]), one).round(4)
    array([0.0018])
    """
    stderr, df = of.spread(expected)
    both = student.two_sided(found - expected, stderr, df)
    return np.where(found < expected, both / 2.0, 1.0 - both / 2.0)


def expectation(below: FloatArray, of: Usual) -> Interval:
    """What a new day will have above, with the 95 % interval of the day itself and not of a mean; never below 0."""
    expected = of.value * below
    stderr, df = of.spread(expected)
    reach = student.quantile(df) * stderr
    return Interval(expected, stderr, np.maximum(expected - reach, 0.0), expected + reach, df, [None] * len(expected))
