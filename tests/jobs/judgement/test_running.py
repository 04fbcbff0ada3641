"""The interval that may be read every night: published numbers, and how often it errs where there is no difference."""

import numpy as np
import pandas as pd
import pytest

from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.jackknife import Estimates, interval
from jobs.judgement.uncertainty.running import radius, running, running_by_shard

# GrowthBook's formula at N* = 5,000, and what comparecast 1.0.0 gives (confseq_asymptotic, not i.i.d., t* = 100).
PUBLISHED = {
    "vegas": (-0.001633282751350, (-0.002425201418, -0.000841364085), (-0.0024178887491321, -0.0008486767535688)),
    "constant": (0.007504692219, (0.005874681645, 0.009134702793), (0.0059278693449566, 0.0090815150934709)),
    "laplace": (0.006249969470, (0.004780443928, 0.007719495012), (0.0048326062859512, 0.0076673326539334)),
}


@pytest.mark.parametrize("other", PUBLISHED)
def test_forecasts_of_games_are_compared_as_published(data_dir, other):
    games = pd.read_csv(data_dir / "mlb" / "mlb_2010_2019.csv")
    gain = (np.square(games[other] - games["y"]) - np.square(games["fivethirtyeight"] - games["y"])).to_numpy()
    n, (mean, ends, comparecast) = gain.size, PUBLISHED[other]
    variance = gain.var(ddof=1)
    # As one night of all games.
    night = (np.array([[each]]) for each in (gain.mean(), np.sqrt(variance / n), float(n)))
    found = running(*night, narrowest=np.array([5000.0 * variance]))
    assert found.value[0, 0] == pytest.approx(mean, abs=5e-13)
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx(ends, abs=5e-13)
    before = np.concatenate([[0.0], np.cumsum(gain)[:-1] / np.arange(1, n)])
    reach = radius(np.square(gain - before).sum(), np.array(100.0)) / n
    assert (gain.mean() - reach, gain.mean() + reach) == pytest.approx(comparecast, abs=5e-15)


def test_it_is_narrowest_where_it_should_be():
    q = np.array([70.0])
    tuned = radius(q, q)
    assert all(tuned < radius(q, narrowest) for narrowest in np.array([[35.0], [140.0], [700.0]]))


def nights(histories, count, *, stuck=0.0, users=256, shards=32, seed=1):
    """Differences of two models that are alike: each night and without each shard, (histories, nights, 1 + shards).

    Users come back; `stuck` is how far a user's own difference goes, where an impression's has the deviation 1.
    """
    draw = np.random.default_rng(seed)
    activity = 2.0 * np.exp(draw.standard_normal((histories, users), dtype=np.float32))
    own = stuck * draw.standard_normal(activity.shape, dtype=np.float32)
    values, weights = np.empty((histories, count, 1 + shards)), np.empty((histories, count))
    for night in range(count):
        seen = np.floor(activity + draw.random(activity.shape, dtype=np.float32))
        gap = seen * own + np.sqrt(seen) * draw.standard_normal(activity.shape, dtype=np.float32)
        n, sums = (each.reshape(histories, -1, shards).sum(axis=1, dtype=np.float64) for each in (seen, gap))
        left = [each.sum(axis=1, keepdims=True) - np.insert(each, 0, 0.0, axis=1) for each in (sums, n)]
        values[:, night], weights[:, night] = left[0] / left[1], left[1][:, 0]
    return values, weights


def by_night(values):
    present = np.ones((len(values), values.shape[2] - 1), dtype=bool)
    return [Estimates(values[:, i], present, [None] * len(values)) for i in range(values.shape[1])]


def erring(low, high):
    return float(((low > 0.0) | (high < 0.0)).any(axis=1).mean())


def of_nights(values, weights):
    each = [interval(night, [None] * len(values)) for night in by_night(values)]
    return running(values[..., 0], np.stack([night.stderr for night in each], axis=1), weights)


def naive(found, df=31.0):
    reach = student.quantile(np.array([df])) * found.stderr
    return erring(found.value - reach, found.value + reach)


def test_read_on_60_nights_it_errs_in_no_more_than_5_percent_of_histories():
    values, weights = nights(1000, 60)
    plain, by_shard = of_nights(values, weights), running_by_shard(by_night(values), weights)
    assert erring(plain.low, plain.high) <= 0.05
    assert erring(by_shard.low, by_shard.high) <= 0.05
    assert naive(plain) > 0.2
    assert naive(by_shard) > 0.2


def test_where_users_come_back_only_that_by_shard_holds():
    values, weights = nights(500, 30, stuck=0.2, seed=2)
    plain, by_shard = of_nights(values, weights), running_by_shard(by_night(values), weights)
    assert erring(by_shard.low, by_shard.high) <= 0.05
    assert erring(plain.low, plain.high) > 0.2


def test_a_difference_is_found_in_the_end():
    values, weights = nights(50, 20)
    shifted = running_by_shard(by_night(values + 0.1), weights)
    assert (shifted.low[:, -1] > 0.0).all()


def test_a_night_that_says_nothing_changes_nothing():
    values, weights = nights(2, 4)
    gap = np.insert(values, 2, np.nan, axis=1), np.insert(weights, 2, 10.0, axis=1)
    each = by_night(gap[0])
    each[2] = Estimates(each[2].values, each[2].present, ["too_few_rows"] * 2)
    found, whole = running_by_shard(each, gap[1]), running_by_shard(by_night(values), weights)
    assert found.low[:, 2].tolist() == found.low[:, 1].tolist()
    assert found.low[:, 4].tolist() == whole.low[:, 3].tolist()
    error = np.array([[0.1, 0.1, np.nan, 0.2, 0.1]] * 2)
    plain = running(gap[0][..., 0], error, gap[1])
    assert plain.high[:, 2].tolist() == plain.high[:, 1].tolist()
    assert plain.high[:, 4].tolist() == running(values[..., 0], error[:, [0, 1, 3, 4]], weights).high[:, 3].tolist()


def test_before_the_first_night_and_without_a_spread():
    none = running(np.array([[np.nan, 0.5]]), np.array([[np.nan, 0.0]]), np.array([[1.0, 1.0]]))
    assert np.isnan(none.value[0, 0])
    assert (none.low[0, 1], none.high[0, 1]) == (0.5, 0.5)


def test_shards_that_never_have_rows_do_not_count():
    values, weights = nights(3, 5)
    each = by_night(values)
    wider = [
        Estimates(np.insert(night.values, 1, night.values[:, 0], axis=1), np.insert(night.present, 0, False, axis=1), n)
        for night in each
        for n in [night.reasons]
    ]
    assert running_by_shard(wider, weights).low.tolist() == running_by_shard(each, weights).low.tolist()
