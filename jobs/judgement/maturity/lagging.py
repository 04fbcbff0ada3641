"""Labels that lag: fewer positives in a slice than earlier days let expect at this age of its own impressions.

They lag where so few are rarer than chance even if a part of the expected ones, `labels.NAME.shortfall`, may be
lacking: at a false discovery rate of 1 % over the slices of the label (Benjamini-Hochberg). They are missing where
labels no longer change at the age, or where they lag by more than in the rest of the day; else they are late. A real
fall of the rate looks alike: what tells it apart is that it stays, and that people know of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.judgement.by_shard import TOTAL
from jobs.judgement.maturity.curves import Curve
from jobs.judgement.maturity.grids import BLOCK
from jobs.judgement.maturity.usual import FEWEST, LEAST_DAYS, Days, below_by_chance, expectation, usual
from jobs.judgement.uncertainty.discoveries import adjusted
from jobs.judgement.uncertainty.jackknife import Interval
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from jobs.ledger.judgements import ARRIVING, COMPLETE, LATE, MISSING
from udfs.exact.arrays import BoolArray, FloatArray, IntArray
from udfs.exact.numerics import ratio

RATE = 0.01  # of discoveries that are false: by one of them a day is not final, and its gates are not judged


@dataclass(frozen=True)
class Arrived:
    """What is said of a label, slice by slice.

    Attributes:
        expected: The positives that earlier days let expect at this age, with the interval of a day.
        p: p values of so few or fewer, adjusted over the slices; NaN where it is not judged.
        verdicts: `arriving`, `complete`, `labels_late` or `labels_missing`; None where it is not judged.
        reasons: Why not, or None.
    """

    expected: Interval
    p: FloatArray
    verdicts: list[str | None]
    reasons: Reasons


def arrived(curve: Curve, shortfall: float, *, final: bool, provisional: bool) -> Arrived:
    """Judge the labels of a day.

    Args:
        curve: How they arrive.
        shortfall: Which share of the expected positives may be lacking.
        final: Whether labels no longer change at this age.
        provisional: Whether the day is: its labels are known to be incomplete, and are not judged.
    """
    found, weight = curve.total(curve.positives), curve.total("weight")
    expected = expectation(weight, curve.by_weight)
    tests = [
        (np.full(found.size, provisional), "provisional"),
        (np.isnan(found), "not_recorded"),
        (weight == 0.0, "no_weight"),
        (curve.by_weight.days < LEAST_DAYS, "too_few_days"),
        (~(ratio(expected.value, curve.by_weight.noise) >= FEWEST), "too_few_positives"),
    ]
    reasons = first_reason(*([reason if holds else None for holds in of] for of, reason in tests))
    known = np.array([reason is None for reason in reasons], dtype=np.bool_)
    least = (1.0 - shortfall) * expected.value
    p = adjusted(np.where(known, below_by_chance(found, least, curve.by_weight), np.nan))
    lagging = np.asarray((p <= RATE) & (found < least), dtype=np.bool_)
    late = np.zeros(found.size, dtype=np.bool_) if final else ~_alone(curve, lagging, least)
    judged = [
        None if not k else (COMPLETE if final else ARRIVING) if not lags else LATE if is_late else MISSING
        for k, lags, is_late in zip(known.tolist(), lagging.tolist(), late.tolist(), strict=True)
    ]
    return Arrived(expected, p, judged, reasons)


def _alone(curve: Curve, lagging: BoolArray, least: FloatArray) -> BoolArray:
    """Which of the slices that lag do so by more than chance even if they may lack as much as the rest of the day.

    Args:
        curve: How the labels arrive.
        lagging: Which slices lag.
        least: The positives below which they do.
    """
    alone = np.zeros(lagging.size, dtype=np.bool_)
    if TOTAL not in curve.texts:
        return alone
    whole, found, weight = curve.texts.index(TOTAL), curve.total(curve.positives), curve.total("weight")
    rows = np.flatnonzero(lagging & (np.arange(lagging.size) != whole))
    for some in np.array_split(rows, -(-rows.size // BLOCK)) if rows.size else ():
        of = usual(_rest(curve, whole, some))
        expected = of.value * (weight[whole] - weight[some])
        there = ratio(found[whole] - found[some], expected)
        told = (of.days >= LEAST_DAYS) & (ratio(expected, of.noise) >= FEWEST)
        as_the_rest = np.minimum(there, 1.0) * least[some]
        alone[some] = told & (below_by_chance(found[some], as_the_rest, curve.by_weight.at(some)) <= RATE)
    return alone


def _rest(curve: Curve, whole: int, some: IntArray) -> Days:
    """The days of all impressions without those of each of some slices."""
    names, grid = [curve.positives, "weight"], curve.earlier
    of = grid.sums.part(names, grid.rows(slice(whole, whole + 1))).leaving_out()
    parts = [grid.sums.part(names, grid.rows(slice(row, row + 1))).leaving_out() for row in some.tolist()]
    above, below = (
        np.concatenate([np.nan_to_num(of[name]) - np.nan_to_num(part[name]) for part in parts]) for name in names
    )
    known = curve.counted[whole] & (below[:, 0] > 0.0).reshape(some.size, grid.days)
    present = np.tile(grid.present[grid.rows(slice(whole, whole + 1))], (some.size, 1))
    return Days(above, below, present, known)
