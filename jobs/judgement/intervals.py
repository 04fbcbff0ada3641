"""The intervals of `metrics`: of every metric that is a function of sums, by leaving out a shard of units.

They are made of tables alone, so those of an old day can be made again without its logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement import of_parts
from jobs.judgement.by_shard import ByShard, by_shard, of_pair, read_by
from jobs.judgement.metric_intervals import MetricIntervals, without_intervals
from jobs.judgement.uncertainty.jackknife import METHOD, ON_LOG_SCALE, Estimates, added, interval
from jobs.judgement.uncertainty.shards import first_reason
from jobs.ledger.tables import INTERVAL
from jobs.results.baselines import Rates
from jobs.settings import Evaluation
from udfs.catalog import published, published_against
from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import ratio
from udfs.kinds import KINDS
from udfs.measures.baselines import constant_baseline, prior_entropy
from udfs.measures.peers import peer_metrics

KEYS = ("task", "model", "metric", "slice")
TOTAL = ""
# Of what a baseline is made, where its rate cannot be had without a shard.
WITHOUT_A_RATE = {"total": "total_not_declared", "reference": "no_reference", "stratified": "cells_not_by_shard"}
Tables = Mapping[str, pa.Table]
Pair = tuple[str, str]


def with_intervals(metrics: pa.Table, tables: Tables, settings: Evaluation, references: Rates) -> pa.Table:
    """The rows of `metrics` with their intervals, or why they have none.

    Args:
        metrics: Rows of one day, in any order.
        tables: The day's `shard_statistics`, and `score_bins` and `class_statistics` where there are any.
        settings: What is configured.
        references: The reference rates of tasks and models, `jobs.results.baselines.references`.
    """
    number = {key: row for row, key in enumerate(_keys(metrics))}
    slices: dict[Pair, list[str]] = {}
    for task, model, metric, text in number:
        if task in settings.tasks and metric == KINDS[settings.tasks[task].kind].loss:
            slices.setdefault((task, model), []).append(text)
    found = pa.concat_tables(_rows(task, model, of) for task, model, of in _every(slices, tables, settings, references))
    row = {key: row for row, key in enumerate(_keys(found))}
    found = found.take(pa.array([row.get(key) for key in number], type=pa.int64()))
    # A number that is none has no interval, and for no other reason.
    reason = pc.coalesce(metrics["reason"], found["ci_reason"])
    for name in INTERVAL:
        column = reason if name == "ci_reason" else pc.if_else(pc.is_null(reason), found[name], None)
        metrics = metrics.set_column(metrics.column_names.index(name), metrics.schema.field(name), column)
    return metrics


def _keys(table: pa.Table) -> Iterator[tuple[str, ...]]:
    return zip(*(table[name].to_pylist() for name in KEYS), strict=True)


def _rows(task: str, model: str, of: MetricIntervals) -> pa.Table:
    """The intervals of a metric as rows."""
    size, reasons = len(of.texts), pa.array(of.interval.reasons, type=pa.string())
    keys = dict(zip(KEYS, ([task] * size, [model] * size, [of.name] * size, of.texts), strict=True))
    named = {name: pa.array(values, type=pa.string()) for name, values in keys.items()}
    methods = {"ci_method": pa.array([of.method] * size, type=pa.string()), "ci_reason": reasons}
    return pa.table({**named, **of.interval.columns(), **methods})


def _every(
    slices: Mapping[Pair, Sequence[str]], tables: Tables, settings: Evaluation, references: Rates
) -> Iterator[tuple[str, str, MetricIntervals]]:
    """Every metric of every task and model, then the joint losses."""
    losses: dict[Pair, Estimates] = {}
    refusals: dict[Pair, list[str | None]] = {}
    for pair, texts in slices.items():
        kind = KINDS[settings.tasks[pair[0]].kind]
        asked = kind.name, read_by((), kind.name, settings)
        sums = by_shard(of_pair(tables["shard_statistics"], *pair), asked, texts, settings)
        yield from ((*pair, of) for of in _of_pair(sums, pair, tables, settings, references))
        losses[pair] = sums.estimated(published(kind.name, settings.loss.options)[kind.loss])
        refusals[pair] = sums.refused
    for name, weights in settings.joint.items():
        for model in settings.models:
            parts = {(task, model): weight for task, weight in weights.items()}
            if losses.keys() >= parts.keys():
                whole = added([losses[pair] for pair in parts], list(parts.values()))
                reasons = first_reason(*(refusals[pair] for pair in parts))
                texts = slices[next(iter(parts))]
                yield name, model, MetricIntervals("joint_loss", texts, interval(whole, reasons), METHOD)


def _of_pair(
    sums: ByShard, pair: Pair, tables: Tables, settings: Evaluation, references: Rates
) -> Iterator[MetricIntervals]:
    """Every metric of a task and model."""
    kind = KINDS[settings.tasks[pair[0]].kind]
    named = published(kind.name, settings.loss.options)
    if kind.peers:
        named |= peer_metrics(settings.compatibility)
    for name, metric in named.items():
        yield _of_sums(name, sums, sums.estimated(metric))
    if kind.baselines:
        yield from _against(sums, kind.name, references.get(pair))
    if kind.bins and "score_bins" in tables:
        yield from of_parts.of_bins(sums, of_pair(tables["score_bins"], *pair), pair, settings)
    if kind.of_classes:
        yield from of_parts.of_classes(sums, of_pair(tables["class_statistics"], *pair), kind.name, settings)


def _of_sums(name: str, sums: ByShard, estimates: Estimates) -> MetricIntervals:
    of = interval(estimates, sums.refused, on_log_scale=name in ON_LOG_SCALE)
    return MetricIntervals(name, sums.texts, of, METHOD)


def _against(sums: ByShard, kind: str, reference: float | None) -> Iterator[MetricIntervals]:
    """The metrics against a baseline. The day's rate lacks the same shard, a reference rate is what it is."""
    priors = {"reference": None if reference is None else np.full(1, reference)}
    if TOTAL in sums.texts:
        whole = sums.row(TOTAL)
        priors["total"] = ratio(whole["positive_weight"], whole["positive_weight"] + whole["negative_weight"])
    for baseline, reason in WITHOUT_A_RATE.items():
        prior = priors.get(baseline)
        for name, metric in published_against(kind, baseline).items():
            if prior is None:
                yield without_intervals(name, sums.texts, reason)
            else:
                yield _of_sums(name, sums, sums.estimated(metric, **_baseline(sums, prior)))


def _baseline(sums: ByShard, prior: FloatArray) -> dict[str, FloatArray]:
    """What a baseline of this prior loses, (slices, 1 + shards); the prior is (1 + shards,), or (1,)."""
    shape = sums.of["weight"].shape
    of = np.broadcast_to(prior, shape).reshape(-1)
    positive, negative = (sums.of[name].reshape(-1) for name in ("positive_weight", "negative_weight"))
    named = {"baseline_nll": constant_baseline(positive, negative, of), "baseline_entropy": prior_entropy(of)}
    return {name: values.reshape(shape) for name, values in named.items()}
