"""Since when a metric is bad: planted days are found the night they begin, usual nights seldom."""

import numpy as np
import pytest

from jobs.judgement.changes.first_bad import first_bad_day

ERROR = 0.02


def history(seed, days, bad=None, by=0.25):
    rng = np.random.default_rng(seed)
    values = 1.0 + rng.normal(0.0, ERROR, days)
    if bad is not None:
        values[bad:] += by
    return values


@pytest.mark.parametrize("bad", [8, 15])
@pytest.mark.parametrize("by", [0.25, -0.25])
def test_a_planted_day_is_found_the_same_night_and_remembered(bad, by):
    for seed in range(20):
        for nights in (1, 2, 5, 14):
            found = first_bad_day(history(seed, bad + nights, bad, by), np.full(bad + nights, ERROR))
            assert (found.day, found.days, found.reason) == (bad, nights, None)
            assert found.deviation * by > 0.0


def test_usual_nights_are_seldom_bad():
    found = [first_bad_day(history(seed, 30), np.full(30, ERROR)) for seed in range(500)]
    assert sum(each.day is not None for each in found) <= 15
    assert {each.reason for each in found if each.day is None} == {"usual"}


def test_one_day_that_is_over_is_no_run():
    values = history(1, 20)
    values[12] += 1.0
    assert first_bad_day(values, np.full(20, ERROR)).reason == "usual"


def test_two_sides_are_two_runs():
    values = history(2, 20)
    values[15:17] += 1.0
    values[17:] -= 1.0
    found = first_bad_day(values, np.full(20, ERROR))
    assert (found.day, found.days) == (17, 3)


def test_days_without_a_value_are_neither_good_nor_bad():
    values = history(3, 20, bad=15)
    values[[2, 16]] = np.nan
    found = first_bad_day(values, np.full(20, ERROR))
    assert (found.day, found.days) == (15, 4)


def test_a_spread_of_none_is_no_exception():
    flat = np.ones(10)
    assert first_bad_day(flat, np.zeros(10)).reason == "usual"
    found = first_bad_day(np.append(flat, 1.1), np.full(11, np.nan))
    assert found.day == 10 and found.deviation == np.inf


def test_reasons():
    assert first_bad_day(np.empty(0), np.empty(0)).reason == "no_value"
    assert first_bad_day(np.array([1.0, np.nan]), np.zeros(2)).reason == "no_value"
    assert first_bad_day(history(1, 7), np.zeros(7)).reason == "too_few_days"
