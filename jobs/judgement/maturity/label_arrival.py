"""The rows of `label_arrival`: of every label and slice how much has arrived, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.judgement.maturity.curves import Curve
from jobs.judgement.maturity.lagging import arrived
from jobs.judgement.maturity.usual import expectation
from jobs.judgement.maturity.vintages import ROWS
from jobs.ledger.judgements import LABEL_ARRIVAL
from jobs.ledger.stamp import Stamp
from jobs.results.rows import selected, stamp_columns
from jobs.settings import Evaluation
from udfs.exact.arrays import FloatArray, UnitArray
from udfs.exact.decimals import nearest
from udfs.exact.numerics import ratio


def label_arrival(curves: Mapping[str, Curve], settings: Evaluation, stamp: Stamp) -> pa.Table:
    """The rows of every label that comes as a log of its own and that a task with positives has.

    Args:
        curves: By task.
        settings: What is configured.
        stamp: What every row carries.
    """
    parts = [_rows(label, curves[task], settings, stamp) for label, task in told_by(curves, settings).items()]
    return pa.concat_tables([LABEL_ARRIVAL.schema.empty_table(), *parts])


def told_by(curves: Mapping[str, Curve], settings: Evaluation) -> dict[str, str]:
    """By label the task that tells of it, the first of several.

    One over all impressions goes before one that is given another label, one of their own weight before others.
    """
    found = {}
    for label in settings.label_logs:
        tasks = [task for task in curves if settings.tasks[task].label == label]
        if tasks:
            of = {task: settings.tasks[task] for task in tasks}
            found[label] = min(
                tasks, key=lambda task: (of[task].given is not None, bool(of[task].weight or of[task].propensity))
            )
    return found


def _rows(label: str, curve: Curve, settings: Evaluation, stamp: Stamp) -> pa.Table:
    shortfall, final = settings.label_logs[label].shortfall, settings.label_is_final(stamp.age_hours, label)
    said = arrived(curve, shortfall, final=final, provisional=stamp.provisional)
    seen = curve.total(curve.positives)
    known = [reason is None for reason in curve.shares.reasons]
    size = len(curve.texts)
    named = {"label": label, "task": curve.task, "model": curve.model}
    numbers = {
        "weight": curve.total("weight"),
        "positives": seen,
        "retracted": _retracted(curve),
        "share": np.where(known, curve.share.value, np.nan),
        **{name: np.where(known, end, np.nan) for name, end in _share_of_day(curve, said.expected.value).items()},
        "expected_positives": said.expected.value,
        "expected_low": said.expected.low,
        "expected_high": said.expected.high,
        "p_adjusted": said.p,
    }
    columns: dict[str, Any] = {
        **{name: [value] * size for name, value in named.items()},
        "slice": list(curve.texts),
        "n": curve.total("n").astype(np.int64),
        "positive_rows": _counts(curve),
        **{name: pa.array(values, mask=~np.isfinite(values)) for name, values in numbers.items()},
        "share_of": [
            ("total" if t else "slice") if k else None for t, k in zip(curve.shares.of_total, known, strict=True)
        ],
        "share_days": curve.share.days.astype(np.int64),
        "share_reason": curve.shares.reasons,
        "expected_days": curve.by_weight.days.astype(np.int64),
        "verdict": said.verdicts,
        "reason": said.reasons,
    }
    return selected({**columns, **stamp_columns(stamp, size)}, LABEL_ARRIVAL)


def _share_of_day(curve: Curve, expected: FloatArray) -> dict[str, FloatArray]:
    """The 95 % interval of the share of this day, whose own chance is in it: of so many final positives."""
    final = ratio(np.where(expected > 0.0, expected, curve.total(curve.positives)), curve.share.value)
    of_day = expectation(final, curve.share)
    return {"share_low": ratio(of_day.low, final), "share_high": ratio(of_day.high, final)}


def _counts(curve: Curve) -> pa.Array:
    """Rows whose label is positive, NULL where they were not recorded or the kind of task has no such count."""
    if ROWS not in curve.now.sums:
        return pa.nulls(len(curve.texts), pa.int64())
    counts = curve.total(ROWS)
    return pa.array(counts, mask=np.isnan(counts))


def _retracted(curve: Curve) -> FloatArray:
    """Weight of the positives that the next younger age had and this one has not, by shard of units: at least so many.

    NaN where the tables have no younger age.
    """
    if curve.before is None:
        return np.full(len(curve.texts), np.nan)
    before, now = (_by(each.units(curve.positives), curve.common) for each in (curve.before, curve.now))
    gone = before - now
    return nearest(sum(max(each, 0) for each in row) for row in gone.tolist())


def _by(units: UnitArray, shards: int | None) -> UnitArray:
    """Sums by shard, (slices, shards), by so few of them."""
    if shards is None:
        return units
    return np.stack([units[:, first::shards].sum(axis=1) for first in range(shards)], axis=1)
