"""Differences: paired and independent ones against textbook tests, and changes relative to what may be negative."""

import numpy as np
import pytest
from scipy import stats

from jobs.judgement.uncertainty.differences import independent, paired
from jobs.judgement.uncertainty.jackknife import Estimates, Interval, interval

RANDOM = np.random.default_rng(7)
SHARDS = 20


def of_means(values):
    """The mean of as many equal shards, and without each: its jackknife is the textbook's standard error."""
    values = np.atleast_2d(values)
    without = (values.sum(axis=1, keepdims=True) - values) / (values.shape[1] - 1)
    whole = np.concatenate([values.mean(axis=1, keepdims=True), without], axis=1)
    return Estimates(whole, np.ones(values.shape, dtype=bool), [None] * len(values))


A = RANDOM.normal(1.0, 0.1, SHARDS)
B = A + RANDOM.normal(0.004, 0.01, SHARDS)


def test_a_paired_difference_is_the_paired_t_test():
    found = paired(of_means(A), of_means(B), [None])
    test = stats.ttest_rel(A, B)
    assert found.p[0] == pytest.approx(test.pvalue, rel=1e-9)
    ends = test.confidence_interval()
    assert (found.absolute.low[0], found.absolute.high[0]) == pytest.approx((ends.low, ends.high), rel=1e-9)
    assert found.detectable == 2.8 * found.absolute.stderr


def test_what_both_share_cancels():
    together = paired(of_means(A), of_means(B), [None])
    apart = independent(interval(of_means(A), [None]), interval(of_means(B), [None]))
    assert together.absolute.value == apart.absolute.value
    assert together.absolute.stderr < apart.absolute.stderr / 5.0


def test_an_independent_difference_is_the_test_of_welch():
    other = RANDOM.normal(1.1, 0.3, 12)
    found = independent(interval(of_means(A), [None]), interval(of_means(other), [None]))
    test = stats.ttest_ind(A, other, equal_var=False)
    assert found.p[0] == pytest.approx(test.pvalue, rel=1e-9)
    ends = test.confidence_interval()
    assert (found.absolute.low[0], found.absolute.high[0]) == pytest.approx((ends.low, ends.high), rel=1e-9)
    assert found.absolute.df[0] == pytest.approx(test.df, rel=1e-12)


def test_a_model_against_itself_does_not_differ():
    found = paired(of_means(A), of_means(A), [None])
    assert (found.absolute.low[0], found.absolute.high[0], found.p[0], found.relative.value[0]) == (0, 0, 1, 0)


def test_a_shift_that_is_the_same_everywhere_is_certain():
    whole = Estimates(np.arange(17.0)[None, :], np.ones((1, 16), dtype=bool), [None])
    found = paired(Estimates(whole.values + 0.5, whole.present, [None]), whole, [None])
    assert (found.absolute.low[0], found.absolute.high[0], found.p[0]) == (0.5, 0.5, 0.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_relative_difference_has_the_sign_of_the_difference(sign):
    b = of_means(sign * A)
    more = Estimates(b.values + 0.1, b.present, [None])
    for found in (paired(more, b, [None]), independent(interval(more, [None]), interval(b, [None]))):
        assert found.relative.value == pytest.approx(0.1 / A.mean(), rel=1e-9)
        assert found.relative.low[0] < found.relative.value[0] < found.relative.high[0]


def test_a_relative_difference_of_independent_numbers_is_the_delta_method():
    a, b = (interval(of_means(each), [None]) for each in (A, B))
    found = independent(a, b).relative
    ratio = A.mean() / B.mean()
    expected = ratio * np.hypot(a.stderr / A.mean(), b.stderr / B.mean())
    assert found.stderr == pytest.approx(expected, rel=1e-12)


def test_nothing_is_relative_to_what_may_be_zero():
    near = of_means(RANDOM.normal(0.0, 1.0, SHARDS))
    near.values[0, 3] = -near.values[0, 0]
    found = paired(of_means(A), near, [None])
    assert (found.absolute.reasons, found.relative.reasons) == ([None], ["reference_near_zero"])
    zero = Interval(*(np.array([x]) for x in (0.01, 0.1, -0.19, 0.21, 31.0)), [None])
    found = independent(interval(of_means(A), [None]), zero)
    assert (found.absolute.reasons, found.relative.reasons) == ([None], ["reference_near_zero"])
    assert paired(of_means(A), of_means(A * 0.0), [None]).relative.reasons == ["reference_near_zero"]


def test_a_reason_on_either_side_is_one_against_the_difference():
    undefined = Estimates(np.full((1, SHARDS + 1), np.nan), np.ones((1, SHARDS), dtype=bool), ["single_class"])
    found = paired(of_means(A), undefined, [None])
    assert found.absolute.reasons == ["single_class"]
    assert np.isnan([found.p, found.detectable, found.relative.low]).all()
    assert paired(of_means(A), of_means(B), ["no_common_rows"]).relative.reasons == ["no_common_rows"]
    few = interval(of_means(A), ["too_few_shards"])
    assert independent(few, interval(of_means(B), [None])).absolute.reasons == ["too_few_shards"]


def test_a_shard_that_only_one_day_has_counts():
    a, b = of_means(A), of_means(B)
    a.present[0, :2], b.present[0, 2:4] = False, False
    assert paired(a, b, [None]).absolute.df == SHARDS - 1
    b.present[0, 0] = False
    assert paired(a, b, [None]).absolute.df == SHARDS - 2


def test_of_two_infinite_losses_there_is_no_difference():
    infinite = Estimates(np.full((1, 11), np.inf), np.ones((1, 10), dtype=bool), [None])
    there = Interval(*(np.full(1, x) for x in (1.0, 0.0, 1.0, 1.0, 9.0)), [None])
    for found in (
        paired(infinite, infinite, [None]),
        independent(interval(infinite, [None]), interval(infinite, [None])),
        independent(interval(infinite, [None]), there),
    ):
        assert found.absolute.reasons == found.relative.reasons == ["infinite"]
        assert np.isnan([found.absolute.low, found.relative.high]).all()
