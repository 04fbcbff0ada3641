"""Corrections for sampling and propensities: against 60 digits, against each other, and in expectation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf
from numpy.typing import ArrayLike

from tests import strategies
from tests.udfs.rows.binary import metrics_of_rows, rows_of
from udfs.exact.arrays import FloatArray
from udfs.examples.binary import Examples, binary_examples
from udfs.examples.corrections import recalibrated_examples, recalibrated_logit, recalibrated_probability
from udfs.kinds import KINDS

rates = st.sampled_from([1.0, 0.5, 1e-6, 1e6]) | st.floats(1e-6, 1.0)
soft = strategies.probabilities.filter(lambda p: 0.0 < p < 1.0)


def floats(values: ArrayLike) -> FloatArray:
    return np.array(values, dtype=np.float64)


def recalibrated(score: float, rate: float, label: float = 0.5, scale: str = "probability") -> Examples:
    return recalibrated_examples(floats([label]), floats([1.0]), floats([score]), scale, rate=rate)


@given(score=soft, rate=rates)
def test_a_recalibrated_probability_has_all_its_digits(score: float, rate: float) -> None:
    found = recalibrated(score, rate)
    p, r = mpf(score), mpf(rate)
    odds = r * p / (1 - p)
    expected = {
        "score": odds / (1 + odds),
        "complement": 1 / (1 + odds),
        "positive_loss": mp.log1p(1 / odds),
        "negative_loss": mp.log1p(odds),
        "complement_loss": mp.log1p(odds),
    }
    for name, value in expected.items():
        assert abs(mpf(found[name][0]) - value) <= mpf("2e-15") * value + mpf("1e-307"), name
    assert found.keys() == KINDS["binary"].columns


@given(logit=st.floats(-30.0, 30.0), rate=rates)
def test_both_scales_agree(logit: float, rate: float) -> None:
    score = float(binary_examples(floats([1.0]), floats([1.0]), floats([-abs(logit)]), "logit")["score"][0])
    one, other = recalibrated(score, rate), recalibrated(-abs(logit), rate, scale="logit")
    for name in KINDS["binary"].columns:
        assert one[name][0] == pytest.approx(other[name][0], rel=1e-13, abs=0), name


@given(rows=strategies.rows(scales=st.just("probability")))
def test_a_rate_of_1_changes_no_loss(rows: strategies.Rows) -> None:
    found = recalibrated_examples(rows.label, rows.weight, rows.score, rows.scale, rate=1.0)
    expected = binary_examples(rows.label, rows.weight, rows.score, rows.scale)
    for name in KINDS["binary"].columns:
        assert found[name] == pytest.approx(expected[name], rel=1e-15, abs=0), name


@given(score=soft.filter(lambda p: p <= 0.5), rate=st.floats(0.001, 1.0))
def test_the_inverse_rate_undoes_it(score: float, rate: float) -> None:
    there, _ = recalibrated_probability(floats([score]), rate)
    back, _ = recalibrated_probability(there, 1.0 / rate)
    assert back[0] == pytest.approx(score, rel=4e-15, abs=1e-320)


def test_hard_scores_stay_hard() -> None:
    for scale, ends in (("probability", (0.0, 1.0)), ("logit", (-np.inf, np.inf))):
        for number, end in enumerate(ends):
            found = recalibrated(end, 0.01, scale=scale)
            assert (found["score_is_zero"][0], found["score_is_one"][0]) == (1.0 - number, number)
            assert found["positive_loss"][0] == found["negative_loss"][0] == found["complement_loss"][0] == 0.0


def test_a_model_of_sampled_negatives_is_calibrated_again() -> None:
    rng = np.random.default_rng(2)
    truth, rate = rng.beta(1, 30, 200_000), 0.05
    label = (rng.random(truth.size) < truth).astype(np.float64)
    learnt = truth / (truth + rate * (1.0 - truth))  # what the best model of the sample would say
    found, _ = recalibrated_probability(learnt, rate)
    assert found == pytest.approx(truth, rel=1e-12)
    assert metrics_of_rows(rows_of(label, learnt))["predicted_over_actual"][0] > 5.0
    assert metrics_of_rows(rows_of(label, found))["predicted_over_actual"][0] == pytest.approx(1.0, abs=0.05)


def test_sampled_negatives_weigh_what_they_stand_for() -> None:
    rng = np.random.default_rng(3)
    score, rate = rng.beta(1, 20, 300_000), 0.1
    label = (rng.random(score.size) < score).astype(np.float64)
    kept = (label == 1.0) | (rng.random(score.size) < rate)
    weight = np.where(label[kept] == 0.0, 1.0 / rate, 1.0)
    whole = metrics_of_rows(rows_of(label, score))
    for name in ("log_loss", "normalized_entropy", "predicted_over_actual"):
        sample = metrics_of_rows(rows_of(label[kept], score[kept], weight))[name][0]
        assert sample == pytest.approx(whole[name][0], rel=0.02), name
        unweighted = metrics_of_rows(rows_of(label[kept], score[kept]))[name][0]
        assert unweighted != pytest.approx(whole[name][0], rel=0.02), name


def test_propensity_weighting_is_unbiased_for_rows_seen_unevenly() -> None:
    rng = np.random.default_rng(4)
    score = rng.uniform(0.05, 0.4, 200_000)
    label = (rng.random(score.size) < score).astype(np.float64)
    propensity = 0.1 + 2.0 * score  # what is likely to be clicked is shown more often
    seen = rng.random(score.size) < propensity
    whole = metrics_of_rows(rows_of(label, score))["log_loss"][0]
    found = metrics_of_rows(rows_of(label[seen], score[seen], 1.0 / propensity[seen]))
    assert found["log_loss"][0] == pytest.approx(whole, rel=0.02)
    assert found["inverse_propensity_log_loss"][0] * seen.mean() == pytest.approx(whole, rel=0.02)
    assert metrics_of_rows(rows_of(label[seen], score[seen]))["log_loss"][0] > 1.05 * whole
    assert 0.5 * seen.sum() < found["effective_sample_size"][0] < seen.sum()


def test_a_recalibrated_logit_is_moved_by_the_logarithm() -> None:
    found = recalibrated_logit(floats([0.0, -np.inf, np.inf, np.nan]), 0.5)
    assert found[:3].tolist() == [-np.log(2.0), -np.inf, np.inf]
    assert np.isnan(found[3])
