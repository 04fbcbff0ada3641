"""CORP: published numbers, scikit-learn's isotonic regression, and bounds that hold for the rows."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from jobs.judgement.bins.corp import Bins, corp_of_brier_score, corp_of_log_loss, isotonic

SCORES = {"log_loss": (corp_of_log_loss, log_loss), "brier": (corp_of_brier_score, brier_score_loss)}
PUBLISHED = {
    "log_loss": (0.3237327, 0.3182571, 0.6931472, 0.6986228),
    "brier": (0.1016667, 0.125, 0.25, 0.2266667),
}


@pytest.mark.parametrize("name", SCORES)
def test_published(name):
    y, p = np.array([0, 0, 0, 1, 1, 1]), np.array([0.4, 0.3, 0.2, 0.1, 0.5, 0.9])
    corp, of_rows = SCORES[name]
    label = y[np.argsort(p)].astype(np.float64)
    found = corp(Bins(label, 1.0 - label, distinct=True), of_rows(y, p))
    told = (found.miscalibration, found.discrimination, found.uncertainty, found.score)
    assert tuple(round(value, 7) for value in told) == PUBLISHED[name]
    assert found.hidden == 0.0 and found.reason is None


def rows(seed, size=2000):
    rng = np.random.default_rng(seed)
    p = rng.beta(1.0, 8.0, size)
    return rng, p, (rng.random(size) < np.minimum(1.3 * p**1.1, 1.0)).astype(np.float64), rng.integers(1, 5, size)


def by_rows(of_rows, p, y, w):
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(p, y, sample_weight=w).predict(p)
    rate = np.full(y.size, np.average(y, weights=w))
    return [of_rows(y, each, sample_weight=w) for each in (p, fitted, rate)]


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("bins", [5, 30, 500])
def test_the_rows_are_within_the_bounds(name, bins):
    corp, of_rows = SCORES[name]
    for seed in range(5):
        _, p, y, w = rows(seed)
        score, fitted, rate = by_rows(of_rows, p, y, w)
        place = np.minimum((p * bins).astype(int), bins - 1)
        found = corp(Bins(np.bincount(place, w * y, bins), np.bincount(place, w * (1.0 - y), bins)), score)
        for own, exact in ((found.miscalibration, score - fitted), (found.discrimination, rate - fitted)):
            assert own - 1e-12 <= exact <= own + found.hidden + 1e-12
        assert found.uncertainty == pytest.approx(rate, rel=1e-12)
        assert found.miscalibration - found.discrimination + found.uncertainty == pytest.approx(score, rel=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_a_bin_of_each_score_is_the_rows(name):
    corp, of_rows = SCORES[name]
    _, p, y, w = rows(9)
    p = np.round(p, 2)
    score, fitted, rate = by_rows(of_rows, np.clip(p, 1e-9, 1.0), y, w)
    low, place = np.unique(p, return_inverse=True)
    label = [np.bincount(place, weight, low.size) for weight in (w * y, w * (1.0 - y))]
    found = corp(Bins(*label, distinct=True), score)
    assert found.miscalibration == pytest.approx(score - fitted, abs=1e-9)
    assert found.discrimination == pytest.approx(rate - fitted, abs=1e-9)


def test_blocks_are_those_of_scikit_learn():
    _, p, y, w = rows(3)
    order = np.argsort(p)
    blocks = isotonic((w * y)[order], (w * (1.0 - y))[order])
    fitted = IsotonicRegression().fit(p, y, sample_weight=w).predict(p[order])
    own = np.repeat(blocks.positive / (blocks.positive + blocks.negative), 1)
    assert np.unique(own).size == np.unique(fitted.round(12)).size
    assert np.allclose(np.unique(own), np.unique(fitted.round(12)), atol=1e-11)


@pytest.mark.parametrize("name", SCORES)
def test_reasons(name):
    corp, _ = SCORES[name]
    one, none = np.array([1.0, 2.0]), np.zeros(2)
    assert corp(Bins(none, none), np.nan).reason == "no_weight"
    assert corp(Bins(one[:0], one[:0]), np.nan).reason == "no_weight"
    assert corp(Bins(one, none), 0.1).reason == corp(Bins(none, one), 0.1).reason == "single_class"
    assert corp(Bins(one, one), np.nan).reason == corp(Bins(np.full(2, np.nan), one), 0.1).reason == "not_recorded"
    assert corp(Bins(one, one), np.inf).reason == "infinite"
    assert np.isnan(corp(Bins(one, none), 0.1).miscalibration)
