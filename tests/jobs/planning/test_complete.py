"""A log that was cut off is told from one that is sparse, slow or late, whatever its size."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.planning.complete import short_tail, too_few, usual_rows

SHARE = 0.1
DAY = 24


def traffic(rng):
    """Impressions by the hour: anything from flat to one that is nearly silent at night."""
    curve = 1.0 + rng.uniform(0.0, 0.98) * np.sin(2 * np.pi * (np.arange(DAY) / DAY + rng.uniform()))
    return rng.poisson(10 ** rng.uniform(1, 5) * curve / curve.mean())


def events(rng, impressions, rate):
    """A log in which the rate changes by up to a half in either direction over the day."""
    drift = 1.0 + 0.33 * np.sin(2 * np.pi * (np.arange(DAY) / DAY + rng.uniform()))
    return rng.poisson(impressions * rate * drift)


def test_a_whole_log_is_never_taken_for_one_that_was_cut_off():
    rng = np.random.default_rng(12)
    for _ in range(1000):
        impressions = traffic(rng)
        log = events(rng, impressions, 10 ** rng.uniform(-4, -0.5))
        other = events(rng, impressions, 0.01)
        for usual in ([], other.tolist()):
            assert short_tail(log.tolist(), impressions.tolist(), usual, SHARE) is None


@given(st.integers(0, 2**32), st.integers(1, DAY - 1))
def test_a_log_that_was_cut_off_is_found_where_it_has_rows_enough(seed, cut):
    rng = np.random.default_rng(seed)
    impressions = traffic(rng) + 1
    log = events(rng, impressions, 0.05)
    before, missing = int(log[:cut].sum()), impressions[cut:].sum() / impressions[:cut].sum()
    log[cut:] = 0
    found = short_tail(log.tolist(), impressions.tolist(), [], SHARE)
    # Half the rate of before, and no row: one in 10,000.
    enough = before * math.log(1 + missing / 2) > math.log(10_000)
    assert found is not None if enough else found is None or found.rows == 0
    assert found is None or found.expected * SHARE > found.rows


def test_one_stray_row_does_not_make_a_log_whole():
    impressions = [1000] * DAY
    found = short_tail([50] * 8 + [0] * 15 + [1], impressions, [], SHARE)
    assert (found.hour, found.rows, found.expected) == (8, 1, 800)


@pytest.mark.parametrize("hours", [[], [0] * DAY, [1], [3, 0, 1], [0] * 20 + [2], [2, 1]])
def test_few_rows_say_nothing(hours):
    assert short_tail([*hours, *[0] * (DAY - len(hours))], [1000] * DAY, [], SHARE) is None


def test_labels_that_come_after_their_day_are_no_gap_in_it():
    evening = [10] * 20 + [5000] * 4
    assert short_tail([2] * 20 + [0] * 4, evening, [], SHARE) is not None
    assert short_tail([2] * 20 + [0] * 4 + [2000], evening, [], SHARE) is None


def test_impressions_that_stopped_explain_a_log_that_did():
    log, usual = [50] * 8 + [0] * 16, [350] * DAY
    assert short_tail(log, [1000] * 8 + [0] * 16, usual, SHARE) is None
    assert short_tail(log, [1000] * DAY, usual, SHARE) is not None


def test_a_log_that_is_always_silent_at_night_is_whole():
    assert short_tail([50] * 8 + [0] * 16, [1000] * DAY, [350] * 8 + [0] * 16, SHARE) is None


def test_a_log_that_goes_on_by_the_clock_is_whole_though_its_first_night_had_no_day_before():
    impressions = [100] * 5 + [1000] * 19
    first, second = [0] * 5 + [20] * 19, [20] * 24
    assert short_tail(second, impressions, first, SHARE) is None
    assert short_tail([20] * 5 + [0] * 19, impressions, first, SHARE) is not None


def test_a_share_of_0_asks_nothing():
    assert short_tail([500] * 8 + [0] * 16, [1000] * DAY, [], 0.0) is None


@pytest.mark.parametrize(
    ("rows", "usual", "found"),
    [(499, 1000, True), (500, 1000, False), (0, 9, False), (0, 10, True), (4, 20, True), (6, 20, False), (0, 0, False)],
)
def test_fewer_rows_than_half_are_too_few_where_chance_does_not_explain_them(rows, usual, found):
    assert too_few(rows, usual, 0.5) is found


def test_a_day_is_held_against_the_usual_day_or_its_weekday():
    assert usual_rows([900, 1000, 5000], None) == 1000
    assert usual_rows([900, 1000, 5000], 300) == 300
    assert usual_rows([900, 1000, 5000], 4000) == 1000
