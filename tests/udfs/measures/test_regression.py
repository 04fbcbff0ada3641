"""Metrics of value prediction: references, scikit-learn, laws, and the range that sums allow."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp
from sklearn import metrics as sklearn_metrics

from tests import strategies
from tests.udfs.references.binary import value_and_bound
from tests.udfs.references.regression import REFERENCES, exact_values
from tests.udfs.rows.regression import metrics_of_values, sums_of_values
from udfs.catalog import metrics_of
from udfs.exact.arrays import FloatArray
from udfs.examples.binary import regression_examples
from udfs.kinds import KINDS

values = st.sampled_from([0.0, -0.0, 1.0, -2.5, 1e4]) | st.floats(-1000.0, 1000.0)
rows = st.lists(st.tuples(values, values, strategies.sizeable_weights), min_size=1, max_size=10)


def columns(drawn: list[tuple[float, float, float]]) -> list[FloatArray]:
    found = list(np.array(drawn, dtype=np.float64).T)
    assume(found[2].any())
    return found


def test_every_metric_has_a_reference() -> None:
    assert set(REFERENCES) == set(metrics_of("regression"))


@given(drawn=rows)
def test_metrics_are_their_references(drawn: list[tuple[float, float, float]]) -> None:
    label, score, weight = columns(drawn)
    e = exact_values(label, score, weight)
    for name, (found, reason) in metrics_of_values(label, score, weight).items():
        expected, bound = value_and_bound(REFERENCES[name], e)
        if expected is None:
            assert reason in ("labels_sum_to_zero", "constant_label"), name
        else:
            assert mp.isinf(bound) or (reason is None and abs(found - expected) <= bound), name


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("mean_squared_error", sklearn_metrics.mean_squared_error),
        ("root_mean_squared_error", sklearn_metrics.root_mean_squared_error),
        ("mean_absolute_error", sklearn_metrics.mean_absolute_error),
        ("r2_score", sklearn_metrics.r2_score),
    ],
)
def test_metrics_equal_those_of_scikit_learn(name: str, reference: Callable[..., float]) -> None:
    rng = np.random.default_rng(1)
    label, weight = rng.lognormal(0.0, 2.0, 3000), rng.exponential(2.0, 3000)
    score = label * rng.lognormal(0.0, 0.5, 3000) - 0.1
    found = metrics_of_values(label, score, weight)[name]
    assert found == (pytest.approx(reference(label, score, sample_weight=weight), rel=1e-12), None)


@given(drawn=rows)
def test_mirrored_values_have_the_same_errors(drawn: list[tuple[float, float, float]]) -> None:
    label, score, weight = columns(drawn)
    one, other = metrics_of_values(label, score, weight), metrics_of_values(-label, -score, weight)
    for name, (value, reason) in one.items():
        assert other[name][1] == reason, name
        assert abs(other[name][0]) == abs(value) or reason, name


def test_rows_that_do_not_count() -> None:
    nan = np.nan
    label, weight, score = (np.array(x) for x in ([1.0, nan, 2.0, 3.0], [1.0, 1.0, 1.0, nan], [1.5, 1.0, nan, 1.0]))
    examples = regression_examples(label, weight, score)
    assert examples.keys() == KINDS["regression"].columns
    found = sums_of_values(label, score, weight)
    assert (found["n"], found["unscored"]) == (10**15, 2 * 10**15)
    assert found | {"unscored": 0, "unscored_weight": 0} == sums_of_values([1.0], [1.5])


def test_undefined_is_not_zero() -> None:
    assert {reason for _, reason in metrics_of_values([1.0, 2.0], [1.0, 2.0], [0.0, 0.0]).values()} == {"no_weight"}
    found = metrics_of_values([-1.0, 1.0], [1.0, 1.0])
    assert found["predicted_over_actual"][1] == "labels_sum_to_zero"
    assert found["r2_score"] == (-1.0, None)
    # One part in ten thousand of its size is spread that sums cannot tell well; a thousandth they can.
    assert metrics_of_values([1e4, 1e4 + 1.0], [1e4, 1e4])["r2_score"][1] == "constant_label"
    assert metrics_of_values([1e3, 1e3 + 10.0], [1e3, 1e3])["r2_score"] == (pytest.approx(-1.0, rel=1e-9), None)
