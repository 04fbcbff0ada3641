"""The intervals of `metrics`: a bootstrap of raw rows says the same, and where there are none there is a reason."""

import numpy as np
import pytest

from jobs.settings import parse
from tests.jobs.judgement.day import row, tables
from tests.jobs.judgement.forecasts import CONFIG, games, resampled

CI = ("ci_low", "ci_high", "stderr", "ci_method", "ci_reason")


@pytest.fixture(scope="module")
def rows(data_dir):
    return games(data_dir)


@pytest.fixture(scope="module")
def metrics(rows):
    return tables(parse(CONFIG), rows)["metrics"]


def value_of(metric, counts, rows, model="forecast"):
    """A metric of each resample, counts being (draws, rows)."""
    y, p = rows["won"], rows[model]
    weight = counts.sum(axis=1)
    loss = counts @ -(y * np.log(p) + (1 - y) * np.log1p(-p)) / weight
    rate = counts @ y / weight
    if metric == "normalized_entropy":
        return loss / -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
    if metric == "predicted_over_actual":
        return (counts @ p) / (counts @ y)
    return loss if metric == "log_loss" else auc(counts, y, p)


def auc(counts, y, p):
    order = np.argsort(p, kind="stable")
    places = np.unique(p[order], return_index=True)[1]
    positive = np.add.reduceat((counts * y)[:, order], places, axis=1)
    negative = np.add.reduceat((counts * (1 - y))[:, order], places, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    return (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))


@pytest.mark.parametrize("metric", ["log_loss", "normalized_entropy", "predicted_over_actual", "auc"])
def test_a_bootstrap_of_units_of_raw_rows_says_the_same(metrics, rows, metric):
    of = row(metrics, task="home", model="forecast", slice="", metric=metric)
    drawn = value_of(metric, resampled(rows), rows)
    assert of["value"] == pytest.approx(value_of(metric, np.ones((1, rows["won"].size)), rows)[0], abs=1e-4)
    assert of["stderr"] == pytest.approx(drawn.std(), rel=0.25)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert of["ci_low"] == pytest.approx(low, abs=0.6 * of["stderr"])
    assert of["ci_high"] == pytest.approx(high, abs=0.6 * of["stderr"])
    assert (of["ci_method"], of["ci_reason"]) == ("jackknife", None)


def test_a_total_varies_as_days_do(metrics, rows):
    """The number of games in a shard is chance too."""
    of = row(metrics, task="home", model="forecast", slice="", metric="log_loss_total")
    y, p = rows["won"], rows["forecast"]
    loss = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    by_shard = np.bincount(rows["shard"], weights=loss)
    assert of["stderr"] == pytest.approx(np.sqrt(by_shard.size) * by_shard.std(ddof=1), rel=1e-9)


def test_every_number_has_an_interval_or_a_reason(metrics):
    for of in metrics.to_pylist():
        there = [of[name] is not None for name in CI]
        assert there == [of["ci_reason"] is None] * 4 + [of["ci_reason"] is not None]
        assert of["value"] is not None or of["ci_reason"] == of["reason"]
    reasons = {of["metric"]: of["ci_reason"] for of in metrics.to_pylist() if of["slice"] == ""}
    assert reasons["maximum_calibration_error"] == reasons["auc_half_width"] == "not_smooth"
    assert reasons["normalized_entropy[stratified]"] == "cells_not_by_shard"
    assert reasons["normalized_entropy[total]"] is None


def test_in_as_many_parts_as_may_be_the_doubles_are_the_same(rows):
    settings = parse({**CONFIG, "bins": {"shards": True, "bits": 9}})
    one, *others = (tables(settings, rows, parts)["metrics"] for parts in (1, 7, 64))
    assert one["ci_low"].null_count < one.num_rows / 4
    assert all(other.equals(one) for other in others)


@pytest.mark.parametrize(
    ("changes", "shard", "reason"),
    [
        ({}, lambda shard: shard % 9, "too_few_shards"),
        ({}, lambda shard: np.where(shard < 20, 0, shard), "dominant_shard"),
        ({"shards": {"count": 1}}, lambda shard: shard * 0, "too_few_shards"),
        ({"limits": {"min_rows": 100_000}}, lambda shard: shard, "too_few_rows"),
    ],
)
def test_too_little_gives_a_reason_and_no_interval(rows, changes, shard, reason):
    found = tables(parse({**CONFIG, **changes}), {**rows, "shard": shard(rows["shard"])})["metrics"]
    of = [row(found, task="home", model="forecast", slice="", metric=name) for name in ("log_loss", "auc")]
    assert [[each[name] for name in CI] for each in of] == [[None, None, None, None, reason]] * 2


def test_without_scores_the_value_has_the_reason(rows):
    of = row(
        tables(parse(CONFIG), {**rows, "rate": np.full(rows["won"].size, np.nan)})["metrics"],
        **{"task": "home", "model": "rate", "slice": "", "metric": "log_loss"},
    )
    assert (of["value"], of["reason"], of["ci_reason"]) == (None, "too_few_rows", "too_few_rows")


@pytest.mark.parametrize(
    ("task", "label", "expected"),
    [
        ({}, "binary", ("delong", None)),
        ({"weight": "weight"}, "binary", (None, "weighted_rows")),
        ({}, "soft", (None, "soft_labels")),
    ],
)
def test_where_bins_are_not_by_shard_auc_is_judged_over_rows_if_it_can_be(rows, task, label, expected):
    changes = {
        "bins": {"slices": [[]]},
        "labels": {"won": {"column": "won", "values": label}},
        "tasks": {"home": {"label": "won", **task}},
    }
    found = tables(parse({**CONFIG, **changes}), {**rows, "weight": 1.0 + rows["shard"] % 2})["metrics"]
    of = row(found, task="home", model="forecast", slice="", metric="auc")
    assert (of["ci_method"], of["ci_reason"]) == expected
    assert row(found, task="home", model="forecast", slice="", metric="brier_resolution")["ci_reason"] == (
        "bins_not_by_shard"
    )
    if expected[0]:
        drawn = auc(resampled({**rows, "unit": np.arange(rows["won"].size)}, 200), rows["won"], rows["forecast"])
        assert of["stderr"] == pytest.approx(drawn.std(), rel=0.15)


def test_joint_losses_are_judged_shard_by_shard(rows):
    tasks = {"home": {"label": "won"}, "again": {"label": "won"}}
    models = {"forecast": {"home": {"score": "forecast"}, "again": {"score": "rate"}}}
    joint = {"both": {"home": 1.0, "again": -1.0}}
    config = {**CONFIG, "tasks": tasks, "models": models, "joint": joint, "comparisons": {}}
    of = row(tables(parse(config), rows)["metrics"], task="both", slice="", metric="joint_loss")
    counts = resampled(rows)
    drawn = value_of("log_loss", counts, rows) - value_of("log_loss", counts, rows, "rate")
    assert of["stderr"] == pytest.approx(drawn.std(), rel=0.25)
    assert of["ci_low"] < of["value"] < of["ci_high"] < 0.0
