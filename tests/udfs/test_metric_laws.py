"""Laws and identities of metrics, within the bound that the errors of exact sums propagate to."""

from collections.abc import Collection, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from tests import strategies
from tests.udfs.references.binary import REFERENCES, exact, value_and_bound
from tests.udfs.rows.binary import OPTIONS, Rows, metrics_of_rows, rows_of
from tests.udfs.rows.kinds import nonlinear
from udfs.catalog import metrics_of, statistics_of
from udfs.kinds import KINDS

METRICS, STATISTICS = metrics_of("binary"), statistics_of("binary")
PRICED = {name for name, statistic in STATISTICS.items() if KINDS["binary"].losses & set(statistic.inputs)}
law = settings(max_examples=40)


def bounds(rows: Rows, *names: str) -> dict[str, mpf]:
    """How far these metrics may be from their true values; infinite where they have none, or no digits."""
    e = exact(rows)
    return {name: value_and_bound(REFERENCES[name], e)[1] for name in names}


def assert_same_metrics(rows: Rows, other: Rows, factors: dict[str, float], without: Collection[str] = ()) -> None:
    """The metrics of both are the same, those of `other` being `factors` times as large (1 if it names none)."""
    found, expected = metrics_of_rows(other), metrics_of_rows(rows)
    one, two = exact(rows), exact(other)
    for name in expected.keys() - without:
        value, reason = expected[name]
        factor = factors.get(name, 1.0)
        (true, error), (_, other_error) = (value_and_bound(REFERENCES[name], e) for e in (one, two))
        allowed = factor * error + other_error
        # At the border of a metric's domain either may be over it: there the sums have no digit to tell.
        if true is None or not mp.isinf(allowed):
            assert found[name][1] == reason, name
            assert reason is not None or abs(found[name][0] - factor * value) <= allowed, name


@law
@given(rows=strategies.rows(weight=st.integers(0, 5).map(float)))
def test_a_weight_of_2_is_the_row_twice(rows: Rows) -> None:
    times = rows.weight.astype(np.int64)
    repeated = rows.take(np.repeat(np.arange(times.size), times))
    assert_same_metrics(rows, repeated.weighing(np.ones(times.sum())), {}, without=nonlinear("binary"))


@law
@given(rows=strategies.rows(), factor=st.sampled_from([2.0**-8, 2.0**8]))
def test_the_scale_of_weights_changes_nothing_but_totals(rows: Rows, factor: float) -> None:
    factors = {name: factor**metric.weight_degree for name, metric in METRICS.items()}
    assert_same_metrics(rows, rows.weighing(rows.weight * factor), factors)


@law
@given(rows=strategies.rows())
def test_focal_loss_without_gamma_is_log_loss(rows: Rows) -> None:
    found = metrics_of_rows(rows, {**OPTIONS, "gamma": 0.0})
    assert found["focal_loss"] == found["log_loss"]


@law
@given(rows=strategies.rows())
def test_weighted_log_loss_with_alpha_1_is_log_loss(rows: Rows) -> None:
    found = metrics_of_rows(rows, {**OPTIONS, "alpha": 1.0})
    assert found["weighted_log_loss"] == found["log_loss"]
    one, other = found["weighted_log_loss_balanced"], found["log_loss"]
    assert abs(one[0] - other[0]) <= 2 * bounds(rows, "log_loss")["log_loss"]


@law
@given(rows=strategies.rows())
def test_a_mean_times_the_weight_is_the_total(rows: Rows) -> None:
    found, error = metrics_of_rows(rows), bounds(rows, "log_loss", "log_loss_total")
    weight = float(rows.weight.sum())
    allowed = error["log_loss_total"] + weight * error["log_loss"]
    assert abs(found["log_loss"][0] * weight - found["log_loss_total"][0]) <= allowed


@law
@given(rows=strategies.rows())
def test_the_divergence_is_never_negative(rows: Rows) -> None:
    assert metrics_of_rows(rows)["kl_calibration"][0] >= 0.0


@law
@given(rows=strategies.rows(label=strategies.soft_labels))
def test_the_divergence_from_the_labels_themselves_is_0(rows: Rows) -> None:
    found = metrics_of_rows(rows_of(rows.label, rows.label, rows.weight))
    assert found["kl_calibration"] == (0.0, None)
    assert found["brier_score"][0] <= 2.0**-100


@law
@given(rows=strategies.rows(label=strategies.hard_labels))
def test_information_gain_and_normalized_entropy_add_up_to_1(rows: Rows) -> None:
    found, error = metrics_of_rows(rows), bounds(rows, "normalized_entropy", "relative_information_gain")
    (one, reason), (other, other_reason) = found["normalized_entropy"], found["relative_information_gain"]
    assert reason == other_reason
    allowed = error["normalized_entropy"] + error["relative_information_gain"]
    assert reason is not None or abs(one + other - 1.0) <= allowed


@law
@given(weight=st.lists(st.floats(2.0**-6, 2.0**11), min_size=2, max_size=8), score=st.floats(2.0**-20, 1 - 2.0**-20))
def test_cross_entropy_of_a_constant_score_is_entropy_and_divergence(weight: Sequence[float], score: float) -> None:
    rows = rows_of(np.arange(len(weight)) % 2, np.full(len(weight), score), weight)
    names = ("log_loss", "label_entropy", "kl_calibration")
    found, error = metrics_of_rows(rows), bounds(rows, *names)
    cross_entropy, entropy, divergence = (found[name][0] for name in names)
    assert abs(cross_entropy - (entropy + divergence)) <= sum(error[name] for name in names)


@law
@given(positives=st.integers(1, 40), negatives=st.integers(1, 40))
def test_normalized_entropy_of_the_base_rate_is_1(positives: int, negatives: int) -> None:
    size = positives + negatives
    rows = rows_of(np.arange(size) < positives, np.full(size, positives / size))
    found, error = metrics_of_rows(rows), bounds(rows, "normalized_entropy")
    # The base rate is rounded to a double, which the loss notices in second order only.
    allowed = error["normalized_entropy"] + (2.0**-53) ** 2 * size**2
    assert abs(found["normalized_entropy"][0] - 1.0) <= allowed
    assert abs(found["relative_information_gain"][0]) <= allowed


@pytest.mark.parametrize("alpha", [0.1, 1.0, 5.0])
def test_the_least_weighted_log_loss_is_not_at_the_base_rate(alpha: float) -> None:
    base_rate, options = 0.01, {**OPTIONS, "alpha": alpha}
    best = alpha * base_rate / (alpha * base_rate + 1 - base_rate)
    scores = [best * (1 - 1e-4), best, best * (1 + 1e-4)]
    lower, least, upper = (
        metrics_of_rows(rows_of([base_rate], [score]), options)["weighted_log_loss"][0] for score in scores
    )
    assert least < min(lower, upper)


@law
@given(rows=strategies.rows(), clip=st.floats(0.0, 0.4))
def test_the_clip_is_for_hard_scores_alone(rows: Rows, clip: float) -> None:
    hard = [-np.inf, np.inf] if rows.scale == "logit" else [0.0, 1.0]
    without = rows.take(~np.isin(rows.score, hard))
    assert repr(metrics_of_rows(without, {**OPTIONS, "clip": clip})) == repr(metrics_of_rows(without))


@pytest.mark.parametrize(("label", "score"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.0), (0.5, 1.0)])
def test_without_a_clip_one_wrong_hard_score_is_infinitely_dear(label: float, score: float) -> None:
    rows = rows_of([0.0, 1.0, label], [0.3, 0.6, score])
    found = metrics_of_rows(rows, {**OPTIONS, "clip": 0.0})
    assert {name for name, (_, reason) in found.items() if reason == "infinite"} == {
        name for name, metric in METRICS.items() if PRICED & set(metric.inputs)
    }
    weightless = metrics_of_rows(rows.weighing([1.0, 1.0, 0.0]), {**OPTIONS, "clip": 0.0})
    assert {reason for _, reason in weightless.values()} == {None}
