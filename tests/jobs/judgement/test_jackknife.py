"""Leaving one shard out: what it must give by textbooks, on which rows of which order, and when it says nothing."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from jobs.judgement.uncertainty.jackknife import Estimates, estimated, estimated_of_parts, interval
from jobs.judgement.uncertainty.shards import Sharded
from udfs.catalog import columns_of, published
from udfs.exact.decimals import UNITS, nearest
from udfs.kinds import KINDS
from udfs.measures.binary import log_loss
from udfs.measures.bins.areas import auc
from udfs.measures.calibration import predicted_over_actual
from udfs.measures.entropy import normalized_entropy

RANDOM = np.random.default_rng(0)
OPTIONS = {"alpha": (1.0, 4.0), "gamma": 2.0, "k": (5.0, 10.0), "threshold": 0.5, "calibration_bins": 10.0}


def losses(shards=12, rows=50, slices=1):
    """Slices whose shards have as many rows each: then the jackknife of a mean is textbook."""
    nll = RANDOM.integers(1, 10**17, (slices, shards)).astype(np.object_)
    same = np.full((slices, shards), rows)
    unit = same.astype(np.object_) * UNITS
    half = unit // 2
    of = {"n": same, "weight": unit, "positive_nll": nll, "negative_nll": nll * 3}
    of |= {"positive_weight": half, "negative_weight": half, "score_sum": nll}
    return Sharded.of(of)


def units(sums):
    """The same sums, of which some can be changed."""
    return {name: sums.units(name) if name != "n" else sums.rows.astype(np.int64) for name in sums.sums}


def means(sums):
    """The mean loss of each shard."""
    return (sums.units("positive_nll") * 4 / sums.units("weight")).astype(np.float64)


def test_of_a_mean_it_is_the_t_interval_of_the_shards():
    sums = losses()
    found = interval(estimated(log_loss, sums.leaving_out(), sums.present), [None])
    (of_shards,) = means(sums)
    low, high = stats.t.interval(0.95, 11, of_shards.mean(), stats.sem(of_shards))
    assert found.value == pytest.approx(of_shards.mean(), rel=1e-14)
    assert (found.low[0], found.high[0]) == pytest.approx((low, high), rel=1e-11)
    assert found.df == 11.0


def test_it_is_the_formula_in_rationals():
    sums = losses(shards=11)
    (nll,), (weight,) = sums.units("score_sum"), sums.units("positive_weight")
    without = [Fraction(sum(nll) - a, sum(weight) - b) for a, b in zip(nll, weight, strict=True)]
    mean = sum(without) / 11
    variance = Fraction(10, 11) * sum((each - mean) ** 2 for each in without)
    found = interval(estimated(predicted_over_actual, sums.leaving_out(), sums.present), [None])
    assert found.stderr[0] ** 2 == pytest.approx(float(variance), rel=1e-12)


def test_shards_without_rows_count_for_nothing():
    sums = losses()
    sparse = Sharded.of({name: np.insert(of, [0, 5, 12], 0, axis=1) for name, of in units(sums).items()})
    one = interval(estimated(normalized_entropy, sums.leaving_out(), sums.present), [None])
    other = interval(estimated(normalized_entropy, sparse.leaving_out(), sparse.present), [None])
    assert (one.stderr, one.low, one.df) == (other.stderr, other.low, other.df)


def test_slices_do_not_know_of_each_other():
    sums = losses(slices=5)
    together = interval(estimated(normalized_entropy, sums.leaving_out(), sums.present), [None] * 5)
    for i in range(5):
        one = Sharded.of({name: of[i : i + 1] for name, of in units(sums).items()})
        alone = interval(estimated(normalized_entropy, one.leaving_out(), one.present), [None])
        assert (together.low[i], together.high[i]) == (alone.low[0], alone.high[0])


def test_on_the_log_scale_the_ends_are_as_many_times_away():
    sums = losses()
    estimates = estimated(predicted_over_actual, sums.leaving_out(), sums.present)
    found = interval(estimates, [None], on_log_scale=True)
    assert found.high / found.value == pytest.approx(found.value / found.low, rel=1e-14)
    of_log = interval(Estimates(np.log(estimates.values), estimates.present, [None]), [None])
    assert found.stderr / found.value == pytest.approx(of_log.stderr, rel=1e-12)
    assert np.exp(of_log.low) == pytest.approx(found.low, rel=1e-13)


def test_a_reason_leaves_the_value_and_no_interval():
    sums = losses()
    found = interval(estimated(log_loss, sums.leaving_out(), sums.present), ["too_few_shards"])
    assert np.isfinite(found.value)
    assert np.isnan([found.stderr, found.low, found.high, found.df]).all()
    assert {name: column.to_pylist() for name, column in found.columns().items()} == {
        "stderr": [None],
        "ci_low": [None],
        "ci_high": [None],
    }


def estimates(*values):
    return Estimates(np.array([values]), np.ones((1, len(values) - 1), dtype=bool), [None])


def test_a_number_that_hangs_on_one_shard_has_no_interval():
    assert interval(estimates(1.0, 1.0, np.nan), [None]).reasons == ["dominant_shard"]
    assert interval(estimates(1.0, 1.0, np.inf), [None]).reasons == ["dominant_shard"]


def test_a_number_without_a_logarithm_has_none():
    assert interval(estimates(0.0, 0.0, 0.1), [None], on_log_scale=True).reasons == ["infinite"]


def test_what_was_not_recorded_is_told_so():
    sums = losses()
    unknown = np.where(np.arange(12) == 7, None, sums.units("positive_nll"))
    gone = Sharded.of({**units(sums), "positive_nll": unknown})
    assert interval(estimated(log_loss, gone.leaving_out(), gone.present), [None]).reasons == ["not_recorded"]


def test_no_spread_is_an_interval_of_no_width():
    found = interval(estimates(2.0, 2.0, 2.0), [None])
    assert (found.stderr[0], found.low[0], found.high[0]) == (0.0, 2.0, 2.0)


def test_of_bins_each_shard_leaves_its_own_rows_out():
    positive, negative = RANDOM.integers(0, 9, (2, 7, 4)).astype(np.float64)
    parts = {
        name: np.concatenate([each.sum(axis=1, keepdims=True), each.sum(axis=1, keepdims=True) - each], axis=1)
        for name, each in (("positive_weight", positive), ("negative_weight", negative))
    }
    weight = parts["positive_weight"].sum(axis=0) + parts["negative_weight"].sum(axis=0)
    found = estimated_of_parts(auc, parts, {"weight": weight}, np.array([True, True, False, True]))
    kept = np.delete(positive, 1, axis=1).sum(axis=1), np.delete(negative, 1, axis=1).sum(axis=1)
    assert found.values[0, 2] == auc.of(dict(zip(("positive_weight", "negative_weight"), kept, strict=True)))
    assert found.values[0, 3] == found.values[0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_of_sums_has_its_own_value_and_those_without_each_shard(kind):
    names = list(columns_of(kind, OPTIONS))
    drawn = {name: RANDOM.integers(1, 10**17, (3, 4)).astype(np.object_) for name in names}
    sums = Sharded.of(drawn)
    left, present = sums.leaving_out(), np.ones((3, 4), dtype=bool)
    for metric in published(kind, OPTIONS).values():
        found = estimated(metric, left, present)
        for shard, column in enumerate([None, 0, 1, 2, 3]):
            others = [i for i in range(4) if i != column]
            kept = {name: nearest(of[:, others].sum(axis=1)) for name, of in drawn.items()}
            grown = 4.0 / 3.0 if column is not None and metric.spread == "total" else 1.0
            assert found.values[:, shard].tobytes() == (metric.of(kept) * grown).tobytes(), metric.name
