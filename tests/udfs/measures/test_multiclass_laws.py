"""Laws of the sums and the metrics of multi-class tasks."""

from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from tests import class_strategies, strategies
from tests.udfs.references.binary import value_and_bound
from tests.udfs.references.classes import CLASS_REFERENCES, exact_classes
from tests.udfs.rows.binary import metrics_of_rows, sums_of
from tests.udfs.rows.classes import (
    CLASS_OPTIONS,
    ClassRows,
    class_rows,
    class_sums,
    metrics_of_class_rows,
    sums_by_class,
)
from tests.udfs.rows.kinds import nonlinear
from udfs.catalog import columns_of
from udfs.exact.sums import exact_sum
from udfs.kinds import KINDS

law = settings(max_examples=40)
orders = st.permutations(range(4)).map(lambda order: {n: [k for k in order if k < n] for n in (2, 3, 4)})


def all_sums(rows: ClassRows) -> dict[str, int]:
    """The units of every sum, one name for each class of a class statistic."""
    by_class = {f"{name} {k}": unit for name, units in sums_by_class(rows).items() for k, unit in enumerate(units)}
    return {**class_sums(rows), **by_class}


def assert_same_metrics(rows: ClassRows, other: ClassRows, without: Collection[str] = ()) -> None:
    """The metrics of both are the same, within the bounds of both where the sums have digits to tell."""
    found, expected = metrics_of_class_rows(other), metrics_of_class_rows(rows)
    one, two = exact_classes(rows), exact_classes(other)
    for name, (value, reason) in expected.items():
        if name in without:
            continue
        (true, error), (_, other_error) = (value_and_bound(CLASS_REFERENCES[name], e) for e in (one, two))
        if true is None or not mp.isinf(error + other_error):
            assert found[name][1] == reason, name
            assert reason is not None or abs(found[name][0] - value) <= error + other_error, name


@law
@given(rows=class_strategies.class_rows(nan=True))
def test_a_row_that_cannot_be_used_is_counted_and_in_no_sum(rows: ClassRows) -> None:
    unusable = np.isnan(rows.weight) | np.isnan(rows.scores).any(axis=1)
    in_task = ~np.isnan(rows.label.reshape(rows.weight.size, -1)).any(axis=1)
    found = all_sums(rows)
    assert found["n"] == (in_task & ~unusable).sum() * 10**15
    assert found["unscored"] == (in_task & unusable).sum() * 10**15
    known = in_task & unusable & ~np.isnan(rows.weight)
    assert found["unscored_weight"] == exact_sum(rows.weight[known])
    assert found | {"unscored": 0, "unscored_weight": 0} == all_sums(rows.take(in_task & ~unusable))


@law
@given(rows=class_strategies.class_rows(weight=st.integers(0, 5).map(float)))
def test_a_weight_of_2_is_the_row_twice(rows: ClassRows) -> None:
    times = rows.weight.astype(np.int64)
    repeated = rows.take(np.repeat(np.arange(times.size), times))
    assert_same_metrics(rows, repeated.weighing(np.ones(times.sum())), without=nonlinear("multiclass"))


@law
@given(rows=class_strategies.class_rows(), orders=orders)
def test_the_order_of_the_classes_changes_nothing(rows: ClassRows, orders: dict[int, list[int]]) -> None:
    assert_same_metrics(rows, rows.relabelled(orders[rows.scores.shape[1]]))


@law
@given(rows=class_strategies.class_rows(soft=st.just(False)), orders=orders)
def test_what_adds_over_no_classes_has_the_same_bits_in_any_order_of_them(
    rows: ClassRows, orders: dict[int, list[int]]
) -> None:
    order = orders[rows.scores.shape[1]]
    one, other = class_sums(rows), class_sums(rows.relabelled(order))
    # The losses of logits are made by a softmax, which adds over the classes.
    of_softmax = KINDS["multiclass"].losses if rows.scale == "logit" else frozenset()
    for name, statistic in columns_of("multiclass", CLASS_OPTIONS).items():
        assert one[name] == other[name] or statistic.sequential or of_softmax & set(statistic.inputs), name
    by_class = sums_by_class(rows)["class_weight"]
    assert sums_by_class(rows.relabelled(order))["class_weight"] == [by_class[k] for k in order]


@law
@given(rows=class_strategies.class_rows(soft=st.just(False), nan=True))
def test_a_class_is_the_distribution_that_has_it_alone(rows: ClassRows) -> None:
    shares = (rows.label[:, None] == np.arange(rows.scores.shape[1])).astype(np.float64)
    shares[np.isnan(rows.label), 0] = np.nan
    assert all_sums(ClassRows(shares, rows.weight, rows.scores, rows.scale)) == all_sums(rows)


@law
@given(rows=class_strategies.class_rows())
def test_the_classes_add_up_to_the_weight(rows: ClassRows) -> None:
    weights, scores = (sum(sums_by_class(rows)[name]) for name in ("class_weight", "class_score_sum"))
    total = class_sums(rows)["weight"]
    room = rows.weight.size * 4 + total * 2.0**-49
    assert abs(weights - total) <= room
    assert rows.scale == "probability" or abs(scores - total) <= room


@law
@given(rows=strategies.rows(label=strategies.hard_labels, scales=st.just("logit")))
def test_logits_of_two_classes_give_the_bits_of_the_binary_loss(rows: strategies.Rows) -> None:
    finite = rows.take(np.isfinite(rows.score))
    scores = np.column_stack([np.zeros(finite.score.size), finite.score])
    binary, found = sums_of(finite), class_sums(class_rows(finite.label, scores, finite.weight, "logit"))
    assert found["class_nll"] == binary["positive_nll"] + binary["negative_nll"]


@law
@given(rows=strategies.rows(scales=st.just("logit")))
def test_two_classes_have_the_metrics_of_a_binary_task(rows: strategies.Rows) -> None:
    label = np.column_stack([1.0 - rows.label, rows.label])
    # Beside a logit of 0 one of ±inf is sure of a class.
    scores = np.column_stack([np.zeros(rows.score.size), rows.score])
    found, binary = metrics_of_class_rows(class_rows(label, scores, rows.weight, "logit")), metrics_of_rows(rows)
    for name in ("log_loss", "log_loss_total", "label_entropy", "normalized_entropy"):
        assert found[name][1] == binary[name][1]
        assert binary[name][1] or found[name][0] == pytest.approx(binary[name][0], rel=1e-11, abs=1e-12)
    assert found["brier_score"][0] == pytest.approx(2.0 * binary["brier_score"][0], rel=1e-11, abs=1e-12)
    assert found["kl_calibration"][0] == pytest.approx(binary["kl_calibration"][0], rel=1e-9, abs=1e-12)


@law
@given(rows=class_strategies.class_rows(), k=st.integers(1, 5))
def test_top_k_grows_with_k_from_accuracy_to_1(rows: ClassRows, k: int) -> None:
    found = metrics_of_class_rows(rows, {**CLASS_OPTIONS, "k": (1.0, float(k), float(k + 1), 4.0)})
    assert found["top_k_accuracy@1"] == found["accuracy"]
    assert found[f"top_k_accuracy@{k}"][0] <= found[f"top_k_accuracy@{k + 1}"][0]
    assert found["top_k_accuracy@4"][0] == pytest.approx(1.0, rel=1e-14)


@law
@given(rows=class_strategies.class_rows())
def test_the_divergence_is_never_negative(rows: ClassRows) -> None:
    assert metrics_of_class_rows(rows)["kl_calibration"][0] >= 0.0
