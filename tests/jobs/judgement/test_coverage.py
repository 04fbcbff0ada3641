"""How often 95 % intervals hold the truth, in a world where users see several impressions and some very many.

Two hundred histories with their own seeds; two models that are alike (A/A), so that every difference is chance.
"""

import numpy as np
import pytest

from jobs.judgement.uncertainty.delong import delong
from jobs.judgement.uncertainty.differences import paired
from jobs.judgement.uncertainty.jackknife import ON_LOG_SCALE, estimated, estimated_of_parts, interval
from jobs.judgement.uncertainty.shards import refused
from tests.jobs.judgement.world import SHARDS, Rows, bins_of, exact, history, sums_of, true_values
from udfs.measures.binary import log_loss
from udfs.measures.bins.areas import auc
from udfs.measures.calibration import predicted_over_actual
from udfs.measures.entropy import normalized_entropy

HISTORIES, USERS, SKEW = 200, 2500, 1.5
METRICS = {each.name: each for each in (log_loss, normalized_entropy, predicted_over_actual)}
TRUE = true_values()
# What is judged by rows, and what it is in truth.
OF_ROWS = {
    "log_loss": TRUE["log_loss"],
    "normalized_entropy": TRUE["normalized_entropy"],
    "logarithm of predicted_over_actual": np.log(TRUE["predicted_over_actual"]),
    "difference of log_loss": 0.0,
    "difference of normalized_entropy": 0.0,
}


def covered(low, high, truth):
    return float(np.mean((np.array(low) <= truth) & (truth <= np.array(high))))


@pytest.fixture(scope="module")
def histories():
    return [history(seed, USERS, SKEW) for seed in range(HISTORIES)]


@pytest.fixture(scope="module")
def estimates(histories):
    """Every metric of both models, a history in each row."""
    group, found = np.arange(USERS) % SHARDS, {}
    for model in ("a", "b"):
        of = [sums_of(rows, model, group, SHARDS) for rows in histories]
        sums = exact({name: np.array([each[name] for each in of]) for name in of[0]})
        assert refused(sums, 1000, rare="positive_weight") == [None] * HISTORIES
        left = sums.leaving_out()
        found[model] = {name: estimated(metric, left, sums.present) for name, metric in METRICS.items()}
    return found


@pytest.fixture(scope="module")
def areas(histories):
    """AUC of both models, each history by shard, and of the first one over rows."""
    every, found = np.ones(SHARDS, dtype=bool), {"a": [], "b": [], "rows": []}
    for rows in histories:
        for model in ("a", "b"):
            whole, left = {}, {}
            for name, each in bins_of(rows, model).items():
                whole[name] = each.sum(axis=1)
                left[name] = np.column_stack([whole[name], whole[name][:, None] - each])
            weight = left["positive_weight"].sum(axis=0) + left["negative_weight"].sum(axis=0)
            found[model].append(estimated_of_parts(auc, left, {"weight": weight}, every))
            if model == "a":
                found["rows"].append(delong(whole, alike=True))
    return found


@pytest.mark.parametrize("name", METRICS)
def test_intervals_hold_the_truth(estimates, name):
    found = interval(estimates["a"][name], [None] * HISTORIES, on_log_scale=name in ON_LOG_SCALE)
    assert 0.92 <= covered(found.low, found.high, TRUE[name]) <= 0.98


@pytest.mark.parametrize("name", METRICS)
def test_differences_of_models_that_are_alike_are_none(estimates, name):
    found = paired(estimates["a"][name], estimates["b"][name], [None] * HISTORIES)
    assert 0.92 <= covered(found.absolute.low, found.absolute.high, 0.0) <= 0.98
    assert 0.92 <= covered(found.relative.low, found.relative.high, 0.0) <= 0.98
    assert 0.02 <= np.mean(found.p < 0.05) <= 0.08


def test_intervals_of_auc_hold_the_truth_by_shard_and_not_by_row(areas):
    ends = [interval(each, [None]) for each in areas["a"]]
    assert 0.92 <= covered([each.low[0] for each in ends], [each.high[0] for each in ends], TRUE["auc"]) <= 0.98
    of_rows = areas["rows"]
    assert covered([each.low[0] for each in of_rows], [each.high[0] for each in of_rows], TRUE["auc"]) < 0.9


def test_differences_of_auc_of_models_that_are_alike_are_none(areas):
    found = [paired(a, b, [None]) for a, b in zip(areas["a"], areas["b"], strict=True)]
    for ends in ([each.absolute for each in found], [each.relative for each in found]):
        assert 0.92 <= covered([each.low[0] for each in ends], [each.high[0] for each in ends], 0.0) <= 0.98
    assert 0.02 <= np.mean([each.p[0] < 0.05 for each in found]) <= 0.08


def by_row(rows):
    """The numbers of `OF_ROWS`, each with its error by rows: the spread of what each row adds to it."""
    loss, other, score, label = rows.loss("a"), rows.loss("b"), rows.score("a"), rows.label
    rate, share = label.mean(), score.sum() / label.sum()
    entropy = -(rate * np.log(rate) + (1.0 - rate) * np.log1p(-rate))
    # Of a larger rate there is more entropy, and so less of a loss beside it.
    steeper = np.log((1.0 - rate) / rate) * (label - rate) / entropy
    values = (loss.mean(), loss.mean() / entropy, np.log(share), (loss - other).mean(), (loss - other).mean() / entropy)
    parts = (
        loss,
        loss / entropy - values[1] * steeper,
        (score - share * label) / (share * rate),
        loss - other,
        (loss - other) / entropy - values[4] * steeper,
    )
    return [(value, of.std() / np.sqrt(of.size)) for value, of in zip(values, parts, strict=True)]


def covered_by_row(histories):
    found = np.array([by_row(rows) for rows in histories])
    low, high = found[..., 0] - 1.96 * found[..., 1], found[..., 0] + 1.96 * found[..., 1]
    return [covered(low[:, i], high[:, i], truth) for i, truth in enumerate(OF_ROWS.values())]


def test_intervals_of_rows_are_too_narrow(histories):
    assert max(covered_by_row(histories)) < 0.9


def test_of_users_who_come_once_rows_are_as_good_as_users():
    rows = [Rows(*alone(history(seed, users=3000))) for seed in range(HISTORIES)]
    assert all(0.92 <= each <= 0.98 for each in covered_by_row(rows))
    areas = [delong({name: of.sum(axis=1) for name, of in bins_of(each, "a").items()}, alike=True) for each in rows]
    assert 0.92 <= covered([each.low[0] for each in areas], [each.high[0] for each in areas], TRUE["auc"]) <= 0.98


def alone(rows):
    """The first impression of each user."""
    first = np.unique(rows.user, return_index=True)[1]
    return rows.user[first], rows.label[first], {model: of[first] for model, of in rows.logits.items()}


@pytest.mark.parametrize("name", METRICS)
def test_the_error_is_that_of_a_bootstrap_of_users(name):
    rows, every = history(1, users=4000), np.arange(4000)
    sums = {model: sums_of(rows, model, every, every.size) for model in ("a", "b")}
    draws = np.random.default_rng(2).multinomial(every.size, np.full(every.size, 1.0 / every.size), size=400)
    values = {model: METRICS[name].of({each: draws @ of for each, of in sums[model].items()}) for model in sums}
    by_shard = {
        model: exact({each: of.reshape(1, -1, SHARDS).sum(axis=1) for each, of in sums[model].items()})
        for model in sums
    }
    a, b = (estimated(METRICS[name], of.leaving_out(), of.present) for of in by_shard.values())
    assert interval(a, [None]).stderr[0] == pytest.approx(values["a"].std(), rel=0.3)
    assert paired(a, b, [None]).absolute.stderr[0] == pytest.approx((values["a"] - values["b"]).std(), rel=0.3)
