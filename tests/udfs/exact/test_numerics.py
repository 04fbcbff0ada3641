"""Ratios, entropies and divergences: trusted values, borders and laws."""

import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.exact.numerics import (
    binary_entropy,
    class_entropy,
    g,
    kl,
    kl_classes,
    ratio,
    row_sums,
    xlog1py,
    xlogy,
)
from udfs.measures.baselines import constant_baseline

REFERENCES = Path(__file__).parents[4] / "shared" / "reference_values.json"
INF, NAN = np.inf, np.nan
probabilities = st.floats(0, 1)


def cross_entropy(q, p):
    return constant_baseline(q, 1.0 - q, p)


def cases(metric: str) -> list:
    if not REFERENCES.is_file():
        reason = pytest.mark.skip(reason=f"no reference values in {REFERENCES}")
        return [pytest.param({}, id=metric, marks=reason)]
    found = [case for case in json.loads(REFERENCES.read_text())["cases"] if case["metric"] == metric]
    assert found, metric
    return [pytest.param(case, id=case["id"]) for case in found]


def one(x: float) -> np.ndarray:
    return np.array([x], dtype=np.float64)


def assert_close(found: np.ndarray, expected: dict, rtol: float) -> None:
    np.testing.assert_allclose(found, [expected["f"]], rtol=rtol, atol=0)


@pytest.mark.parametrize("case", cases("binary_kl"))
def test_binary_kl_is_that_of_the_reference(case):
    q, p = one(case["in"]["q"]), one(case["in"]["p"])
    assert_close(kl(q, p), case["out"]["KL"], case["rtol"])
    assert_close(binary_entropy(q, 1.0 - q) + kl(q, p), case["out"]["CE"], case["rtol"])
    assert_close(binary_entropy(q, 1.0 - q), case["out"]["H"], case["rtol"])


@pytest.mark.parametrize("case", cases("kl"))
def test_kl_of_classes_is_that_of_the_reference(case):
    q, p = np.array([case["in"]["q"]]), np.array([case["in"]["p"]])
    assert_close(kl_classes(q, p), case["out"]["KL"], case["rtol"])
    assert_close(kl_classes(p, q), case["out"]["KL_reversed"], case["rtol"])


@pytest.mark.parametrize("case", cases("binary_entropy"))
def test_entropy_is_that_of_the_reference(case):
    q = one(case["in"]["q"])
    assert_close(binary_entropy(q, 1.0 - q), case["out"]["nats"], case["rtol"])


@pytest.mark.parametrize("case", cases("binary_entropy_counts"))
def test_entropy_of_counts_is_that_of_the_reference(case):
    assert_close(binary_entropy(one(case["in"]["pos"]), one(case["in"]["neg"])), case["out"]["nats"], case["rtol"])


def exact_kl(q: float, p: float) -> float:
    with mpmath.workdps(700):
        pairs = [(mpmath.mpf(q), mpmath.mpf(p)), (1 - mpmath.mpf(q), 1 - mpmath.mpf(p))]
        return float(sum(a * mpmath.log(a / b) for a, b in pairs if a))


@given(q=probabilities, p=st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_kl_is_right_everywhere(q, p):
    np.testing.assert_allclose(kl(one(q), one(p)), [exact_kl(q, p)], rtol=1e-14, atol=1e-307)


@given(q=st.floats(1e-9, 1 - 1e-9), step=st.floats(-0.5, 0.5), scale=st.integers(0, 9))
def test_kl_keeps_its_digits_where_the_two_are_close(q, step, scale):
    p = q + min(q, 1 - q) * step * 10.0**-scale
    np.testing.assert_allclose(kl(one(q), one(p)), [exact_kl(q, p)], rtol=1e-14, atol=0)


@given(q=probabilities, p=probabilities)
def test_kl_is_never_negative_and_0_where_both_are_equal(q, p):
    assert kl(one(q), one(p))[0] >= 0
    assert kl(one(q), one(q))[0] == 0
    assert abs(p - q) < 1e-150 or kl(one(q), one(p))[0] > 0


def test_kl_at_the_ends():
    q = np.array([0.0, 0.0, 0.5, 0.5, 1.0, 1.0, NAN, 0.5])
    p = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.5, NAN])
    np.testing.assert_array_equal(kl(q, p), [0, INF, INF, INF, INF, 0, NAN, NAN])


def test_kl_of_a_model_that_is_almost_0_is_finite():
    np.testing.assert_allclose(kl(one(0.5), one(1e-20)), [exact_kl(0.5, 1e-20)], rtol=1e-14)


@given(q=st.floats(0, 1), p=st.floats(1e-300, 0.9))
def test_two_classes_are_the_binary_case(q, p):
    found = kl_classes(np.array([[q, 1 - q]]), np.array([[p, 1 - p]]))
    # Only the binary form knows p - q for the second class, so small divergences differ.
    np.testing.assert_allclose(found, kl(one(q), one(p)), rtol=1e-9, atol=1e-15)


def test_classes_that_do_not_occur_cost_their_share():
    q, p = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.0, 1.0]])
    np.testing.assert_allclose(kl_classes(q, p), [np.log(2), INF], rtol=1e-15)


def test_kl_of_classes_does_not_depend_on_the_layout():
    q, p = np.random.default_rng(0).dirichlet(np.ones(50), (2, 20))
    np.testing.assert_array_equal(kl_classes(np.asfortranarray(q), np.asfortranarray(p)), kl_classes(q, p))


@given(x=st.floats(-1, 1e300, exclude_min=True))
def test_g_is_right_everywhere(x):
    with mpmath.workdps(700):
        expected = float(mpmath.mpf(x) - mpmath.log1p(mpmath.mpf(x)))
    np.testing.assert_allclose(g(one(x)), [expected], rtol=3e-15, atol=1e-307)


def test_g_at_the_ends():
    np.testing.assert_array_equal(g(np.array([-2.0, -1.0, 0.0, INF, NAN])), [NAN, INF, 0, INF, NAN])


@given(positive=st.floats(0, 1e22), negative=st.floats(0, 1e22))
def test_entropy_is_symmetric_and_bounded(positive, negative):
    entropy = binary_entropy(one(positive), one(negative))[0]
    if positive + negative == 0:
        assert np.isnan(entropy)
    else:
        assert 0 <= entropy <= np.log(2) * (1 + 1e-15)
        assert entropy == binary_entropy(one(negative), one(positive))[0]


def test_entropy_of_one_class_is_plain_0():
    entropy = binary_entropy(np.array([3.0, 0.0, 0.0]), np.array([0.0, 3.0, 0.0]))
    np.testing.assert_array_equal(entropy, [0, 0, NAN])
    assert not np.signbit(entropy[:2]).any()


def test_entropy_of_rare_positives_keeps_its_digits():
    with mpmath.workdps(60):
        q = mpmath.mpf(1) / (mpmath.mpf(10) ** 12 + 1)
        expected = float(-q * mpmath.log(q) - (1 - q) * mpmath.log(1 - q))
    np.testing.assert_allclose(binary_entropy(one(1), one(1e12)), [expected], rtol=1e-15)


def test_products_with_logarithms():
    x, y = np.array([0.0, 0.0, 2.0, 2.0, 0.0, NAN]), np.array([0.0, INF, 1.0, 0.0, NAN, 1.0])
    np.testing.assert_array_equal(xlogy(x, y), [0, 0, 0, -INF, NAN, NAN])
    np.testing.assert_array_equal(xlog1py(x, y - 1.0), [0, 0, 0, -INF, NAN, NAN])


def test_a_ratio_over_0_is_undefined():
    found = ratio(np.array([1.0, 0.0, 1.0, 1e300, NAN]), np.array([4.0, 0.0, -0.0, 1e-300, 1.0]))
    np.testing.assert_array_equal(found, [0.25, NAN, NAN, INF, NAN])


def test_the_entropy_of_two_classes_has_the_bits_of_the_binary_one() -> None:
    rng = np.random.default_rng(3)
    positive, negative = rng.exponential(1.0, 500), rng.exponential(1e-3, 500)
    positive[:3], negative[:3] = [0, 0, 1], [0, 1, 0]
    expected = binary_entropy(positive, negative)
    np.testing.assert_array_equal(class_entropy(np.column_stack([positive, negative])), expected)
    np.testing.assert_array_equal(class_entropy(np.column_stack([negative, positive])), expected)


@pytest.mark.parametrize("rest", [1e-40, 1e-20, 1e-9, 0.1, 1.0, 1e9])
def test_the_entropy_of_shares_has_all_its_digits(rest: float) -> None:
    weights = [1.0, rest, 2.0 * rest, 0.0, 5.0 * rest]
    found = class_entropy(np.array([weights]))[0]
    with mpmath.workdps(60):
        shares = [mpmath.mpf(w) / mpmath.fsum(weights) for w in weights if w]
        expected = mpmath.fsum(-share * mpmath.log(share) for share in shares)
        assert abs(found / expected - 1) < 4e-15


def test_rows_are_added_in_the_order_of_the_columns() -> None:
    terms = np.random.default_rng(6).exponential(1.0, (50, 9))
    expected = [float(np.cumsum(row)[-1]) for row in terms]
    assert row_sums(terms).tolist() == row_sums(np.asfortranarray(terms)).tolist() == expected
