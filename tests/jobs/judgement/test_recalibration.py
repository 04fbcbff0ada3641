"""What recalibration would bring: against the rows themselves, scikit-learn's logistic regression, and its edges."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from jobs.judgement.bins.recalibration import Bins, shifted
from jobs.judgement.bins.temperature import tempered
from udfs.examples.bins import edges

CLIP = 1e-15


def rows(seed, shift=0.7, slope=1.0, size=4000):
    rng = np.random.default_rng(seed)
    z = rng.normal(-2.0, 1.5, size)
    y = (rng.random(size) < 1.0 / (1.0 + np.exp(-(slope * z + shift)))).astype(np.float64)
    return z, y, rng.integers(1, 4, size).astype(np.float64)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def loss(z, y, w):
    return np.average(np.where(y == 1.0, np.logaddexp(0.0, -z), np.logaddexp(0.0, z)), weights=w)


def binned(p, y, w, bits=None):
    low = np.unique(p) if bits is None else edges("probability", bits)
    place = np.searchsorted(low, p, side="right") - 1
    used = np.unique(place)
    columns = [np.bincount(place, each, low.size)[used] for each in (w * y, w * (1.0 - y), w * p)]
    high = low if bits is None else np.append(low[1:], 1.0)
    return Bins(low[used], high[used], *columns)


def best_shift(z, y, w):
    low, high = -20.0, 20.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if (w * (sigmoid(z + middle) - y)).sum() < 0.0 else (low, middle)
    return low


@pytest.mark.parametrize("shift", [-3.0, -0.4, 0.0, 0.7, 4.0])
@pytest.mark.parametrize("bits", [9, 12, 17])
def test_the_best_shift_of_the_rows_is_within_its_bounds(shift, bits):
    z, y, w = rows(1, shift)
    b = best_shift(z, y, w)
    found = shifted(binned(sigmoid(z), y, w, bits), loss(z, y, w), CLIP)
    assert found.shift_low - 1e-9 <= b <= found.shift_high + 1e-9
    assert found.loss_low - 1e-12 <= loss(z + b, y, w) <= found.loss + 1e-12
    assert found.loss - found.loss_low < {9: 1.0, 12: 1e-3, 17: 1e-6}[bits]
    assert found.loss <= loss(z, y, w) + 1e-12


def test_single_scores_are_exact():
    z, y, w = rows(2)
    b = best_shift(z, y, w)
    found = shifted(binned(sigmoid(z), y, w), loss(z, y, w), CLIP)
    assert found.shift == found.shift_low == found.shift_high == pytest.approx(b, abs=1e-9)
    assert found.loss == found.loss_low == pytest.approx(loss(z + b, y, w), rel=1e-12)


def test_scores_of_0_and_1_are_at_the_clip():
    z, y, w = rows(3)
    p = sigmoid(z)
    p[:20], p[20:40] = 0.0, 1.0
    clipped = np.clip(p, 1e-3, 1.0 - 1e-3)
    z = np.log(clipped / (1.0 - clipped))
    found = shifted(binned(p, y, w), loss(z, y, w), 1e-3)
    assert found.shift == pytest.approx(best_shift(z, y, w), abs=1e-9)
    assert found.loss == pytest.approx(loss(z + found.shift, y, w), rel=1e-12)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_temperature_and_shift_are_the_logistic_fit(slope):
    z, y, w = rows(4, slope=slope)
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(z[:, None], y, sample_weight=w)
    a, b = fit.coef_[0, 0], fit.intercept_[0]
    exact = tempered(binned(sigmoid(z), y, w), CLIP)
    assert (exact.slope, exact.shift) == pytest.approx((a, b), abs=1e-5)
    assert exact.loss == exact.loss_low == exact.loss_high == pytest.approx(loss(a * z + b, y, w), rel=1e-9)
    coarse = tempered(binned(sigmoid(z), y, w, 14), CLIP)
    assert coarse.loss_low <= loss(coarse.slope * z + coarse.shift, y, w) <= coarse.loss_high
    assert coarse.loss == pytest.approx(exact.loss, rel=1e-3)


def test_reasons():
    z, y, w = rows(5, size=100)
    bins = binned(sigmoid(z), y, w)
    nothing = np.zeros(bins.low.size)
    cases = {
        "no_weight": bins._replace(positive=nothing, negative=nothing),
        "single_class": bins._replace(positive=nothing),
        "not_recorded": bins._replace(score_sum=np.full(nothing.size, np.nan)),
    }
    for reason, given in cases.items():
        assert shifted(given, 0.1, CLIP).reason == tempered(given, CLIP).reason == reason
        assert np.isnan(shifted(given, 0.1, CLIP).loss) and np.isnan(tempered(given, CLIP).loss)
    assert shifted(bins, np.nan, CLIP).reason == "not_recorded"
    assert shifted(bins, np.inf, CLIP).reason == "infinite"
    one = binned(np.full(100, 0.2), y, w)
    assert tempered(one, CLIP).reason == "single_score"
    assert shifted(one, 0.1, CLIP).shift == pytest.approx(np.log(4.0) + np.log((w * y).sum() / (w * (1 - y)).sum()))
    split = (z > 0.0).astype(np.float64)
    assert tempered(binned(sigmoid(z), split, w), CLIP).reason == "separated"
