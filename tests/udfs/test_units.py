"""The units of heavy weights and large values: how statistics scale, and that a unit brings every term into range."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import class_strategies, strategies
from tests.udfs.rows.binary import Rows
from tests.udfs.rows.candidates import OPTIONS, examples, slate
from tests.udfs.rows.classes import ClassRows
from udfs.catalog import columns_of, statistics_of
from udfs.exact.units import FARTHEST, HEAVIEST, TERM_LIMIT, WEIGHT_LIMIT, unit_below, value_unit, weight_unit
from udfs.examples.binary import binary_examples, regression_examples
from udfs.examples.classes import class_examples, of_each_class
from udfs.kinds import KINDS
from udfs.measure import Statistic

law = settings(max_examples=25)
powers = st.integers(0, 12).map(lambda power: 2.0**power)


def scales(statistics: Mapping[str, Statistic], one: Any, other: Any, weight: float, value: float = 1.0) -> None:
    """Every term of the other examples is as many times that of the one as the degrees of its statistic say."""
    for name, statistic in statistics.items():
        factor = weight**statistic.weight_degree * value**statistic.value_degree
        # Below the normal numbers a double has no digits to keep.
        assert (np.abs(factor * statistic.of(one) - statistic.of(other)) < 1e-300).all(), name


@law
@given(drawn=strategies.rows(), power=powers)
def test_binary_statistics_scale_with_the_weight(drawn: Rows, power: float) -> None:
    one, other = (binary_examples(drawn.label, drawn.weight * w, drawn.score, drawn.scale) for w in (1.0, power))
    scales(columns_of("binary", OPTIONS), one, other, power)


@law
@given(
    drawn=st.lists(st.tuples(*[st.floats(2.0**-10, 2.0**10)] * 3), min_size=1, max_size=9), power=powers, value=powers
)
def test_regression_statistics_scale_with_the_weight_and_the_value(
    drawn: list[tuple[float, float, float]], power: float, value: float
) -> None:
    label, weight, score = np.array(drawn).T
    one = regression_examples(label, weight, score)
    other = regression_examples(value * label, power * weight, value * score)
    scales(columns_of("regression", OPTIONS), one, other, power, value)


@law
@given(rows=class_strategies.class_rows(), power=powers)
def test_multiclass_statistics_scale_with_the_weight(rows: ClassRows, power: float) -> None:
    one, other = (class_examples(rows.label, rows.weight * w, rows.scores, rows.scale) for w in (1.0, power))
    scales(columns_of("multiclass", OPTIONS), one, other, power)
    for each, again in zip(of_each_class(one), of_each_class(other), strict=True):
        scales(statistics_of("multiclass", "classes"), each, again, power)


@law
@given(
    label=st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=6), power=powers, score=st.floats(-9.0, 9.0)
)
def test_candidate_statistics_scale_with_the_weight(label: list[float], power: float, score: float) -> None:
    groups = [slate(label, score * np.arange(len(label)), 3.0 * w) for w in (1.0, power)]
    one, other = (examples([each]) for each in groups)
    scales(columns_of("candidates", OPTIONS), one, other, power)


def test_counts_do_not_scale_and_every_kind_is_looked_at() -> None:
    for kind in KINDS:
        for statistic in columns_of(kind, OPTIONS).values():
            assert (statistic.weight_degree == 0) == statistic.counts, statistic.name
    assert set(KINDS) == {"binary", "regression", "multiclass", "candidates"}


@given(
    weight=st.floats(0.0, np.nextafter(HEAVIEST, 0.0)),
    label=st.floats(-np.nextafter(FARTHEST, 0.0), np.nextafter(FARTHEST, 0.0)),
    score=st.floats(-np.nextafter(FARTHEST, 0.0), np.nextafter(FARTHEST, 0.0)),
)
@example(weight=np.nextafter(HEAVIEST, 0.0), label=np.nextafter(FARTHEST, 0.0), score=-np.nextafter(FARTHEST, 0.0))
@example(weight=np.nextafter(2.0**20, 0.0), label=2.0**9, score=-(2.0**9))
@example(weight=1.0, label=2.0**19, score=-(2.0**19))
@example(weight=0.0, label=2.0**49, score=0.0)
def test_units_bring_every_term_of_a_value_into_range(weight: float, label: float, score: float) -> None:
    size = abs(label) + abs(score)
    unit = weight_unit(weight)
    values = value_unit(max(weight, 1.0) * (size * size), unit)
    assert unit * values**2 <= 2.0**122  # so that the natural sum of 2³⁰ terms fits 76 digits
    row = regression_examples(*(np.array([each]) for each in (label / values, weight / unit, score / values)))
    for name, statistic in columns_of("regression", OPTIONS).items():
        assert abs(statistic.of(row)[0]) < TERM_LIMIT, name


@given(weight=st.floats(0.0, np.nextafter(HEAVIEST, 0.0)), factor=st.floats(1.0, 2.0**35))
def test_a_weight_in_its_unit_is_in_range_and_in_half_of_it_is_not(weight: float, factor: float) -> None:
    unit = weight_unit(weight, factor)
    assert weight / unit < WEIGHT_LIMIT
    assert weight / unit * factor < TERM_LIMIT / 2
    if unit > 1.0:
        assert weight * 2.0 / unit >= WEIGHT_LIMIT or weight * 2.0 / unit * factor >= TERM_LIMIT / 2


@pytest.mark.parametrize(("largest", "unit"), [(0.0, 1.0), (1e-300, 1.0), (2.0**20 - 1, 1.0), (2.0**40, 2.0**21)])
def test_the_unit_is_1_where_weights_are_in_range(largest: float, unit: float) -> None:
    assert unit_below(largest, WEIGHT_LIMIT) == unit
