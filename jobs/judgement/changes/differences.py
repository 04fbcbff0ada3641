"""How far metrics of two days are apart, with intervals: by the same shards of units, or as independent days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from jobs.judgement.by_shard import ByShard, by_shard, read_by
from jobs.judgement.uncertainty.differences import Difference, independent, paired
from jobs.judgement.uncertainty.jackknife import interval
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import changing
from udfs.exact.arrays import FloatArray
from udfs.measure import Metric

Days = tuple[ByShard, ByShard]


def days_by_shard(before: pa.Table, now: pa.Table, kind: str, texts: Sequence[str], settings: Evaluation) -> Days:
    """The sums of one task and model on both days: those that changing metrics are made of.

    Args:
        before: Rows of `shard_statistics` on the earlier day.
        now: Those of the day.
        kind: The kind of the task.
        texts: All slices of both.
        settings: What is configured.
    """
    asked = kind, read_by(changing(kind, settings).values(), kind, settings)
    return by_shard(before, asked, texts, settings), by_shard(now, asked, texts, settings)


def difference(days: Days, metric: Metric, settings: Evaluation) -> tuple[Difference, Reasons]:
    """The metric now minus before, and why a slice has none: the first reason of either day.

    Where units are known they come back, and are in the same shard on both days: what they share cancels.
    """
    before, now = (each.estimated(metric) for each in days)
    few = [_too_few(each, settings) for each in days]
    reasons = first_reason(now.reasons, few[1], before.reasons, few[0])
    against = first_reason(days[1].refused, days[0].refused)
    if settings.impressions.columns.unit is not None:
        return paired(now, before, against), reasons
    apart = [interval(each, of.refused) for each, of in zip((now, before), reversed(days), strict=True)]
    return independent(*apart), reasons


def _too_few(of: ByShard, settings: Evaluation) -> Reasons:
    """Metrics of fewer rows are withheld."""
    rows = of.exact.rows.sum(axis=1)
    return ["too_few_rows" if 0 < n < settings.limits.min_rows else None for n in rows.tolist()]


def published_values(found: Difference, reasons: Reasons) -> Mapping[str, FloatArray]:
    """The columns of a difference, each (slices,); NaN where there is none."""
    none = np.array([reason is not None for reason in reasons], dtype=np.bool_)
    absolute, relative = found.absolute, found.relative
    columns = {
        "difference": absolute.value,
        "ci_low": absolute.low,
        "ci_high": absolute.high,
        "stderr": absolute.stderr,
        "relative_difference": relative.value,
        "relative_low": relative.low,
        "relative_high": relative.high,
        "p": found.p,
    }
    return {name: np.where(none, np.nan, values) for name, values in columns.items()}
