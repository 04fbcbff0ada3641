"""Laws of groups of candidates: nothing depends on the batch they come in, nor on the order of their rows."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.measures.test_candidates import STATISTICS, slates
from tests.udfs.rows.candidates import OPTIONS, Slate, metrics, slate, sums, terms, unrounded
from tests.udfs.rows.kinds import nonlinear
from udfs.catalog import columns_of
from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import softplus
from udfs.exact.units import TERM_LIMIT
from udfs.examples.ties import Ties
from udfs.measures.groups import listwise

law = settings(max_examples=40)
anything = st.sampled_from(["logit", "probability"]).flatmap(lambda scale: st.tuples(slates(scale), st.just(scale)))
COLUMNS = columns_of("candidates", OPTIONS)


def assert_same_terms(found: dict[str, FloatArray], expected: dict[str, FloatArray]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].tolist() == values.tolist(), name


def of(found: dict[str, FloatArray], group: int) -> dict[str, FloatArray]:
    return {name: values[group : group + 1] for name, values in found.items()}


@law
@given(drawn=anything)
def test_a_group_has_the_same_bits_in_any_batch(drawn: tuple[list[Slate], str]) -> None:
    found, scale = drawn
    together = terms(found, scale)
    for number, one in enumerate(found):
        assert_same_terms(of(together, number), terms([one], scale))
        assert_same_terms(of(terms([one, *found], scale), 0), of(together, number))


@pytest.mark.parametrize("pairs", [1, 7, 50, 2**20])
def test_pairs_in_parts_have_the_same_bits(monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    rng = np.random.default_rng(2)
    found = [slate(rng.random(size) < 0.4, rng.normal(size=size)) for size in (1, 30, 2, 17, 9)]
    expected = []
    for one in found:
        label, score = np.array(one.label), np.array(one.score)
        gap = score.max() - score
        losses = [softplus(gap[i] - gap[label == 0.0]).cumsum()[-1:].sum() for i in np.flatnonzero(label)]
        expected.append(float(np.cumsum([0.0, *losses])[-1]) / max(label.sum() * (1.0 - label).sum(), 1.0))
    monkeypatch.setattr(listwise, "PAIRS", pairs)
    assert terms(found)["pairwise_logistic_nll"].tolist() == expected


@law
@given(drawn=anything, data=st.data())
def test_the_order_of_rows_does_not_matter(drawn: tuple[list[Slate], str], data: st.DataObject) -> None:
    found, scale = drawn
    permuted = [one.take(data.draw(st.permutations(range(len(one.label))))) for one in found]
    one, other = terms(found, scale), terms(permuted, scale)
    for name, values in one.items():
        if not COLUMNS[name].sequential:
            assert other[name].tolist() == values.tolist(), name
        np.testing.assert_allclose(other[name], values, rtol=1e-13, atol=1e-13, err_msg=name)


@law
@given(found=slates("logit"), shift=st.sampled_from([-(2.0**18), 1.0, 2.0**10]))
def test_a_shift_that_is_exact_changes_no_bit(found: list[Slate], shift: float) -> None:
    coarse = [slate(one.label, np.round(np.clip(one.score, -(2.0**17), 2.0**17) * 64.0) / 64.0) for one in found]
    assert_same_terms(terms([one.shifted(shift) for one in coarse]), terms(coarse))


@law
@given(found=slates("logit"), shift=st.floats(-1000.0, 1000.0))
def test_a_shift_changes_losses_by_its_rounding_alone(found: list[Slate], shift: float) -> None:
    small = [slate(one.label, np.clip(one.score, -50.0, 50.0)) for one in found]
    one, other = terms(small), terms([each.shifted(shift) for each in small])
    for name, statistic in STATISTICS.items():
        if statistic.unit == "nats":
            np.testing.assert_allclose(other[name], one[name], rtol=0, atol=1e-11, err_msg=name)


@law
@given(found=slates("probability"), times=st.integers(1, 4))
def test_a_weight_is_the_group_as_often(found: list[Slate], times: int) -> None:
    unit = [Slate(one.label, one.score) for one in found]
    weighed = unrounded([Slate(one.label, one.score, float(times)) for one in unit], "probability")
    repeated = unrounded(unit * times, "probability")
    for name, value in repeated.items():
        assert name in nonlinear("candidates") or weighed[name] == (
            value if value is None else pytest.approx(value, rel=1e-13)
        ), name


@pytest.mark.parametrize("column", ["label", "score", "weight"])
def test_a_group_with_a_nan_is_counted_and_in_no_sum(column: str) -> None:
    good = [slate([1, 0, 0], [0.1, 0.4, 0.3]), slate([0, 1], [0.5, 0.6], 3.0)]
    bad: dict[str, Any] = {"label": (1.0, 0.0), "score": (0.2, 0.1), "weight": 1.0}
    bad[column] = np.nan if column == "weight" else (bad[column][0], np.nan)
    found = sums([good[0], Slate(**bad), good[1]], "probability")
    assert found["unscored"] == 10**15
    assert found["unscored_weight"] == (0 if column == "weight" else 10**15)
    assert {**found, "unscored": 0, "unscored_weight": 0} == sums(good, "probability")


def test_terms_stay_in_their_range() -> None:
    far = float(np.nextafter(2.0**19, 0.0))
    label = [0.0, 1.0, 1.0, 0.0]
    found = [slate(label, [far, -far, -far, 0.0], weight) for weight in (1.0, 2.0**17)]
    found.append(slate(np.arange(300.0) % 3, np.zeros(300), 2.0**20 - 1))
    of_groups = terms(found)
    assert all(np.abs(values).max() < TERM_LIMIT for values in of_groups.values())
    assert of_groups["softmax_positive_nll"][0] == 2 * (far + far)
    with pytest.raises(ValueError, match="reject such rows first"):
        sums([slate(label, [far, -far, -far, 0.0], 2.0**19)])


@law
@given(drawn=anything)
def test_identities_of_the_losses(drawn: tuple[list[Slate], str]) -> None:
    found, scale = drawn
    binary = [slate(np.array(one.label) > 0.0, one.score, one.weight) for one in found]
    of_binary = terms(binary, scale)
    assert of_binary["listnet_nll"] == pytest.approx(of_binary["softmax_nll"], rel=1e-14)
    assert (of_binary["softmax_one_of_nll"] <= of_binary["softmax_nll"] * (1.0 + 1e-14) + 1e-14).all()
    assert (of_binary["softmax_each_nll"] <= of_binary["softmax_positive_nll"] * (1.0 + 1e-14) + 1e-14).all()
    alone = [slate(np.arange(len(one.label)) == 0, one.score, one.weight) for one in found]
    one_positive = terms(alone, scale)
    for name in ("softmax_positive_nll", "softmax_one_of_nll", "softmax_each_nll"):
        np.testing.assert_allclose(one_positive[name], one_positive["softmax_nll"], rtol=1e-12, atol=1e-300)


@law
@given(found=slates("logit"))
def test_equal_scores_are_the_uniform_baseline_and_half_an_auc(found: list[Slate]) -> None:
    equal = metrics([slate(one.label, np.full(len(one.label), 3.25)) for one in found])
    assert equal["softmax_cross_entropy"][1] == equal["uniform_softmax_cross_entropy"][1]
    if equal["softmax_cross_entropy"][1] is None:
        assert equal["softmax_cross_entropy"][0] == pytest.approx(equal["uniform_softmax_cross_entropy"][0], rel=1e-12)
    for name in ("grouped_auc", "grouped_auc_by_positives", "grouped_auc_by_group"):
        assert equal[name] == (0.5, None) or equal[name][1] == "single_class"


@law
@given(found=slates("logit"))
def test_the_auc_of_reversed_scores_is_the_rest_to_1(found: list[Slate]) -> None:
    one, other = terms(found), terms([slate(each.label, -np.array(each.score), each.weight) for each in found])
    np.testing.assert_allclose(one["auc_sum"] + other["auc_sum"], one["two_class_weight"], rtol=1e-15)


@law
@given(found=slates("logit"))
def test_the_order_by_label_is_the_best_one(found: list[Slate]) -> None:
    best = terms([slate(one.label, np.array(one.label) + np.arange(len(one.label)) * 1e-9) for one in found])
    for name in ("ndcg_sum", "ndcg_linear_sum"):
        for k in (1, 2, 3, 10):
            assert best[f"{name}_k{k}"].tolist() == best["weight_with_positive"].tolist()
    assert best["auc_sum"].tolist() == best["two_class_weight"].tolist()
    assert best["reciprocal_rank_sum"].tolist() == best["weight_with_positive"].tolist()


@law
@given(drawn=anything)
def test_more_places_find_no_fewer_positives(drawn: tuple[list[Slate], str]) -> None:
    of_groups = terms(drawn[0], drawn[1])
    for name in ("hit_weight", "recall_sum"):
        found = [of_groups[f"{name}_k{k}"] for k in (1, 2, 3, 10)]
        assert all((a <= b * (1 + 1e-15)).all() for a, b in pairwise(found))
        assert found[-1].tolist() == of_groups["weight_with_positive"].tolist()


def test_large_labels_have_gains_that_do_not_overflow() -> None:
    found = metrics([slate([5000.0, 4999.0, 0.0, 0.0], [0.0, 3.0, 2.0, 1.0])])
    # The gains are as 2 to 1, and the other two are too small to be seen.
    second, fourth = 1.0 / np.log2(3.0), 1.0 / np.log2(5.0)
    assert found["ndcg@10"][0] == pytest.approx((1.0 + 2.0 * fourth) / (2.0 + second), rel=1e-14)


@pytest.mark.parametrize("size", [1, 2, 5, 200])
def test_the_first_of_many_tied_positives_has_its_mean_rank(size: int) -> None:
    one_of_them = metrics([slate(np.arange(size) == size // 2, np.zeros(size))])
    assert one_of_them["mrr"][0] == pytest.approx(sum(1.0 / rank for rank in range(1, size + 1)) / size, rel=1e-14)
    assert one_of_them["hit_rate@2"][0] == pytest.approx(min(1.0, 2.0 / size), rel=1e-13)


def rows_of(groups: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(len(groups)), groups), np.cumsum([0, *groups])


def test_ties_are_ranked_within_their_group() -> None:
    of_row, starts = rows_of([4, 1, 3])
    ties = Ties.of(np.array([0.0, 2.0, -0.0, 2.0, 7.0, -np.inf, np.inf, -np.inf]), of_row, starts)
    assert ties.row.tolist() == [1, 3, 0, 2, 4, 6, 5, 7]
    assert ties.tie.tolist() == [0, 0, 1, 1, 2, 3, 4, 4]
    assert ties.group.tolist() == [0, 0, 1, 2, 2]
    assert ties.above.tolist() == [0, 2, 0, 0, 1]
    assert ties.size.tolist() == [2, 2, 1, 1, 2]
    assert ties.before(ties.size).tolist() == ties.above.tolist()
