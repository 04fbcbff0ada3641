"""Real logs and published forecasts: intervals and differences are those of a bootstrap of units of the raw rows.

A standard error by 32 shards is itself known to an eighth of its size, 1/√62, and less well of twenty clicks.
"""

import zlib

import numpy as np
import pandas as pd
import pytest

from jobs.settings import parse
from tests.jobs.judgement.day import row, tables

SHARDS, DRAWS, CLIP = 32, 300, 1e-15
NEAR, NEAR_OF_FEW = 0.3, 0.5
SIDES = ["prob1", "probtie", "prob2"]
CONFIG = {
    "evaluation": "real",
    "impressions": {"source": {"format": "parquet", "path": "x"}, "duplicates": "none"},
    "labels": {"y": {"column": "y", "values": "binary"}},
    "tasks": {"t": {"label": "y"}},
    "models": {"model": {"t": {"score": "p"}}, "rate": {"t": {"score": "q"}}},
    "comparisons": {"knowing": {"candidate": "model", "baseline": "rate"}},
    "shards": {"count": SHARDS},
    "bins": {"slices": []},
    "tables": {"path": "x"},
}


def shards(units):
    return np.array([zlib.crc32(str(unit).encode()) % SHARDS for unit in units], dtype=np.int32)


def bootstrap(units, columns, value_of):
    """Numbers of all rows, and half of the range where two thirds of those of units drawn with replacement are."""
    _, of = np.unique(units, return_inverse=True)
    sums = np.stack([np.bincount(of, weights=each) for each in columns])
    draw, size = np.random.default_rng(11), sums.shape[1]
    counts = (np.bincount(draw.integers(0, size, size), minlength=size) for _ in range(DRAWS))
    low, high = np.quantile([value_of(sums @ each) for each in counts], [0.1587, 0.8413], axis=0)
    return value_of(sums.sum(axis=1)), (high - low) / 2


def binary_columns(y, p, q, w):
    """Σw, Σwy, Σwp and the losses of both models, a score of 0 or 1 at the clip."""
    losses = [-(y * np.log(np.clip(s, CLIP, 1)) + (1 - y) * np.log(np.clip(1 - s, CLIP, 1))) for s in (p, q)]
    return [w, w * y, w * p, *(w * loss for loss in losses)]


def binary_values(sums):
    """Log loss, NE and predicted/actual of the model, and how far log loss and NE are from those of the rate."""
    weight, positive, predicted, loss, other = sums
    rate = positive / weight
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
    losses = np.array([loss, other]) / weight
    return np.array([losses[0], losses[0] / entropy, predicted / positive, losses[0] - losses[1],
                     (losses[0] - losses[1]) / entropy])  # fmt: skip


NAMES = [("metrics", "log_loss"), ("metrics", "normalized_entropy"), ("metrics", "predicted_over_actual"),
         ("comparisons", "log_loss"), ("comparisons", "normalized_entropy")]  # fmt: skip


OF_CLASSES = [("metrics", "log_loss"), ("metrics", "brier_score"), ("metrics", "normalized_entropy"),
              ("comparisons", "log_loss")]  # fmt: skip


def told(found, text, names=NAMES):
    """Values and standard errors of a slice."""
    keys = {"metrics": {"model": "model"}, "comparisons": {}}
    rows = [row(found[table], task="t", slice=text, metric=metric, **keys[table]) for table, metric in names]
    values = [of["value" if table == "metrics" else "difference"] for (table, _), of in zip(names, rows, strict=True)]
    return np.array(values), np.array([of["stderr"] for of in rows], dtype=np.float64)


def ipinyou(data_dir):
    """Impressions of an exchange each; none knows his user, so each is a unit."""
    names = ["y", "price", "p", "exchange"]
    rows = pd.read_csv(data_dir / "ipinyou_1458" / "test.txt", sep="\t", names=names)
    return rows.assign(w=1.0, segment=rows["exchange"].astype(str), unit=np.arange(len(rows)))


def open_bandit(data_dir):
    """Impressions of a shop, weighted by their propensity; a unit is a user as far as he is known."""
    rows = pd.read_csv(data_dir / "open_bandit" / "bts_all.csv.gz").rename(columns={"click": "y"})
    unit = rows[[f"user_feature_{i}" for i in range(4)]].agg("-".join, axis=1)
    p = (0.001 + rows["position"] / 500).round(6)
    weight = 1.0 / rows["propensity_score"].clip(lower=0.05)
    return rows.assign(p=p, w=weight, unit=unit, segment=rows["position"].astype(str))


@pytest.mark.parametrize(("read", "judged"), [(ipinyou, ["", "1", "2", "3"]), (open_bandit, ["", "3"])])
def test_clicks_of_impressions_are_judged_in_all_and_by_slice(data_dir, read, judged):
    rows = read(data_dir)
    rows = rows.assign(q=round(float(np.average(rows["y"], weights=rows["w"])), 6))
    dimensions = {"dimensions": ["segment"], "slices": [[], ["segment"]]}
    config = {**CONFIG, **dimensions, "tasks": {"t": {"label": "y", "weight": "w"}}}
    columns = {name: rows[name].to_numpy(float) for name in "ypqw"}
    found = tables(parse(config), {**columns, "segment": rows["segment"], "shard": shards(rows["unit"])})
    for place in ["", *sorted(rows["segment"].unique())]:
        own = rows[rows["segment"] == place] if place else rows
        columns = binary_columns(*(own[name].to_numpy(float) for name in "ypqw"))
        whole, spread = bootstrap(own["unit"], columns, binary_values)
        values, errors = told(found, f"segment={place}" if place else "")
        assert values == pytest.approx(whole, rel=1e-11)
        assert np.isfinite(errors).all() == (place in judged)
        assert errors == pytest.approx(spread, rel=NEAR_OF_FEW if place else NEAR) or place not in judged


def matches(data_dir, name):
    """Forecasts of three classes; all rows of a match are one unit."""
    rows = pd.read_csv(data_dir / "forecasts" / name)
    outcomes = rows[[f"{side}_outcome" for side in SIDES]].to_numpy(float)
    unit = rows[["season", "team1", "team2"]].astype(str).agg("-".join, axis=1)
    if "date" in rows:
        unit += rows["date"]
    return rows[SIDES].to_numpy(float), outcomes, unit


@pytest.mark.parametrize("name", ["world_cup_matches_in_game_men.csv", "world_cup_matches_men.csv"])
def test_forecasts_of_matches_are_judged_by_match(data_dir, name):
    scores, outcomes, unit = matches(data_dir, name)
    rates = outcomes.mean(axis=0).round(3)
    rates[2] = 1.0 - rates[0] - rates[1]
    config = {
        **CONFIG,
        "labels": {"y": {"column": "y", "values": "classes", "classes": ["first", "tie", "second"]}},
        "tasks": {"t": {"kind": "multiclass", "label": "y"}},
        "models": {"model": {"t": {"score": ["p0", "p1", "p2"]}}, "rate": {"t": {"score": ["q0", "q1", "q2"]}}},
    }
    label = outcomes.argmax(axis=1)
    columns = {f"p{i}": scores[:, i] for i in range(3)} | {f"q{i}": np.full(label.size, rates[i]) for i in range(3)}
    found = tables(parse(config), {**columns, "y": label.astype(float), "shard": shards(unit)})
    taken = np.arange(label.size), label
    losses = [-np.log(np.clip(each, CLIP, 1))[taken] for each in (scores, np.tile(rates, (label.size, 1)))]
    square = ((scores - outcomes) ** 2).sum(axis=1)
    whole, spread = bootstrap(unit, [np.ones(label.size), *outcomes.T, *losses, square], values_of_classes)
    values, errors = told(found, "", OF_CLASSES)
    assert values == pytest.approx(whole, rel=1e-11)
    assert errors == pytest.approx(spread, rel=NEAR)


def values_of_classes(sums):
    """Log loss, Brier score and NE of the model, and how far its log loss is from that of the rates."""
    weight, *classes, loss, other, square = sums
    entropy = -sum(each * np.log(each / weight) for each in classes)
    return np.array([loss / weight, square / weight, loss / entropy, (loss - other) / weight])
