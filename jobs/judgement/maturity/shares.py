"""Which part of final sums is there at an age, as earlier days tell that have reached both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.judgement.by_shard import TOTAL
from jobs.judgement.maturity.grids import Grid
from jobs.judgement.maturity.usual import ENOUGH, LEAST_DAYS, Usual
from jobs.judgement.uncertainty.shards import Reasons
from udfs.exact.arrays import BoolArray
from udfs.exact.numerics import ratio


@dataclass(frozen=True)
class Shares:
    """Which part of final sums is there by this age, as earlier days tell; of the total where a slice has too few.

    Attributes:
        of: By the name of the sum, each of the slices.
        reasons: Why there is no share, (slices,), or None.
        of_total: Whether they are those of the total, (slices,).
    """

    of: Mapping[str, Usual]
    reasons: Reasons
    of_total: BoolArray


@dataclass(frozen=True)
class Ages:
    """Earlier days at the age of the day and where labels are final.

    Attributes:
        own: The sums at the age.
        last: Those where labels are final; None where they are so at the age, or that is no configured age.
        there: The slices and days that count at the age.
        ended: Those that are final as well.
        final: Whether labels are final at the age of the day.
    """

    own: Grid
    last: Grid | None
    there: BoolArray
    ended: BoolArray
    final: bool


def known_days(names: Sequence[str], ages: Ages) -> BoolArray:
    """The slices and days that are final and have all of some sums, (slices, days)."""
    if ages.last is None:
        return ages.ended
    recorded = [grid.recorded(name) for grid in (ages.own, ages.last) for name in names]
    return np.asarray(np.logical_and.reduce([ages.ended, *recorded]), dtype=np.bool_)


def shares_of(own: Mapping[str, Usual], ages: Ages, by_weight: Usual, texts: Sequence[str]) -> Shares:
    """The shares of some sums, of the positives first, by the days that have all of them.

    Args:
        own: By the name of the sum what is usual in each slice; where labels are final no share is less than all.
        ages: The days.
        by_weight: The positives as a part of all weight.
        texts: The slices.
    """
    if ages.last is None:
        one, sure = np.ones(len(texts)), np.zeros(len(texts))
        every = Usual(one, by_weight.days, by_weight.above, sure, sure, sure, by_weight.df)
        reasons: Reasons = [None if ages.final else "no_final_age"] * len(texts)
        return Shares(dict.fromkeys(own, every), reasons, np.zeros(len(texts), dtype=np.bool_))
    # Days before a sum was kept would do but for that.
    lacking = ["not_recorded" if m >= LEAST_DAYS else "too_few_days" for m in ages.ended.sum(axis=1).tolist()]
    return _by_total(own, by_weight, texts, lacking)


def _by_total(own: Mapping[str, Usual], by_weight: Usual, texts: Sequence[str], lacking: Sequence[str]) -> Shares:
    """The shares of each slice, those of the total where a slice has too few days or positives; or why there are none.

    Args:
        own: By the name of the sum, that of the positives first.
        by_weight: The positives as a part of all weight.
        texts: The slices.
        lacking: Why a slice has too few days, where it has.
    """
    first = next(iter(own.values()))
    few = (first.days < LEAST_DAYS) | (np.nan_to_num(ratio(first.above, by_weight.noise)) < ENOUGH)
    if TOTAL in texts:
        row = texts.index(TOTAL)
        few[row] = False
        own = {name: _mixed(of, of.at([row] * len(texts)), few) for name, of in own.items()}
        lacking = [lacking[row] if f else reason for f, reason in zip(few.tolist(), lacking, strict=True)]
        days, of_total = next(iter(own.values())).days, few
    else:
        days, of_total = np.where(few, 0.0, first.days), np.zeros(few.size, dtype=np.bool_)
    reasons = [reason if m < LEAST_DAYS else None for m, reason in zip(days.tolist(), lacking, strict=True)]
    return Shares(own, reasons, of_total)


def _mixed(own: Usual, other: Usual, where: BoolArray) -> Usual:
    """The one, in some slices the other."""
    return Usual(**{name: np.where(where, getattr(other, name), of) for name, of in vars(own).items()})
