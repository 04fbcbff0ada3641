"""The units of heavy weights and large values: a unit brings every term into range."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from udfs.catalog import columns_of
from udfs.exact.units import FARTHEST, HEAVIEST, TERM_LIMIT, WEIGHT_LIMIT, unit_below, value_unit, weight_unit
from udfs.examples.binary import regression_examples


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
    for name, statistic in columns_of("regression", {}).items():
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
