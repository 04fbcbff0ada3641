"""Marks stand where their numbers put them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.surfaces.report.charts.glyphs import allowed, bar, whisker
from jobs.surfaces.report.charts.lines import BOTTOM, LEFT, RIGHT, TOP, Line, Value, panel
from jobs.surfaces.report.charts.reliability import Band, diagram
from jobs.surfaces.report.charts.scale import Scale, around
from jobs.surfaces.report.sections.heat import shade

FINITE = st.floats(-1e9, 1e9)
DAYS = [date(2026, 11, 1) + timedelta(days=i) for i in range(10)]


@given(st.lists(FINITE, min_size=1, max_size=8))
def test_a_scale_holds_all_values_in_their_order(values):
    scale = around(values, 0.0, 1000.0)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert min(places) >= 0.0 and max(places) <= 1000.0
    ticks = scale.ticks()
    assert len(ticks) >= 2
    assert all(scale.low <= float(text.replace(",", "").replace("−", "-")) * (1 + 1e-6) + 1e-6 for _, text in ticks)


@given(st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=8))
def test_a_logarithmic_scale_too(values):
    scale = around(values, 0.0, 1000.0, log=True)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert min(places) > 0.0 and max(places) < 1000.0


def test_what_lies_beyond_a_scale_is_put_at_its_end():
    assert (Scale(0.0, 1.0, 10.0, 20.0).at(7.0), Scale(0.0, 1.0, 10.0, 20.0).at(-7.0)) == (20.0, 10.0)


def test_a_line_has_a_gap_where_a_day_is_missing():
    values = tuple(Value(day, float(i), i - 0.5, i + 0.5) for i, day in enumerate(DAYS) if i != 4)
    (line,) = panel("k", ("t", "m"), [Line("a", 0, values)], DAYS, None).lines
    assert line.path.count("M") == 2 and line.path.count("L") == 7
    assert line.ribbon.count("Z") == 2
    xs, ys = [mark.x for mark in line.marks], [mark.y for mark in line.marks]
    assert xs == sorted(xs) and ys == sorted(ys, reverse=True)
    assert min(xs) > LEFT and max(xs) < RIGHT and min(ys) > TOP and max(ys) < BOTTOM


def test_the_reach_of_a_mark_is_around_it():
    (line,) = panel("k", ("t", "m"), [Line("a", 0, (Value(DAYS[0], 1.0, 0.5, 2.0),))], DAYS[:1], None).lines
    (mark,) = line.marks
    assert mark.high < mark.y < mark.low
    assert line.ribbon == ""


def test_only_young_days_are_hatched():
    values = tuple(Value(day, 1.0, final=i < 8) for i, day in enumerate(DAYS))
    found = panel("k", ("t", "m"), [Line("a", 0, values)], DAYS, 1.0)
    assert len(found.young) == 2
    (first, width), (second, _) = found.young
    marks = found.lines[0].marks
    assert first < marks[8].x < first + width <= second + 0.2 and second < marks[9].x
    assert found.reference == marks[0].y


def test_a_perfect_band_is_on_the_diagonal():
    bands = [Band(p, p, None, None, 10) for p in (0.001, 0.01, 0.1)]
    found = diagram("k", "t", [("a", 0, bands)])
    assert found.log
    (curve,) = found.curves
    x0, y0, x1, y1 = found.diagonal
    for spot in curve.spots:
        assert (spot.x - x0) / (x1 - x0) == pytest.approx((spot.y - y0) / (y1 - y0), abs=1e-3)


def test_a_band_without_positives_has_a_linear_place():
    found = diagram("k", "t", [("a", 0, [Band(0.001, 0.0, 0.0, 0.01, 10), Band(0.5, 0.4, None, None, 10)])])
    assert not found.log
    assert "a is farthest off where it predicts 0.5: 0.4 happened" in found.summary


def test_bars_and_whiskers_begin_at_zero():
    scale = Scale(-1.0, 1.0, 0.0, 100.0)
    assert (bar(scale, -0.5), bar(scale, None)) == ((25.0, 25.0, False), None)
    assert whisker(scale, (0.0, -1.0, 1.0), 0.0) == (50.0, 0.0, 100.0, 50.0, None)
    assert allowed(scale, None, 0.0) == (0.0, 50.0)
    assert allowed(scale, 0.0, None) == (50.0, 110.0)


def test_shades_deepen_on_both_sides():
    assert [shade(off) for off in (0.0, 0.02, 0.06, 0.15, 0.3, -0.02, -9.0)] == [0, 1, 2, 3, 4, -1, -4]
