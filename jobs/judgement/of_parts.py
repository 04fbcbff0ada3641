"""Intervals of the metrics of score bins and of classes, slice by slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.examples.sent import binning
from jobs.inputs.scorings import scorings
from jobs.judgement.by_shard import ByShard
from jobs.judgement.metric_intervals import MetricIntervals, without_intervals
from jobs.judgement.uncertainty import delong
from jobs.judgement.uncertainty.jackknife import METHOD, estimated_of_parts, interval
from jobs.judgement.uncertainty.shards import parts_left_out
from jobs.results.slice_sums import doubles
from jobs.settings import Evaluation
from udfs.catalog import published, statistics_of
from udfs.exact.arrays import FloatArray
from udfs.measure import Metric
from udfs.scan.batch import BIN_STATISTICS

ALL_SHARDS = -1  # the shard of bins that were not kept apart
AREA = "auc"


def of_bins(sums: ByShard, rows: pa.Table, pair: tuple[str, str], settings: Evaluation) -> Iterator[MetricIntervals]:
    """The metrics of score bins of every slice that has any.

    By leaving out a shard where bins were kept by shard; else AUC over rows.

    Args:
        sums: Of a task and model.
        rows: Its rows of `score_bins`.
        pair: The task and the model.
        settings: What is configured.
    """
    (scoring,) = (each for each in scorings(settings) if (each.task, each.model) == pair)
    bins, hard = binning(scoring, settings), settings.labels[settings.tasks[pair[0]].label].values != "soft"
    assert bins is not None
    metrics = published(scoring.kind.name, settings.bins.options, "bins")
    for text, own in _by_slice(rows):
        if ALL_SHARDS in own["shard"].to_pylist():
            yield from _over_rows(sums, own, text, metrics, hard=hard)
            continue
        low, left = parts_left_out(own, "bin", settings.shards.count, BIN_STATISTICS)
        filled = np.flatnonzero(left["n"][:, 0] > 0)
        parts = {"low": bins.probability(low)[filled], **{name: values[filled] for name, values in left.items()}}
        yield from _left_out(sums, text, parts, metrics)


def of_classes(sums: ByShard, rows: pa.Table, kind: str, settings: Evaluation) -> Iterator[MetricIntervals]:
    """The metrics of classes of every slice that has any.

    Args:
        sums: Of a task and model.
        rows: Its rows of `class_statistics`.
        kind: The kind of the task.
        settings: What is configured.
    """
    metrics = published(kind, settings.loss.options, "classes")
    for text, own in _by_slice(rows):
        _, parts = parts_left_out(own, "class", settings.shards.count, tuple(statistics_of(kind, "classes")))
        yield from _left_out(sums, text, parts, metrics)


def _by_slice(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    for text in sorted(set(rows["slice"].to_pylist())):
        yield text, rows.filter(pc.equal(rows["slice"], text))


def _left_out(
    sums: ByShard, text: str, parts: Mapping[str, FloatArray], metrics: Mapping[str, Metric]
) -> Iterator[MetricIntervals]:
    number, whole = sums.texts.index(text), sums.row(text)
    for name, metric in metrics.items():
        if metric.spread == "none":
            yield without_intervals(name, [text], "not_smooth")
            continue
        estimates = estimated_of_parts(metric, parts, whole, sums.exact.present[number])
        yield MetricIntervals(name, [text], interval(estimates, [sums.refused[number]]), METHOD)


def _over_rows(
    sums: ByShard, rows: pa.Table, text: str, metrics: Mapping[str, Metric], *, hard: bool
) -> Iterator[MetricIntervals]:
    ordered = rows.sort_by("bin")
    parts = {name: doubles(ordered[name]) for name in BIN_STATISTICS}
    for name, metric in metrics.items():
        if metric.spread == "none":
            yield without_intervals(name, [text], "not_smooth")
        elif name != AREA:
            yield without_intervals(name, [text], "bins_not_by_shard")
        elif not hard:
            yield without_intervals(name, [text], "soft_labels")
        else:
            yield MetricIntervals(name, [text], delong.delong(parts, alike=_alike(sums, text)), delong.METHOD)


def _alike(sums: ByShard, text: str) -> bool:
    """Whether all rows of a slice weigh 1."""
    row, exact = sums.texts.index(text), sums.exact
    n, weight, squared = (exact.units[name][row].sum() for name in ("n", "weight", "squared_weight"))
    return not exact.unknown["squared_weight"][row] and delong.weigh_one(int(n), weight, squared)
