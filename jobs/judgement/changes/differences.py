"""How far metrics of two days are apart, with intervals: by the same shards of units, or as independent days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from jobs.judgement.by_shard import ByShard, by_shard, read_by
from jobs.judgement.uncertainty.differences import Difference, independent, paired
from jobs.judgement.uncertainty.jackknife import interval
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from jobs.judgement.uncertainty.shared import OTHER_SHARDS, Shared
from jobs.ledger.sharding import counted_in, folded
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import changing
from udfs.exact.arrays import FloatArray
from udfs.measure import Metric


class Days(NamedTuple):
    """The sums of one task and model on two days; `paired` where a unit is in the same shard on both."""

    before: ByShard
    now: ByShard
    paired: bool = True


def days_by_shard(  # noqa: PLR0913, PLR0917 - of what, and by which shards
    before: pa.Table, now: pa.Table, kind: str, texts: Sequence[str], settings: Evaluation, common: Shared
) -> Days:
    """The sums of one task and model on both days: those that changing metrics are made of.

    Args:
        before: Rows of `shard_statistics` on the earlier day.
        now: Those of the day.
        kind: The kind of the task.
        texts: All slices of both.
        settings: What is configured.
        common: The shards that both days have in common.
    """
    asked = kind, read_by(changing(kind, settings).values(), kind, settings)
    by = counted_in(settings, common.count)
    if common.paired:
        before, now = (folded(table, common.count) for table in (before, now))
    return Days(by_shard(before, asked, texts, by), by_shard(now, asked, texts, by), common.paired)


def difference(days: Days, metric: Metric, settings: Evaluation) -> tuple[Difference, Reasons]:
    """The metric now minus before, and why a slice has none: the first reason of either day.

    Where units are known they come back, and are in the same shard on both days: what they share cancels.
    """
    before, now = (of.estimated(metric) for of in (days.before, days.now))
    few = [_too_few(of, settings) for of in (days.before, days.now)]
    reasons = first_reason(now.reasons, few[1], before.reasons, few[0])
    if settings.impressions.columns.unit is not None:
        other: Reasons = [None if days.paired else OTHER_SHARDS] * len(reasons)
        return paired(now, before, first_reason(days.now.refused, days.before.refused, other)), reasons
    apart = (interval(each, of.refused) for each, of in ((now, days.now), (before, days.before)))
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
