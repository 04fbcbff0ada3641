"""Metrics against other rates than a slice's own: of the day, of the configuration, of the cells of the slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.finish import totals, with_slice
from jobs.settings import Evaluation
from jobs.slices import KEYS, Sums, doubles, rows_of
from udfs.baselines import BASELINES, constant_baseline, prior_entropy, stratified_baseline
from udfs.catalog import published_against
from udfs.measure import FloatArray
from udfs.pricing import evaluated


def against(sums: Sums, statistics: pa.Table, settings: Evaluation) -> Iterator[pa.Table]:
    """Metrics against the rate of the day, a configured rate, and the rates of the cells of a slice."""
    positive, negative = sums.of["positive_weight"], sums.of["negative_weight"]
    for baseline, prior in _priors(sums, statistics, settings).items():
        chosen = np.flatnonzero(~np.isnan(prior)).tolist()
        if not chosen:
            continue
        own = sums.where(chosen)
        nll = constant_baseline(positive[chosen], negative[chosen], prior[chosen])
        named = {"baseline_nll": nll, "baseline_entropy": prior_entropy(prior[chosen])}
        yield from _against_one(own, baseline, named, settings)
    named = {"baseline_nll": _stratified(sums, statistics, settings)}
    yield from _against_one(sums, "stratified", named, settings)


def _against_one(
    sums: Sums, baseline: str, named: Mapping[str, FloatArray], settings: Evaluation
) -> Iterator[pa.Table]:
    given = {name: named[name] for name in BASELINES[baseline]}
    for name, metric in published_against("binary", baseline).items():
        values, reasons = evaluated(metric, {**sums.of, **given})
        yield rows_of(sums, settings, values, reasons, (name, metric.unit))


def _priors(sums: Sums, statistics: pa.Table, settings: Evaluation) -> dict[str, FloatArray]:
    """The rate of each baseline for each row, NaN where there is none."""
    names = ["positive_weight", "negative_weight"]
    day = totals(statistics, ["task", "model"], names)
    rates = {}
    for task, model, positive, negative in zip(
        *(day[name].to_pylist() for name in ("task", "model")), *(doubles(day[name]) for name in names), strict=True
    ):
        rates[task, model] = positive / (positive + negative) if positive + negative else np.nan
    reference = settings.baselines.reference
    return {
        "total": np.array([rates.get((task, model), np.nan) for task, model, _ in sums.keys]),
        "reference": np.array([reference.get(task, np.nan) for task, _, _ in sums.keys], dtype=np.float64),
    }


def _stratified(sums: Sums, statistics: pa.Table, settings: Evaluation) -> FloatArray:
    """The loss of a baseline that knows the rate of every cell, for each row."""
    number = {key: i for i, key in enumerate(sums.keys)}
    own = {task for task, _, _ in sums.keys}
    rows = statistics.filter(pc.is_in(statistics["task"], value_set=pa.array(sorted(own))))
    nll = np.zeros(len(sums.keys))
    for declared in settings.slices:
        named = with_slice(rows, declared)
        keys = zip(*(named[name].to_pylist() for name in KEYS), strict=True)
        of = np.array([number[key] for key in keys], dtype=np.int64)
        weights = doubles(named["positive_weight"]), doubles(named["negative_weight"])
        nll += stratified_baseline(*weights, of, len(sums.keys))
    return nll
