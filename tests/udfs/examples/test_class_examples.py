"""The columns of multi-class examples, their ties and their borders."""

import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.typing import ArrayLike

from tests.udfs.rows.classes import class_rows, class_sums, class_terms
from udfs.catalog import statistics_of
from udfs.exact.kernels import NATIVE, STRICT, softplus
from udfs.exact.units import TERM_LIMIT, WEIGHT_LIMIT
from udfs.examples.binary import Examples
from udfs.examples.classes import CLASS_COLUMNS, CLASS_LOGIT_LIMIT, class_examples, of_each_class
from udfs.kinds import KINDS

mp.dps = 60


def made(label: ArrayLike, scores: ArrayLike, scale: str = "probability") -> Examples:
    rows = class_rows(label, scores, scale=scale)
    return class_examples(rows.label, rows.weight, rows.scores, rows.scale)


def test_the_columns_are_those_that_statistics_may_read() -> None:
    for scale in ("probability", "logit"):
        found = made([0, 1], [[0.25, 0.75], [0.5, 0.5]], scale)
        assert found.keys() == KINDS["multiclass"].columns | {"label", "class_scores"}
        assert {frozenset(each) for each in of_each_class(found)} == {CLASS_COLUMNS}
    read = {name for statistic in statistics_of("multiclass").values() for name in statistic.inputs}
    assert read == KINDS["multiclass"].columns


def test_the_arguments_are_not_written_into() -> None:
    rows = class_rows([0, np.nan, 1], [[np.inf, 1, 2], [0, 1, 2], [np.nan, 0, 1]], scale="logit")
    copies = [each.copy() for each in (rows.label, rows.weight, rows.scores)]
    class_sums(rows)
    for each, copy in zip((rows.label, rows.weight, rows.scores), copies, strict=True):
        np.testing.assert_array_equal(each, copy)


@pytest.mark.parametrize("label", [3.0, -1.0, 0.5, np.inf])
def test_a_label_that_is_no_class_is_an_error(label: float) -> None:
    with pytest.raises(ValueError, match=r"^label (3|-1|0\.5|inf) is none of the 3 classes from 0: reject such rows"):
        made([0, label], [[0.2, 0.3, 0.5]] * 2)


def test_sums_other_than_1_are_counted_and_used_as_they_are() -> None:
    rows = class_rows([0, 1, 2], [[0.1, 0.1, 0.1], [0.5, 0.500002, 0.0], [0.5, 0.4999995, 0.0]])
    assert class_terms(rows)["unnormalised"].tolist() == [1.0, 1.0, 0.0]
    assert class_terms(rows)["class_nll"][0] == pytest.approx(np.log(10))
    assert class_terms(class_rows([0], [[0.1, 0.1, 0.1]], scale="logit"))["unnormalised"] == [0.0]


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda x: x[:, ::-1].copy()[:, ::-1]])
@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_the_layout_of_the_scores_changes_no_bit(layout, scale: str) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    scores, label = rng.dirichlet(np.ones(7), 500), rng.dirichlet(np.ones(7), 500)
    expected, found = (class_terms(class_rows(label, each, scale=scale)) for each in (scores, layout(scores)))
    for name, terms in expected.items():
        assert found[name].tobytes() == terms.tobytes(), name


def test_only_the_difference_of_logits_counts() -> None:
    scores = np.random.default_rng(4).integers(-30, 30, (300, 5)).astype(np.float64)
    label = np.arange(300) % 5
    expected = class_sums(class_rows(label, scores, scale="logit"))
    for shift in (-(2.0**17), 1.0, 2.0**17):
        assert class_sums(class_rows(label, scores + shift, scale="logit")) == expected


@pytest.mark.parametrize(
    ("logits", "label", "loss"),
    [
        ([50.0, 0.0, 0.0], 0, 2 * mp.exp(-50)),  # lse − s would be 0
        ([0.0, 0.0, -700.0], 1, mp.log1p(1 + mp.exp(-700))),
        ([-745.0, 5.0, 5.0], 0, 750 + mp.log(2)),
        ([1e-300, -1e-300], 0, mp.log(2)),
        ([3.0, -np.inf, 3.0], 0, mp.log(2)),
        ([0.0, -2.0, 1.0, 1.5], 3, mp.log1p(mp.exp(-1.5) + mp.exp(-3.5) + mp.exp(-0.5))),
    ],
)
def test_the_loss_of_logits_has_all_its_digits(logits: list[float], label: int, loss: mpf) -> None:
    found = class_terms(class_rows([label], [logits], scale="logit"))["class_nll"][0]
    assert abs(mpf(found) / loss - 1) < 1e-15


def test_thousands_of_classes_keep_13_digits() -> None:
    scores = np.random.default_rng(0).normal(0.0, 4.0, (6, 3000))
    label = [int(row.argmax()) if i % 2 else i for i, row in enumerate(scores)]
    found = class_terms(class_rows(label, scores, scale="logit"))["class_nll"]
    for loss, row, own in zip(found, scores, label, strict=True):
        expected = mp.log1p(mp.fsum(mp.exp(mpf(s) - mpf(row[own])) for j, s in enumerate(row) if j != own))
        assert abs(mpf(loss) / expected - 1) < 1e-13


def test_infinite_logits_are_hard() -> None:
    inf = np.inf
    scores = [[inf, 1, 2], [inf, 1, 2], [-inf, 0, -inf], [-inf, 0, 1], [inf, -inf, 0]]
    rows = class_rows([0, 2, 1, 0, 1], scores, scale="logit")
    found = class_terms(rows)
    assert found["hard_right_weight"].tolist() == [1, 0, 1, 0, 0]
    assert found["hard_wrong_weight"].tolist() == [0, 1, 0, 1, 1]
    assert found["class_nll"].tolist() == [0.0] * 5
    assert found["class_squared_error"][:3].tolist() == [0.0, 2.0, 0.0]
    # The scores themselves are ranked: beside one of +inf, 2 still is more than 1.
    assert found["top_correct_weight_at_2"].tolist() == [1, 1, 1, 0, 0]


def test_a_logit_too_small_for_a_probability_is_not_hard() -> None:
    found = class_terms(class_rows([1, 0], [[1000.0, 0.0], [1000.0, 0.0]], scale="logit"))
    assert found["class_nll"].tolist() == [1000.0, 0.0]
    assert found["hard_wrong_weight"].tolist() == found["hard_right_weight"].tolist() == [0.0, 0.0]


def test_no_term_of_a_row_in_range_reaches_the_limit_of_terms() -> None:
    far, weight = np.nextafter(CLASS_LOGIT_LIMIT, 0.0), np.nextafter(WEIGHT_LIMIT, 0.0)
    scores = np.full((1, 5000), far)
    scores[0, 0] = -far
    found = class_terms(class_rows([0], scores, [weight], "logit"))
    del found["squared_weight"]
    assert found.pop("class_squared_nll")[0] < TERM_LIMIT
    assert max(terms[0] for terms in found.values()) == found["class_nll"][0] < TERM_LIMIT / 1.9
    class_sums(class_rows([0], scores, [weight], "logit"))


def test_the_native_kernel_is_close_to_the_strict_one() -> None:
    scores = np.random.default_rng(1).normal(0.0, 3.0, (100, 4))
    label, weight = np.arange(100.0) % 4, np.ones(100)
    for scale, given in (("logit", scores), ("probability", np.abs(scores) / 20.0)):
        strict = class_examples(label, weight, given, scale)
        for name, values in class_examples(label, weight, given, scale, kernel=NATIVE).items():
            np.testing.assert_allclose(values, strict[name], rtol=1e-14, atol=1e-15)


def test_the_loss_of_a_probability_is_the_strict_logarithm() -> None:
    scores, label = np.random.default_rng(9).dirichlet(np.ones(3), 20_000), np.arange(20_000) % 3
    found = class_terms(class_rows(label, scores))["class_nll"]
    assert found.tobytes() == (-STRICT.log(scores[np.arange(20_000), label])).tobytes()


def test_two_logits_are_one() -> None:
    z = np.random.default_rng(9).normal(0.0, 20.0, 1000)
    found = class_terms(class_rows(np.ones(1000), np.column_stack([np.zeros(1000), z]), scale="logit"))
    assert found["class_nll"].tobytes() == softplus(-z).tobytes()


def test_a_constant_score_hits_by_chance() -> None:
    rows = class_rows(np.arange(12) % 4, np.full((12, 4), 0.25))
    sums = class_sums(rows)
    assert sums["correct_weight"] == 3 * 10**15
    assert sums["top_correct_weight_at_3"] == 9 * 10**15
