"""What metrics have to do with each other, within what the errors of their sums allow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from tests import strategies
from tests.udfs.references.binary import REFERENCES, exact, value_and_bound
from tests.udfs.rows.binary import OPTIONS, Rows, metrics_of_rows, rows_of, sums_of
from udfs.exact.decimals import UNITS
from udfs.examples.products import product_examples
from udfs.measures.baselines import constant_baseline

law = settings(max_examples=40)


def allowed(rows: Rows, *names: str) -> float:
    """The sum of these metrics' errors."""
    return sum(value_and_bound(REFERENCES[name], exact(rows))[1] for name in names)


@law
@given(
    label=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9),
    score=st.floats(2.0**-30, 1.0 - 2.0**-30),
)
def test_log_loss_is_the_cross_entropy_of_labels_and_scores(label: list[float], score: float) -> None:
    rows = rows_of(label, np.full(len(label), score))
    entropies = constant_baseline(rows.label, 1.0 - rows.label, rows.score)
    assert metrics_of_rows(rows)["log_loss"][0] == pytest.approx(entropies.mean(), rel=1e-13, abs=1e-15)


@law
@given(rows=strategies.rows())
def test_relative_cross_entropy_is_the_information_gain_in_percent(rows: Rows) -> None:
    found = metrics_of_rows(rows)
    (percent, reason), (gain, other) = found["relative_cross_entropy"], found["relative_information_gain"]
    assert reason == other
    assert reason is not None or percent == 100.0 * gain


@law
@given(rows=strategies.rows())
def test_the_bias_is_the_mean_score_without_the_base_rate(rows: Rows) -> None:
    found, names = metrics_of_rows(rows), ("calibration_bias", "mean_score", "base_rate")
    bias, score, rate = (found[name][0] for name in names)
    assert abs(bias - (score - rate)) <= allowed(rows, *names)


@law
@given(rows=strategies.rows())
def test_the_logarithm_of_calibration_has_the_sign_of_the_bias(rows: Rows) -> None:
    found = metrics_of_rows(rows)
    (log, reason), bias = found["log_calibration"], found["calibration_bias"][0]
    assert reason is not None or abs(bias) < 1e-12 or np.sign(log) == np.sign(bias)


@law
@given(positives=st.integers(1, 40), negatives=st.integers(1, 40), score=st.floats(0.01, 0.99))
def test_a_constant_score_is_only_miscalibrated(positives: int, negatives: int, score: float) -> None:
    size = positives + negatives
    rows = rows_of(np.arange(size) < positives, np.full(size, score))
    found = metrics_of_rows(rows)
    assert abs(found["calibration_free_normalized_entropy"][0] - 1.0) <= 1e-12
    assert found["normalized_entropy"][0] >= 1.0 - 1e-12
    assert found["tjur_r2"][0] == pytest.approx(0.0, abs=1e-14)
    assert found["tjur_ratio"][0] == pytest.approx(1.0, rel=1e-14)


@law
@given(rows=strategies.rows(label=strategies.hard_labels))
def test_calibration_in_the_large_is_all_that_is_taken_out(rows: Rows) -> None:
    found = metrics_of_rows(rows)
    names = ("normalized_entropy", "calibration_free_normalized_entropy", "kl_calibration", "label_entropy")
    (whole, reason), (free, _), (divergence, unfit), (entropy, _) = (found[name] for name in names)
    if reason is None and unfit is None:
        assert free <= whole
        assert whole - free == pytest.approx(divergence / entropy, rel=1e-9, abs=1e-12 * whole)


@law
@given(rows=strategies.rows())
def test_the_effective_sample_size_is_between_1_and_the_rows_that_weigh(rows: Rows) -> None:
    size, reason = metrics_of_rows(rows)["effective_sample_size"]
    weighing = (rows.weight > 0).sum()
    error = allowed(rows, "effective_sample_size")
    assert reason is None
    assert mp.isinf(error) or 1.0 - error <= size <= weighing + error
    equal = metrics_of_rows(rows.weighing(np.full(rows.label.size, 4.0)))["effective_sample_size"]
    assert equal == (rows.label.size, None)


@law
@given(rows=strategies.rows())
def test_an_ipw_loss_of_rows_of_weight_1_is_the_log_loss(rows: Rows) -> None:
    found = metrics_of_rows(rows.weighing(np.ones(rows.label.size)))
    assert found["inverse_propensity_log_loss"] == found["log_loss"]


@law
@given(rows=strategies.rows(label=strategies.hard_labels))
def test_the_absolute_error_of_hard_labels_is_made_of_scores(rows: Rows) -> None:
    sums = {name: units / UNITS for name, units in sums_of(rows, OPTIONS).items()}
    assert sums["positive_score_sum"] + sums["negative_score_sum"] == pytest.approx(
        sums["score_sum"], rel=1e-12, abs=1e-13
    )
    expected = sums["positive_weight"] - sums["positive_score_sum"] + sums["negative_score_sum"]
    assert sums["absolute_error"] == pytest.approx(expected, rel=1e-12, abs=1e-12 * sums["weight"] + 1e-13)


@law
@given(
    rows=st.lists(st.tuples(strategies.logits, strategies.logits), min_size=1, max_size=6),
    order=st.permutations([0, 1]),
)
def test_the_order_of_two_factors_does_not_matter(rows: list[tuple[float, float]], order: list[int]) -> None:
    factors = list(np.array(rows).T)
    ones = np.ones(len(rows))
    one, other = (
        product_examples(0.5 * ones, ones, [factors[i] for i in each], ["logit"] * 2) for each in ([0, 1], order)
    )
    for name in one.keys() - {"complement"}:
        assert one[name].tobytes() == other[name].tobytes(), name
    assert one["complement"] == pytest.approx(other["complement"], rel=1e-15, abs=0)
