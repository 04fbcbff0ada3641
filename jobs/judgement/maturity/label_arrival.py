"""The rows of `label_arrival`: of every label and slice how much has arrived, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.judgement.maturity.curves import Curve
from jobs.judgement.maturity.lagging import arrived
from jobs.judgement.maturity.lasting import lasting
from jobs.judgement.maturity.usual import expectation
from jobs.judgement.maturity.vintages import ROWS, Vintages, level_since, standing
from jobs.ledger.judgements import LABEL_ARRIVAL
from jobs.ledger.stamp import Stamp
from jobs.results.rows import selected, stamp_columns
from jobs.settings import Evaluation
from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.decimals import nearest
from udfs.exact.integers import Integers
from udfs.exact.numerics import ratio


def label_arrival(curves: Mapping[str, Curve], known: Vintages, settings: Evaluation, stamp: Stamp) -> pa.Table:
    """The rows of every label that comes as a log of its own and that a task with positives has.

    Args:
        curves: By task.
        known: Earlier days.
        settings: What is configured.
        stamp: What every row carries.
    """
    before = standing(known.verdicts, settings, stamp)
    parts = [_rows(label, curves[task], before, settings, stamp) for label, task in told_by(curves, settings).items()]
    return pa.concat_tables([LABEL_ARRIVAL.schema.empty_table(), *parts])


def told_by(curves: Mapping[str, Curve], settings: Evaluation) -> dict[str, str]:
    """By label the task that tells of it, the first of several by name.

    One over all impressions goes before one that is given another label, one of their own weight before others.
    """
    found = {}
    for label in settings.label_logs:
        tasks = [task for task in curves if settings.tasks[task].label == label]
        if tasks:
            of = {task: settings.tasks[task] for task in tasks}
            found[label] = min(
                tasks, key=lambda task: (of[task].given is not None, bool(of[task].weight or of[task].propensity), task)
            )
    return found


def _rows(label: str, curve: Curve, before: pa.Table, settings: Evaluation, stamp: Stamp) -> pa.Table:
    shortfall, final = settings.label_logs[label].shortfall, settings.label_is_final(stamp.age_hours, label)
    said = arrived(curve, shortfall, final=final, provisional=stamp.provisional)
    lasts = lasting(label, curve, said.verdicts, before, (stamp.event_date, stamp.age_hours))
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
        "lasting_days": [None if of is None else of.days for of in lasts],
        "arrival_shape": [None if of is None else of.shape for of in lasts],
        "level_since": [level_since(settings, label, stamp.event_date)] * size,
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
    then, now = (_by(of.sums[curve.positives], curve.common) for of in (curve.before, curve.now))
    # Where the nearest doubles say that more have come, none has gone that is not outweighed.
    text, shard = np.nonzero((then.nearest() >= now.nearest()) & (then.nearest() > 0.0))
    gone = [0] * len(curve.texts)
    for row, *units in zip(text.tolist(), *(_units(of, text, shard) for of in (then, now)), strict=True):
        gone[row] += max(units[0] - units[1], 0)
    return nearest(gone)


def _by(of: Integers, shards: int | None) -> Integers:
    """Sums by shard, (slices, shards), by so few of them; 0 where they were not recorded."""
    if shards is None:
        return replace(of, missing=None)
    parts = (np.stack([part[:, i::shards].sum(axis=1) for i in range(shards)], axis=1) for part in of.parts)
    return replace(of, parts=tuple(parts), missing=None)


def _units(of: Integers, text: IntArray, shard: IntArray) -> list[int]:
    parts = tuple(part[text, shard] for part in of.parts)
    return replace(of, parts=parts).units().tolist()  # type: ignore[no-any-return]
