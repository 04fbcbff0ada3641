"""A product of scores has losses with all their digits, and is hard only where its factors are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from tests import strategies
from udfs.catalog import statistics_of
from udfs.exact.arrays import FloatArray
from udfs.exact.units import LOGIT_LIMIT, TERM_LIMIT, WEIGHT_LIMIT
from udfs.examples.binary import Examples, binary_examples
from udfs.examples.products import product_examples
from udfs.kinds import KINDS

FACTORS = [
    pytest.param(("logit", "logit"), [(-5.0, -4.0), (40.0, 40.0), (800.0, -800.0), (-1e5, -4e5)], id="logits"),
    pytest.param(("logit", "logit"), [(800.0, 800.0), (720.0, 9000.0), (1e5, 36.0), (664.0, 665.0)], id="near 1"),
    pytest.param(("probability", "probability"), [(0.01, 0.02), (1e-200, 1e-200), (1 - 2**-53, 1.0)], id="shares"),
    pytest.param(("logit", "probability", "logit"), [(1.5, 0.25, -3.0), (500.0, 1.0, 700.0)], id="three"),
]


def exact_losses(factors: tuple[float, ...], scales: tuple[str, ...]) -> tuple[mpf, mpf]:
    """The losses −ln p and −ln(1 − p), with digits enough for a complement of e⁻⁵⁰⁰⁰⁰⁰."""
    with mp.workdps(60):
        near = [(mp.exp(-abs(mpf(z))), z > 0) for z in factors]
        logs = [
            (-mp.log1p(small) if high else -mp.log1p(small) - abs(mpf(z))) if scale == "logit" else mp.log(mpf(z))
            for (small, high), z, scale in zip(near, factors, scales, strict=True)
        ]
        total = -mp.fsum(logs)
        return total, -mp.log(-mp.expm1(-total))


def columns_of_rows(
    rows: list[tuple[float, ...]], scales: tuple[str, ...], label: float, weight: float = 1.0
) -> Examples:
    n = len(rows)
    return product_examples(np.full(n, label), np.full(n, weight), list(np.array(rows, dtype=np.float64).T), scales)


@pytest.mark.parametrize(("scales", "rows"), FACTORS)
@pytest.mark.parametrize("column", ["positive_loss", "negative_loss", "complement_loss"])
def test_all_losses_have_all_their_digits(column: str, scales: tuple[str, ...], rows: list[tuple[float, ...]]) -> None:
    found = columns_of_rows(rows, scales, 0.0 if column == "negative_loss" else 1.0)
    for value, factors in zip(found[column], rows, strict=True):
        expected = exact_losses(factors, scales)[column != "positive_loss"]
        assert abs(mpf(value) - expected) <= mpf("1e-14") * expected + mpf(2) ** -1074, factors
    assert not found["score_is_zero"].any()
    assert not found["score_is_one"].any()


def test_a_product_beyond_doubles_has_finite_losses() -> None:
    found = columns_of_rows([(-700.0, -700.0), (40.0, 40.0), (800.0, 800.0)], ("logit", "logit"), 0.5)
    assert found["score"].tolist() == [0.0, 1.0, 1.0]
    assert found["complement"][1] == pytest.approx(2 * np.exp(-40.0), rel=1e-14)
    assert np.isfinite(found["positive_loss"]).all()
    assert np.isfinite(found["negative_loss"]).all()


@pytest.mark.parametrize(
    ("scales", "factors", "zero", "one"),
    [
        (("probability", "probability"), (0.0, 0.5), 1.0, 0.0),
        (("probability", "probability"), (0.0, 1.0), 1.0, 0.0),
        (("logit", "probability"), (-np.inf, 1.0), 1.0, 0.0),
        (("logit", "probability"), (np.inf, 1.0), 0.0, 1.0),
        (("logit", "probability"), (np.inf, 0.5), 0.0, 0.0),
    ],
)
def test_a_row_is_hard_where_a_factor_is_0_or_all_are_1(
    scales: tuple[str, str], factors: tuple[float, float], zero: float, one: float
) -> None:
    found = columns_of_rows([factors], scales, 0.5)
    assert (found["score_is_zero"][0], found["score_is_one"][0]) == (zero, one)
    hard = zero or one
    losses = (found["positive_loss"][0], found["negative_loss"][0])
    assert losses == ((0.0, 0.0) if hard else pytest.approx((np.log(2), np.log(2)), rel=1e-15))
    assert found["score"][0] == (one if hard else 0.5)


pair = st.tuples(strategies.logits, strategies.probabilities)


@given(rows=st.lists(st.tuples(strategies.labels, strategies.any_weights, pair), min_size=1, max_size=8))
def test_the_columns_are_those_of_binary_examples_and_every_term_is_finite(
    rows: list[tuple[float, float, tuple[float, float]]],
) -> None:
    label, weight = (np.array([row[i] for row in rows], dtype=np.float64) for i in (0, 1))
    factors = [np.array([row[2][i] for row in rows], dtype=np.float64) for i in (0, 1)]
    found = product_examples(label, weight, factors, ("logit", "probability"))
    assert found.keys() == KINDS["binary"].columns
    assert found["score"] + found["complement"] == pytest.approx(np.ones(label.size), rel=1e-15)
    for statistic in statistics_of("binary").values():
        for choice in statistic.choices({"gamma": (0.0, 2.0, 0.5)}):
            terms = statistic.bound(choice).of(found)
            assert np.isfinite(terms).all(), statistic.name
            assert not terms[found["weight"] == 0.0].any() or statistic.counts


@given(rows=st.lists(st.tuples(strategies.labels, strategies.any_weights, strategies.logits), max_size=8))
def test_a_sure_factor_changes_nothing(rows: list[tuple[float, float, float]]) -> None:
    label, weight, logit = (np.array([row[i] for row in rows], dtype=np.float64) for i in range(3))
    one: FloatArray = np.ones(label.size)
    expected = binary_examples(label, weight, logit, "logit")
    found = product_examples(label, weight, [one, logit], ("probability", "logit"))
    scored = expected["scored"] == 1.0  # in the other rows the factors have ½ for a score
    of_ones, of_zeros = scored & (label > 0.0), scored & (label < 1.0)
    losses = {"positive_loss": of_ones, "negative_loss": of_zeros, "complement_loss": of_ones}
    for name in KINDS["binary"].columns - losses.keys():
        assert found[name][scored].tolist() == expected[name][scored].tolist(), name
    for name, part in losses.items():
        assert found[name][part] == pytest.approx(expected[name][part], rel=1e-14, abs=0), name


def test_a_factor_that_is_missing_makes_the_row_unusable() -> None:
    found = product_examples(np.array([1.0, np.nan]), np.ones(2), [np.full(2, np.nan), np.ones(2)], ("logit", "logit"))
    assert found["unusable"].tolist() == [1.0, 0.0]
    assert found["scored"].tolist() == found["weight"].tolist() == [0.0, 0.0]


def test_logits_below_their_limit_give_terms_below_theirs() -> None:
    logit, weight = np.nextafter(LOGIT_LIMIT, 0.0), np.nextafter(WEIGHT_LIMIT, 0.0)
    for sign in (1.0, -1.0):
        found = columns_of_rows([(sign * logit,) * 2], ("logit",) * 2, 0.5, weight)
        assert weight * max(found["positive_loss"][0], found["negative_loss"][0]) < TERM_LIMIT


def test_as_many_scales_as_scores_are_needed() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        product_examples(np.ones(1), np.ones(1), [np.ones(1), np.ones(1)], ["logit"])
