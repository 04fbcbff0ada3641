"""The worked examples of the seed documents, with the right values: some of the printed ones are wrong."""

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tests.udfs.rows.binary import OPTIONS, metrics_of_rows, rows_of
from tests.udfs.rows.classes import class_rows, metrics_of_class_rows
from udfs.exact.kernels import sigmoid, softplus

LABEL, SCORE = (0, 1, 1, 0), (0.1, 0.9, 0.8, 0.3)


def log_loss(label: Sequence[float], score: Sequence[float], scale: str = "probability") -> float:
    return metrics_of_rows(rows_of(label, score, scale=scale))["log_loss"][0]


def test_the_log_loss_of_four_rows() -> None:
    # Printed as 0.1642, three times, for scikit-learn and for Keras: that is neither.
    assert log_loss(LABEL, SCORE) == pytest.approx(0.197634881642148662, rel=1e-14)
    assert sklearn_metrics.log_loss(LABEL, SCORE) == pytest.approx(0.1976, abs=5e-5)


def test_the_printed_log_loss_is_that_of_another_score() -> None:
    # With a last score of 0.2 it is 0.16425, which is printed truncated; rounded it is 0.1643.
    assert log_loss(LABEL, (0.1, 0.9, 0.8, 0.2)) == pytest.approx(0.164252033486018022, rel=1e-14)
    assert f"{0.164252033486018022:.4f}" == "0.1643"


def test_the_categorical_cross_entropy_of_two_rows() -> None:
    # Printed as 0.2231, twice: that is the first row alone. Rows [.2, .8], class 1, and [.7, .3], class 0.
    assert log_loss((1, 0), (0.8, 0.3)) == pytest.approx(0.289909247626471, rel=1e-14)
    assert log_loss((1,), (0.8,)) == pytest.approx(0.2231, abs=5e-5)


def test_the_sparse_softmax_cross_entropy_of_three_logits() -> None:
    # Nothing is printed. Of [3, −3, −3], class 0, it is log1p(2e⁻⁶): the loss of one logit, 6 − ln 2.
    logit = 6.0 - np.log(2.0)
    assert log_loss((1,), (logit,), "logit") == pytest.approx(0.004945256391496, rel=1e-12)
    assert 1.0 / (1.0 + np.exp(-logit)) == pytest.approx(0.995066951, abs=5e-10)


def test_the_loss_of_signed_labels_is_that_of_logits() -> None:
    # ln(1 + exp(−y·s)) of y = ±1 is the log loss if s is the raw score, not a probability.
    sign, logit = np.array([1.0, -1.0, -1.0, 1.0]), np.array([0.3, 0.3, -4.6, -4.6])
    expected = softplus(-sign * logit).mean()
    assert log_loss(((sign + 1.0) / 2.0).tolist(), logit.tolist(), "logit") == pytest.approx(expected, rel=1e-14)


def test_the_loss_of_a_wrong_row_is_linear_in_its_logit() -> None:
    # Described as growing "like an exponential".
    losses = [log_loss((0,), (logit,), "logit") for logit in (100.0, 200.0, 400.0)]
    assert losses == [100.0, 200.0, 400.0]


def test_the_weighted_loss_divides_by_the_rows() -> None:
    # −1/N Σ [α y ln p + (1 − y) ln(1 − p)]: for unit weights Σ w is N, and not Σ of the class weights.
    found = metrics_of_rows(rows_of(LABEL, SCORE), {**OPTIONS, "alpha": 2.5})
    assert found["weighted_log_loss"][0] == pytest.approx(0.320823906756662, rel=1e-14)
    assert found["weighted_log_loss_balanced"][0] == pytest.approx(0.183327946718093, rel=1e-14)


def test_the_focal_loss_has_no_class_weight() -> None:
    found = metrics_of_rows(rows_of(LABEL, SCORE), {**OPTIONS, "gamma": 2.0})
    assert found["focal_loss"][0] == pytest.approx(0.010783424330052705, rel=1e-14)


def test_the_label_entropy_is_0_for_one_class_and_largest_at_one_half() -> None:
    entropy = [metrics_of_rows(rows_of([q], [0.5]))["label_entropy"][0] for q in (0.0, 0.4, 0.5, 0.6, 1.0)]
    assert entropy[0] == entropy[-1] == 0.0
    assert entropy[2] == pytest.approx(np.log(2.0), rel=1e-15)
    assert entropy[2] == max(entropy)


def test_cross_entropy_is_never_less_than_the_entropy() -> None:
    # Described as "generally" larger: it always is, and equal where the score is the base rate.
    found = [metrics_of_rows(rows_of([0.4], [score])) for score in (0.01, 0.39, 0.4, 0.41, 0.99)]
    gaps = [each["log_loss"][0] - each["label_entropy"][0] for each in found]
    assert gaps[2] == pytest.approx(0.0, abs=1e-15)
    assert min(gaps[:2] + gaps[3:]) > 0.0
    assert gaps == pytest.approx([each["kl_calibration"][0] for each in found], abs=1e-14)


def test_the_slope_of_the_loss_is_the_score_without_the_label() -> None:
    # Described as vanishing at extreme probabilities: at the wrong end it is 1.
    for label in (0.0, 0.25, 1.0):
        for logit in (-30.0, -2.0, 0.0, 1.5, 30.0):
            ahead, back = (log_loss((label,), (logit + step,), "logit") for step in (1e-4, -1e-4))
            assert (ahead - back) / 2e-4 == pytest.approx(sigmoid(np.array([logit]))[0] - label, abs=1e-8)


def test_the_focal_loss_is_not_least_at_the_base_rate() -> None:
    # Said to force a calibrated model, which log loss does, on average: it is least at the base rate.
    found = [metrics_of_rows(rows_of([0.1], [score])) for score in (0.09, 0.1, 0.11)]
    log_losses, focal_losses = ([each[name][0] for each in found] for name in ("log_loss", "focal_loss"))
    assert min(log_losses) == log_losses[1]
    assert min(focal_losses) == focal_losses[2]


def test_the_log_loss_of_scikit_learn_takes_many_classes() -> None:
    # Said to be for two classes. Rows [.5, .3, .2], class 0, [.1, .8, .1], class 1, and [.2, .2, .6], class 1.
    label, scores = (0, 1, 1), ((0.5, 0.3, 0.2), (0.1, 0.8, 0.1), (0.2, 0.2, 0.6))
    found = metrics_of_class_rows(class_rows(label, scores))["log_loss"][0]
    assert found == pytest.approx(-np.log(0.5 * 0.8 * 0.2) / 3.0, rel=1e-14)
    assert found == pytest.approx(sklearn_metrics.log_loss(label, scores, labels=[0, 1, 2]), rel=1e-14)
