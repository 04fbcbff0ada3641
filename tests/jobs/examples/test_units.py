"""Weights and values as people have them, in micros or times a million, through whole runs: nothing falls out."""

import json
import re
from fractions import Fraction

import numpy as np
import pytest

from jobs.errors import ContractError
from jobs.settings import parse
from jobs.sql.query import answered
from tests.world.night import document, evaluated, parquet, table
from udfs.exact.decimals import UNITS

SAIL = pytest.mark.only_engine("sail")
ROWS = 300
TOTALS = ("log_loss_total", "inverse_propensity_log_loss")  # not divided by the weight
SCALES = {"dollars": 1.0, "micros": 1e6, "impressions": 1e9, "revenue": 1e12}


def columns():
    """Rows whose weights in dollars are multiples of a millionth: in every larger scale they are exact."""
    rng = np.random.default_rng(6)
    p = rng.uniform(0.02, 0.5, ROWS)
    micros = np.round(rng.lognormal(12.0, 1.5, ROWS)) + 1.0
    return {
        "click": (rng.uniform(size=ROWS) < p).astype(int),
        "p": p,
        **{name: micros / 1e6 * scale for name, scale in SCALES.items() if name != "dollars"},
        "dollars": micros / 1e6,
        "paid": np.round(micros * rng.uniform(0.5, 2.0, ROWS)) * 1e6,
        "country": [("DE", "FR")[i % 2] for i in range(ROWS)],
    }


def by_task(outcome):
    """Values of the total by metric, for each task."""
    found = {}
    for row in outcome.metrics.to_pylist():
        if row["slice"] == "":
            found.setdefault(row["task"], {})[row["metric"]] = row["value"] if row["reason"] is None else row["reason"]
    return found


def weighed(folder, **sections):
    tasks = {name: {"label": "click", "weight": name} for name in SCALES}
    models = {"m": {name: {"score": "p"} for name in SCALES}}
    places = {"dimensions": ["country"], "slices": [[], ["country"]], "bins": {"slices": [[]]}}
    return document(folder, tasks=tasks, models=models, **places, **sections)


def units_of(config):
    return json.loads(next(row["units"] for row in table(config, "runs").to_pylist() if row["state"] == "done"))


@SAIL
def test_a_mean_does_not_know_the_unit_of_its_weights(spark, folder):
    rows = columns()
    parquet(folder / "impressions", rows)
    config = weighed(folder)
    outcome = evaluated(spark, config)
    assert outcome.ledger.reasons == []
    assert outcome.warnings == ()
    found = by_task(outcome)
    for name, scale in SCALES.items():
        for metric, value in found["dollars"].items():
            size = scale if metric in TOTALS else 1.0
            expected = value * size if isinstance(value, float) else value
            assert found[name][metric] == pytest.approx(expected, rel=1e-11), (name, metric)
    units = {name: own["weight"] for name, own in units_of(config).items()}
    assert units["dollars"] == 1.0
    assert all(rows[name].max() / 2**20 < units[name] <= rows[name].max() / 2**19 for name in ("micros", "revenue"))
    natural_sums_are_exact(config, rows, units)


def natural_sums_are_exact(config, rows, units):
    """The tables hold Σ rint(w / U · x · 10¹⁵) · U, the same integers whatever the engine."""
    values = {"weight": 1.0, "score_sum": rows["p"], "positive_weight": rows["click"]}
    held = {name: table(config, name).to_pylist() for name in ("statistics", "score_bins")}
    places = [("statistics", "weight"), ("statistics", "score_sum"), ("score_bins", "positive_weight")]
    for name, unit in units.items():
        for place, column in places:
            terms = np.rint(rows[name] / unit * values[column] * UNITS)
            expected = Fraction(sum(map(int, terms.tolist())) * int(unit), UNITS)
            found = sum(Fraction(row[column]) for row in held[place] if row["task"] == name)
            assert found == expected, (name, column)


@SAIL
def test_a_column_that_does_not_fit_is_not_recorded_and_its_metric_has_a_value(spark, folder):
    parquet(folder / "impressions", columns())
    config = weighed(folder)
    ess = {task: values["effective_sample_size"] for task, values in by_task(evaluated(spark, config)).items()}
    assert ess["revenue"] == pytest.approx(ess["dollars"], rel=1e-11)
    for name in ("statistics", "shard_statistics"):
        lost = {row["task"] for row in table(config, name).to_pylist() if row["squared_weight"] is None}
        assert lost == {"impressions", "revenue"}
    query = "SELECT task, SUM(weight) AS w, SUM(squared_weight) AS s FROM statistics_latest GROUP BY task ORDER BY task"
    added = {row["task"]: row for row in answered(spark, parse(config), query).to_pylist()}
    assert added["revenue"]["s"] is None
    assert added["revenue"]["w"] == pytest.approx(added["dollars"]["w"] * 10**12)


@SAIL
def test_values_in_micros_are_evaluated_as_they_are(spark, folder):
    rows = columns()
    parquet(folder / "impressions", rows)
    config = document(
        folder,
        labels={"paid": {"column": "paid", "values": "number"}},
        tasks={
            "revenue": {"kind": "regression", "label": "paid"},
            "weighed": {"kind": "regression", "label": "paid", "weight": "revenue"},
        },
        models={"m": {"revenue": {"score": "impressions"}, "weighed": {"score": "impressions"}}},
    )
    outcome = evaluated(spark, config)
    assert outcome.ledger.reasons == []
    label, score = rows["paid"], rows["impressions"]
    for task, weight in {"revenue": np.ones(ROWS), "weighed": rows["revenue"]}.items():
        found = by_task(outcome)[task]
        mean = np.average(label, weights=weight)
        squares = np.average((label - score) ** 2, weights=weight)
        expected = {
            "mean_squared_error": squares,
            "mean_absolute_error": np.average(np.abs(label - score), weights=weight),
            "mean_label": mean,
            "predicted_over_actual": np.average(score, weights=weight) / mean,
            "r2_score": 1.0 - squares / np.average((label - mean) ** 2, weights=weight),
        }
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)


@SAIL
def test_heavy_groups_of_candidates_are_not_set_apart(spark, folder):
    rng = np.random.default_rng(8)
    click, group = (rng.uniform(size=ROWS) < 0.3).astype(int), np.arange(ROWS) // 6
    bid, relevance = rng.uniform(1.0, 2.0, 50)[group], click * 1e9
    rows = {"id": np.arange(ROWS), "group": group, "z": rng.normal(size=ROWS), "click": click, "relevance": relevance}
    parquet(folder / "impressions", {**rows, "bid": bid, "revenue": bid * 2.0**52})
    source = {"format": "parquet", "path": str(folder / "impressions")}
    task = {"kind": "candidates", "label": "click"}
    config = document(
        folder,
        impressions={"source": source, "columns": {"id": "id", "group": "group"}},
        labels={"click": {"column": "click", "values": "binary"}, "gain": {"column": "relevance", "values": "number"}},
        tasks={
            "bid": {**task, "weight": "bid"},
            "revenue": {**task, "weight": "revenue"},
            "gain": {**task, "label": "gain"},
        },
        models={"m": {name: {"score": "z", "scale": "logit"} for name in ("bid", "revenue", "gain")}},
    )
    outcome = evaluated(spark, config)
    found = by_task(outcome)
    assert outcome.ledger.reasons == []
    for metric in ("softmax_cross_entropy", "ndcg@5", "mrr", "grouped_auc", "listnet_loss"):
        assert found["revenue"][metric] == pytest.approx(found["bid"][metric], rel=1e-11), metric
    assert isinstance(found["gain"]["listnet_loss"], float)


@SAIL
def test_sampled_negatives_weigh_whatever_their_rate_makes_of_them(spark, folder):
    rows = columns()
    rate = np.where(rows["click"] == 1, 1.0, 2.0**-24)
    parquet(folder / "impressions", {**rows, "rate": rate})
    source = {"format": "parquet", "path": str(folder / "impressions")}
    mapped = {"weight": "dollars", "sampling_rate": "rate"}
    config = document(folder, impressions={"source": source, "columns": mapped, "duplicates": "none"})
    outcome = evaluated(spark, config)
    assert outcome.ledger.reasons == []
    (total,) = {row["weight"] for row in outcome.metrics.to_pylist()}
    exact = sum(map(Fraction, (rows["dollars"] / rate).tolist()))
    assert total == pytest.approx(float(exact), rel=1e-14)
    assert units_of(config)["ctr"]["weight"] > 2.0**4


# What is too large for any unit, and how it is told.
BEYOND = {
    "a weight": ({"w": 2.0**60}, {}, "tasks.by_w: weight 'w': found 1.15292e+18, expected weights below 2^60"),
    "the largest double": ({"w": 1.7e308}, {}, "weight 'w': found 1.7e+308"),
    "a sum of weights": ({"w": [2.0**59] * 20}, {}, "weight 'w': found a sum of 1.15292e+19, the largest 5.76461e+17"),
    "a label": ({"y": -(2.0**50)}, {}, "tasks.value: label 'y': found 1.1259e+15, expected numbers below 2^50"),
    "a predicted value": ({"s": 1e300}, {}, "tasks.value: score 's': found 1e+300"),
    "a rate": (
        {"rate": 2.0**-61},
        {"sampling_rate": "rate"},
        "tasks.ctr: weight 1 / 'rate': found 2.30584e+18, expected weights below 2^60",
    ),
}


@SAIL
@pytest.mark.parametrize("name", BEYOND)
def test_what_still_does_not_fit_is_told_with_its_column_and_its_largest(spark, folder, name):
    changes, mapped, message = BEYOND[name]
    rows = {"click": np.arange(40) % 2, "p": np.full(40, 0.5), "w": np.ones(40), "y": np.ones(40), "s": np.ones(40)}
    rows["rate"] = np.ones(40)
    for column, value in changes.items():
        rows[column][: np.size(value)] = value
    parquet(folder / "impressions", rows)
    source = {"format": "parquet", "path": str(folder / "impressions")}
    value = {"column": "y", "values": "number"}
    config = document(
        folder,
        impressions={"source": source, "columns": mapped, "duplicates": "none"},
        labels={"click": {"column": "click", "values": "binary"}, "value": value},
        tasks={
            "ctr": {"label": "click"},
            "by_w": {"label": "click", "weight": "w"},
            "value": {"kind": "regression", "label": "value"},
        },
        models={"m": {"ctr": {"score": "p"}, "by_w": {"score": "p"}, "value": {"score": "s"}}},
    )
    with pytest.raises(ContractError) as caught:
        evaluated(spark, config)
    assert message in str(caught.value)
    assert not (folder / "tables" / "night" / "statistics").exists() or table(config, "statistics").num_rows == 0


# The scale of the weights, and of the labels; what is said where they are too small, or one is too large.
TINY = {
    "ordinary": (1.0, 1.0, None, None),
    "a millionth": (1e-6, 1.0, None, None),
    "tiny weights": (1e-10, 1.0, None, r"tasks\.by_w: sums that column 'w' weighs are held to .* multiply it by \d"),
    "weights that vanish": (1e-18, 1.0, None, r"tasks\.by_w: .*'w'.* multiply it by"),
    "one that dwarfs the rest": (1.0, 1.0, 1e16, r"tasks\.by_w: .*'w'.*slice 'country=FR': its largest value dwarfs"),
    "tiny labels": (1.0, 1e-6, None, r"tasks\.value: sums that column 'y' weighs"),
}


@SAIL
@pytest.mark.parametrize("name", TINY)
def test_sums_that_fixed_point_does_not_hold_are_told(spark, folder, name):
    weight, value, heavy, message = TINY[name]
    w = weight * np.linspace(1.0, 2.0, 40)
    if heavy:
        w[0] = heavy
    click, p = np.arange(40) // 2 % 2, np.linspace(0.2, 0.8, 40)
    country = [("DE", "FR")[i % 2] for i in range(40)]
    rows = {"click": click, "p": p, "w": w, "y": value * p, "s": value * p[::-1], "country": country}
    parquet(folder / "impressions", rows)
    config = document(
        folder,
        labels={"click": {"column": "click", "values": "binary"}, "y": {"column": "y", "values": "number"}},
        tasks={"by_w": {"label": "click", "weight": "w"}, "value": {"kind": "regression", "label": "y"}},
        models={"m": {"by_w": {"score": "p"}, "value": {"score": "s"}}},
        dimensions=["country"],
        slices=[[], ["country"]],
    )
    warnings = evaluated(spark, config).warnings
    if message is None:
        assert warnings == ()
    else:
        (told,) = warnings
        assert re.search(message, told), told
