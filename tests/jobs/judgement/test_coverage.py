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
def binned(histories):
    return [bins_of(rows, "a") for rows in histories]


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


def test_intervals_of_auc_hold_the_truth_by_shard_and_not_by_row(binned):
    ends, of_rows = [], []
    for of in binned:
        whole = {name: each.sum(axis=1) for name, each in of.items()}
        left = {name: np.column_stack([whole[name], whole[name][:, None] - each]) for name, each in of.items()}
        weight = left["positive_weight"].sum(axis=0) + left["negative_weight"].sum(axis=0)
        area = estimated_of_parts(auc, left, {"weight": weight}, np.ones(SHARDS, dtype=bool))
        ends.append(interval(area, [None]))
        of_rows.append(delong(whole, alike=True))
    assert 0.92 <= covered([each.low[0] for each in ends], [each.high[0] for each in ends], TRUE["auc"]) <= 0.98
    assert covered([each.low[0] for each in of_rows], [each.high[0] for each in of_rows], TRUE["auc"]) < 0.9


def by_row(rows):
    """Log loss, the logarithm of predicted over actual and the difference of log loss, each with its error by rows."""
    loss, other, score, label = rows.loss("a"), rows.loss("b"), rows.score("a"), rows.label
    share = score.sum() / label.sum()
    parts = (score - share * label) / (share * label.mean())
    each = ((loss.mean(), loss), (np.log(share), parts), ((loss - other).mean(), loss - other))
    return [(value, of.std() / np.sqrt(of.size)) for value, of in each]


def test_intervals_of_rows_are_too_narrow(histories):
    found = np.array([by_row(rows) for rows in histories])
    low, high = found[..., 0] - 1.96 * found[..., 1], found[..., 0] + 1.96 * found[..., 1]
    truths = (TRUE["log_loss"], np.log(TRUE["predicted_over_actual"]), 0.0)
    assert all(covered(low[:, i], high[:, i], truth) < 0.85 for i, truth in enumerate(truths))


def test_of_users_who_come_once_rows_are_as_good_as_users():
    rows = [Rows(*alone(history(seed, users=3000))) for seed in range(HISTORIES)]
    found = np.array([by_row(each) for each in rows])
    low, high = found[..., 0] - 1.96 * found[..., 1], found[..., 0] + 1.96 * found[..., 1]
    truths = (TRUE["log_loss"], np.log(TRUE["predicted_over_actual"]), 0.0)
    assert all(0.92 <= covered(low[:, i], high[:, i], truth) <= 0.98 for i, truth in enumerate(truths))
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
