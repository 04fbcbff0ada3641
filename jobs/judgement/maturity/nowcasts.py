"""Nowcasts: metrics of a day whose labels still arrive as they will be in the end, beside what they are by now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from jobs.judgement.by_shard import ByShard, by_shard, read_by
from jobs.judgement.maturity.curves import Curve
from jobs.judgement.maturity.quiet import Lags
from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.jackknife import ON_LOG_SCALE, Interval, estimated, interval, masked
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from jobs.ledger.stamp import Stamp
from jobs.results.finish import stamped
from jobs.results.rows import of_pair
from jobs.results.slice_sums import SliceSums, rows_of
from jobs.settings import Evaluation
from udfs.catalog import published
from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import STRICT
from udfs.exact.numerics import ratio
from udfs.measure import Metric
from udfs.measures.nowcast import NOWCAST
from udfs.pricing import evaluated

METHOD = "nowcast"


def nowcasts(
    tables: Mapping[str, pa.Table], curves: Mapping[str, Curve], lags: Lags, settings: Evaluation, stamp: Stamp
) -> pa.Table | None:
    """The rows of `metrics` that are nowcasts; None where no task has any.

    A task has them whose label comes as a log and can still change at the age: a row for each slice, whether there is
    a number or not.

    Args:
        tables: `shard_statistics` of the day.
        curves: By task how its labels arrive.
        lags: Labels that do not arrive as they do else: of those nothing is said.
        settings: What is configured.
        stamp: Of the day.
    """
    parts = [
        rows
        for task, model in settings.pairs
        if task in curves and not settings.is_final(stamp.age_hours, task)
        for rows in _of_pair((task, model), tables, curves[task], lags, settings, stamp)
    ]
    return pa.concat_tables(parts) if parts else None


def _of_pair(  # noqa: PLR0913, PLR0917 - all there is
    pair: tuple[str, str],
    tables: Mapping[str, pa.Table],
    curve: Curve,
    lags: Lags,
    settings: Evaluation,
    stamp: Stamp,
) -> Iterator[pa.Table]:
    kind = settings.tasks[pair[0]].kind
    metrics = published(kind, settings.loss.options, "nowcast")
    if curve.of_losses is None:
        return
    rows = of_pair(tables["shard_statistics"], *pair)
    asked = kind, read_by(metrics.values(), kind, settings)
    sums = by_shard(rows, asked, curve.texts, settings)
    keys = [(*pair, text) for text in curve.texts]
    whole = SliceSums(kind, keys, {name: values[:, 0] for name, values in sums.of.items()})
    why = _reasons(pair[0], curve, lags, settings, stamp)
    shares = {column: curve.of_losses.of[name].value for column, name in NOWCAST.items()}
    for name, metric in metrics.items():
        values, undefined = evaluated(metric, {**whole.of, **shares})
        reasons = first_reason(why, undefined)
        table = stamped(rows_of(whole, settings, values, reasons, (name, metric.unit)), settings, stamp)
        yield _with_interval(table, _interval(metric, sums, curve))


def _reasons(task: str, curve: Curve, lags: Lags, settings: Evaluation, stamp: Stamp) -> Reasons:
    """Why a slice has no nowcast, whatever its own sums."""
    given = settings.tasks[task].given
    # Rows would still come and go, of which the curve of the labels knows nothing.
    moving = given is not None and not settings.label_is_final(stamp.age_hours, given)
    of_day = "provisional" if stamp.provisional else "given_not_final" if moving else None
    touching = [lags.touching(task, text) for text in curve.texts]
    lagging: Reasons = [None if lag is None else lag.verdict for lag in touching]
    lacking: Reasons = [] if curve.of_losses is None else curve.of_losses.reasons
    return first_reason([of_day] * len(curve.texts), lagging, lacking)


def _interval(metric: Metric, sums: ByShard, curve: Curve) -> Interval:
    """The 95 % interval of what the metric of this day will be, SE² = κ·SE_shards² + SE_F².

    SE_shards is the spread by leaving out shards of the positives alone, of which κ is the chance of having arrived
    (`Curve.arriving`): negatives are there, and the positives that are there stay. SE_F is half of how far the metric
    is apart where the shares are a standard error more or less: what the days' shares differ by beyond chance, and the
    error of their mean. There is none by the shares of the total: how far those of a slice are from them is not known.
    """
    assert curve.of_losses is not None
    shares = {column: curve.of_losses.of[name] for column, name in NOWCAST.items()}
    off = {column: np.sqrt(of.drift + of.error) for column, of in shares.items()}
    ends = [
        _at(metric, sums, {column: of.value * (1.0 + sign * off[column]) for column, of in shares.items()})
        for sign in (1.0, -1.0)
    ]
    found = _by_shards(metric, sums, {column: of.value for column, of in shares.items()})
    se_share, se_shards = np.abs(ends[0] - ends[1]) / 2.0, np.sqrt(curve.arriving) * found.stderr
    stderr = np.sqrt(np.square(se_shards) + np.square(se_share))
    days = next(iter(shares.values())).days
    with np.errstate(invalid="ignore", divide="ignore"):
        df = student.joint_df(se_shards, found.df, se_share, days - 1.0)
        reach = student.quantile(df) * stderr
        part = STRICT.exp(ratio(reach, found.value))
    value, log = found.value, metric.name in ON_LOG_SCALE
    low, high = (value / part, value * part) if log else (value - reach, value + reach)
    unsure = np.any([each >= 1.0 for each in off.values()], axis=0)
    tests = [(curve.of_losses.of_total, "share_of_total"), (unsure, "share_unsure")]
    lacking = [[reason if holds else None for holds in of] for of, reason in tests]
    return masked(Interval(value, stderr, low, high, df, first_reason(found.reasons, *lacking)))


def _by_shards(metric: Metric, sums: ByShard, shares: Mapping[str, FloatArray]) -> Interval:
    """The metric, and its error by leaving out a shard's positives.

    What is left of the positives is grown by the weight that is left, so that a heavy shard is not taken for many
    positives.
    """
    weight = sums.of["weight"]
    grown = ratio(weight[:, :1], weight)
    of = {name: values * grown if name in NOWCAST.values() else _repeated(values) for name, values in sums.of.items()}
    repeated = {name: np.broadcast_to(share[:, None], weight.shape) for name, share in shares.items()}
    return interval(estimated(metric, {**of, **repeated}, sums.exact.present), sums.refused)


def _repeated(values: FloatArray) -> FloatArray:
    return np.broadcast_to(values[:, :1], values.shape)


def _at(metric: Metric, sums: ByShard, shares: Mapping[str, FloatArray]) -> FloatArray:
    """The metric of all shards at other shares, (slices,)."""
    of = {name: values[:, 0] for name, values in sums.of.items()}
    return np.asarray(metric.of({**of, **shares}), dtype=np.float64)


def _with_interval(rows: pa.Table, found: Interval) -> pa.Table:
    """The rows with their intervals; a number that is none has none, and for no other reason."""
    own = rows["reason"].to_pylist()
    found = masked(replace(found, reasons=first_reason(own, found.reasons)))
    methods = pa.repeat(pa.scalar(METHOD), rows.num_rows)
    columns = {**found.columns(), "ci_method": methods, "ci_reason": pa.array(found.reasons, type=pa.string())}
    for name, column in columns.items():
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), column)
    return rows
