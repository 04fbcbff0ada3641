"""How far metrics of two days are apart, with intervals: by the same shards of units, or as independent days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from jobs.judgement.by_shard import ByShard
from jobs.judgement.uncertainty.differences import Difference, independent, paired
from jobs.judgement.uncertainty.jackknife import interval
from jobs.judgement.uncertainty.shards import Reasons, first_reason, refused, rows_of_keys, sharded
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import changing
from udfs.exact.arrays import FloatArray
from udfs.kinds import KINDS
from udfs.measure import Metric
from udfs.pricing import priced

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
    before_, now_ = (_by_shard(table, kind, texts, settings) for table in (before, now))
    return before_, now_


def _by_shard(table: pa.Table, kind: str, texts: Sequence[str], settings: Evaluation) -> ByShard:
    of_kind = KINDS[kind]
    needed = {name for metric in changing(kind, settings).values() for name in metric.inputs} | {"n", "weight"}
    needed |= {name for hard in of_kind.hard for name in hard.weights} | {of_kind.positives or "n"}
    named = {name: s for name, s in statistics_of_kind(settings, kind).items() if name in needed}
    row = rows_of_keys(table, [(text,) for text in texts], ["slice"])
    exact = sharded(table, row, len(texts), settings.shards.count, list(named))
    of = priced(kind, exact.leaving_out(), named, settings.loss.clip)
    return ByShard(texts, exact, of, refused(exact, settings.limits.min_rows, rare=of_kind.positives))


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
    rows = of.exact.units["n"].sum(axis=1)
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
