"""Metrics against other rates than a slice's own: of the day, of the configuration, of the cells of the slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.ledger.held import held
from jobs.ledger.stamp import Stamp
from jobs.results.rows import summed, with_slice
from jobs.results.slice_sums import KEYS, SliceSums, doubles, rows_of
from jobs.settings import Evaluation
from udfs.catalog import published_against
from udfs.exact.arrays import FloatArray
from udfs.measures.baselines import BASELINES, constant_baseline, prior_entropy, stratified_baseline
from udfs.pricing import evaluated

WEIGHTS = ["positive_weight", "negative_weight"]
Rates = Mapping[tuple[str, str], float]


def references(session: SparkSession, settings: Evaluation, stamp: Stamp) -> dict[tuple[str, str], float]:
    """The reference rate of every task and model that has one configured; NaN where the earlier day has none.

    Args:
        session: Of the run.
        settings: What is configured.
        stamp: The day and its age: an earlier day is taken at the same age.
    """
    configured = settings.baselines.reference
    back = {rate for rate in configured.values() if isinstance(rate, timedelta)}
    columns = ("task", "model", *WEIGHTS)
    earlier = {
        each: _rates(held(session, settings, "statistics", [stamp.event_date - each], stamp.age_hours, columns=columns))
        for each in back
    }
    return {
        (task, model): earlier[rate].get((task, model), np.nan) if isinstance(rate, timedelta) else rate
        for task, model in settings.pairs
        if (rate := configured.get(task)) is not None
    }


def against(sums: SliceSums, statistics: pa.Table, known: Rates, settings: Evaluation) -> Iterator[pa.Table]:
    """Metrics against the rate of the day, a reference rate, and the rates of the cells of a slice."""
    day = _rates(statistics)
    every = {(task, model): day.get((task, model), np.nan) for task, model, _ in sums.keys}
    for baseline, rates in {"total": every, "reference": known}.items():
        own = sums.where([i for i, (task, model, _) in enumerate(sums.keys) if (task, model) in rates])
        if not own.keys:
            continue
        prior = np.array([rates[task, model] for task, model, _ in own.keys], dtype=np.float64)
        nll = constant_baseline(own.of["positive_weight"], own.of["negative_weight"], prior)
        named = {"baseline_nll": nll, "baseline_entropy": prior_entropy(prior)}
        yield from _against_one(own, baseline, named, settings)
    named = {"baseline_nll": _stratified(sums, statistics, settings)}
    yield from _against_one(sums, "stratified", named, settings)


def _against_one(
    sums: SliceSums, baseline: str, named: Mapping[str, FloatArray], settings: Evaluation
) -> Iterator[pa.Table]:
    given = {name: named[name] for name in BASELINES[baseline]}
    for name, metric in published_against(sums.kind, baseline).items():
        values, reasons = evaluated(metric, {**sums.of, **given})
        yield rows_of(sums, settings, values, reasons, (name, metric.unit))


def _rates(statistics: pa.Table) -> Rates:
    """The base rate of every task and model over all rows of `statistics`; none where there is no weight."""
    day = summed(statistics, ["task", "model"], WEIGHTS)
    columns = [*(day[name].to_pylist() for name in ("task", "model")), *(doubles(day[name]) for name in WEIGHTS)]
    return {
        (task, model): float(positive / (positive + negative))
        for task, model, positive, negative in zip(*columns, strict=True)
        if positive + negative > 0.0
    }


def _stratified(sums: SliceSums, statistics: pa.Table, settings: Evaluation) -> FloatArray:
    """The loss of a baseline that knows the rate of every cell, for each row."""
    number = {key: i for i, key in enumerate(sums.keys)}
    own = {task for task, _, _ in sums.keys}
    rows = statistics.filter(pc.is_in(statistics["task"], value_set=pa.array(sorted(own))))
    weights = doubles(rows["positive_weight"]), doubles(rows["negative_weight"])
    nll = np.zeros(len(sums.keys))
    for declared in settings.slices:
        named = with_slice(rows, declared)
        keys = zip(*(named[name].to_pylist() for name in KEYS), strict=True)
        of = np.array([number[key] for key in keys], dtype=np.int64)
        nll += stratified_baseline(*weights, of, len(sums.keys))
    return nll
