"""What a new day may be from earlier ones by chance: how often it is, in worlds of which all is known."""

import numpy as np
import pytest

from jobs.judgement.maturity.usual import Days, below_by_chance, expectation, usual

SLICES, DAYS, SHARDS = 1500, 12, 32


def world(seed, rate=0.05, drift=0.0, clicks=1):
    """Slices with their days and one more: the sums of rows by shard; users have so many positives at once."""
    rng = np.random.default_rng(seed)
    below = rng.poisson(60.0, (SLICES, DAYS + 1, SHARDS)).astype(np.float64)
    of_day = rate * np.exp(drift * rng.standard_normal((SLICES, DAYS + 1, 1)) - drift**2 / 2.0)
    above = clicks * rng.poisson(of_day * below / clicks).astype(np.float64)
    return above, below


def of_days(above, below, known=None):
    """The sums of days as judgement reads them."""
    found = [
        np.concatenate([of.sum(axis=2, keepdims=True), of.sum(axis=2, keepdims=True) - of], axis=2).reshape(
            -1, 1 + SHARDS
        )
        for of in (above, below)
    ]
    slices, days = above.shape[:2]
    every = np.ones((slices * days, SHARDS), dtype=bool)
    return Days(*found, every, np.ones((slices, days), dtype=bool) if known is None else known)


WORLDS = {"chance alone": {}, "days that differ": {"drift": 0.15}, "users who buy thrice": {"clicks": 3}}


@pytest.mark.parametrize("of", WORLDS.values(), ids=WORLDS)
def test_a_new_day_lies_in_the_interval_and_below_the_expectation_as_often_as_it_should(of):
    above, below = world(1, **of)
    known = usual(of_days(above[:, :-1], below[:, :-1]))
    found, weight = above[:, -1].sum(axis=1), below[:, -1].sum(axis=1)
    ends = expectation(weight, known)
    assert 0.92 <= np.mean((ends.low <= found) & (found <= ends.high)) <= 0.98
    p = below_by_chance(found, ends.value, known)
    # Counts are skewed: so few are rarer than of a normal number.
    assert 0.02 <= np.mean(p <= 0.05) <= 0.07
    assert np.mean(p <= 0.01) <= 0.02


def test_what_days_differ_by_is_told_from_chance():
    same, apart = (usual(of_days(*world(2, drift=drift))) for drift in (0.0, 0.3))
    assert np.median(same.drift) < 0.001
    assert np.sqrt(np.median(apart.drift)) == pytest.approx(0.3, rel=0.15)
    assert np.mean(same.noise) == pytest.approx(1.0, rel=0.05)
    assert np.mean(usual(of_days(*world(2, clicks=3))).noise) == pytest.approx(3.0, rel=0.05)


def test_a_day_without_any_positive_is_not_certain_where_few_are_expected():
    known = usual(of_days(*world(3))).at(0)
    none = np.zeros(1)
    assert below_by_chance(none, np.array([2.0]), known) > 0.05
    assert below_by_chance(none, np.array([40.0]), known) < 1e-6


def test_a_day_that_does_not_count_changes_nothing():
    above, below = world(4)
    known = np.ones((SLICES, DAYS + 1), dtype=bool)
    known[:, 3] = False
    other = above.copy()
    other[:, 3] *= 7.0
    one, two, without = (
        usual(of)
        for of in (
            of_days(above, below, known),
            of_days(other, below, known),
            of_days(np.delete(above, 3, axis=1), np.delete(below, 3, axis=1)),
        )
    )
    for name, values in vars(one).items():
        assert values.tolist() == vars(two)[name].tolist() == vars(without)[name].tolist(), name


def test_without_a_day_there_is_nothing():
    above, below = world(5)
    nothing = usual(of_days(above, below, np.zeros((SLICES, DAYS + 1), dtype=bool)))
    assert np.isnan(nothing.value).all()
    assert np.isnan(expectation(np.ones(SLICES), nothing).value).all()
