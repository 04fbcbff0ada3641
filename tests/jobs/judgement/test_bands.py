"""Bands are slices: the sums of their rows, priced and finished as any other."""

import numpy as np

from jobs.judgement.bins.bands import bands, cuts_at, cuts_by_weight, shares
from udfs.catalog import metrics_of
from udfs.exact.decimals import UNITS, nearest
from udfs.pricing import evaluated


def bins(seed=0, size=50):
    rng = np.random.default_rng(seed)
    low = np.sort(rng.random(size))
    low[0] = 0.0
    names = ("weight", "positive_weight", "negative_weight", "score_sum", "positive_nll", "negative_nll")
    return low, {name: np.array([int(v) for v in rng.integers(0, 10**18, size)], dtype=np.object_) for name in names}


def test_bands_hold_all_and_are_exact():
    low, sums = bins()
    for cuts in (cuts_at(low, [0.1, 0.5, 0.9]), cuts_by_weight(nearest(sums["weight"]), 10)):
        found = bands(low, sums, cuts)
        assert {name: sum(values) for name, values in found.sums.items()} == {n: sum(v) for n, v in sums.items()}
        assert found.low[0] == 0.0 and found.high[-1] == 1.0 and found.high[:-1].tolist() == found.low[1:].tolist()
        for i, text in enumerate(found.texts):
            inside = (low >= found.low[i]) & ((low < found.high[i]) | (i == len(found.texts) - 1))
            assert found.sums["weight"][i] == sum(sums["weight"][inside]), text


def test_metrics_read_bands():
    low, sums = bins(1)
    found = bands(low, sums, cuts_at(low, [0.5]))
    doubles = {name: nearest(values) for name, values in found.sums.items()}
    value, _ = evaluated(metrics_of("binary")["predicted_over_actual"], doubles)
    inside = low < found.high[0]
    assert value[0] == (sum(sums["score_sum"][inside]) / UNITS) / (sum(sums["positive_weight"][inside]) / UNITS)
    assert np.isclose(shares(doubles["weight"]).sum(), 1.0)


def test_bands_by_weight_are_about_equal():
    low, _ = bins(2, size=1000)
    weight = np.random.default_rng(3).random(1000)
    cuts = cuts_by_weight(weight, 10)
    of_band = shares(
        nearest(bands(low, {"weight": (weight * UNITS).astype(np.int64).astype(object)}, cuts).sums["weight"])
    )
    assert len(of_band) == 10 and np.abs(of_band - 0.1).max() < 0.002


def test_what_was_not_recorded_and_nothing_at_all():
    low = np.array([0.0, 0.5])
    found = bands(low, {"n": np.array([None, 3], dtype=np.object_)}, cuts_at(low, [0.5]))
    assert found.sums["n"].tolist() == [None, 3]
    empty = bands(low[:0], {"n": np.empty(0, dtype=np.object_)}, cuts_at(low[:0], [0.5]))
    assert empty.texts == [] and empty.sums["n"].size == 0
    assert np.isnan(shares(np.zeros(2))).all()
