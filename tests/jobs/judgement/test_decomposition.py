"""The three parts add up, bit for bit, and are what was planted: pure mix, a pure change within, both."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.judgement.changes.decomposition import (
    Entropies,
    Mean,
    adding_up,
    change_of_mean,
    change_of_normalized_entropy,
)
from jobs.judgement.slices.crosses import aligned, cells, cut
from tests.jobs.judgement.sides import VALUES, day
from udfs.catalog import metrics_of
from udfs.exact.decimals import nearest
from udfs.exact.numerics import binary_entropy
from udfs.pricing import evaluated

ONE = np.zeros(4, dtype=np.int64)


def whole(cells, of, size):
    return type(cells)(*(np.array([math.fsum(column[of == i]) for i in range(size)]) for column in cells))


def sides(seed, cells=40, size=3):
    rng = np.random.default_rng(seed)
    found, of = [], rng.integers(0, size, cells)
    for _ in range(2):
        weight = rng.integers(0, 50, cells) * (rng.random(cells) < 0.8)
        positive = np.minimum(rng.integers(0, 20, cells), weight)
        loss = weight * rng.random(cells)
        found.append(Entropies(*(each.astype(np.float64) for each in (loss, positive, weight - positive))))
    return found, [whole(each, of, size) for each in found], of


def exact(cells, of, i):
    """The three parts of a slice as fractions."""
    w0, w1, x0, x1 = (
        [Fraction(float(v)) for v in column[of == i]] for column in (*_columns(cells, 1), *_columns(cells, 0))
    )
    all0, all1 = sum(w0), sum(w1)
    parts = [Fraction(0)] * 3
    for a, b, x, y in zip(w0, w1, x0, x1, strict=True):
        if a or b:
            m0 = x / a if a else y / b
            m1 = y / b if b else x / a
            terms = ((b / all1 - a / all0) * m0, a / all0 * (m1 - m0), (b / all1 - a / all0) * (m1 - m0))
            parts = [part + term for part, term in zip(parts, terms, strict=True)]
    return [float(part) for part in parts]


def _columns(cells, i):
    return [each.losses[i] for each in cells]


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_of_a_mean_are_those_of_fractions_and_add_up(seed):
    cells, slices, of = sides(seed)
    change = change_of_mean([each.losses for each in cells], [each.losses for each in slices], of)
    assert change.reasons == [None] * 3
    for i in range(3):
        parts = [float(part[i]) for part in change.parts]
        assert math.fsum(parts) == change.difference[i] == change.now[i] - change.before[i]
        assert parts == pytest.approx(exact(cells, of, i), abs=1e-15)
        assert change.cells.whole[of == i].sum() == pytest.approx(change.difference[i], abs=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_of_normalized_entropy_add_up(seed):
    cells, slices, of = sides(seed)
    change = change_of_normalized_entropy(cells, slices, of)
    for i in range(3):
        ne = [side.loss[i] / (side.positive[i] + side.negative[i]) for side in slices]
        ne = [loss / binary_entropy(s.positive, s.negative)[i] for loss, s in zip(ne, slices, strict=True)]
        assert [change.before[i], change.now[i]] == ne
        assert math.fsum(float(part[i]) for part in change.parts) == change.difference[i] == ne[1] - ne[0]
        assert sum(part[of == i].sum() for part in change.cells) == pytest.approx(change.difference[i], abs=1e-13)


def test_pure_mix_is_no_change_within():
    """NE 0.90 in both slices, whatever the traffic (users.md, fact 4): all that moves is mix."""
    rates, shares = np.array([0.01, 0.10]), (np.array([0.9, 0.1]), np.array([0.1, 0.9]))
    cells = []
    for share in shares:
        weight = 1000.0 * share
        loss = 0.9 * binary_entropy(rates, 1.0 - rates) * weight
        cells.append(Entropies(loss, rates * weight, (1.0 - rates) * weight))
    slices = [Entropies(*(np.array([column.sum()]) for column in side)) for side in cells]
    change = change_of_normalized_entropy(cells, slices, np.array([0, 0]))
    assert change.before.round(3).tolist() == [0.793] and change.now.round(3).tolist() == [0.880]
    assert change.parts.mix[0] == pytest.approx(change.difference[0], abs=1e-15)
    assert abs(change.parts.within[0]) < 1e-15 and abs(change.parts.interaction[0]) < 1e-15


def test_two_models_on_the_same_rows_have_no_mix():
    cells, _, _ = sides(1, cells=4)
    other = cells[0]._replace(loss=cells[0].loss * 1.1)
    pair = [cells[0], other]
    change = change_of_normalized_entropy(pair, [whole(each, ONE, 1) for each in pair], ONE)
    assert abs(change.parts.mix[0]) < 1e-15 and abs(change.parts.interaction[0]) < 1e-15
    assert change.parts.within[0] == pytest.approx(0.1 * change.before[0])


def test_cells_of_one_side_are_mix():
    cells = [Mean(np.array([2.0, 0.0]), np.array([10.0, 0.0])), Mean(np.array([2.0, 9.0]), np.array([10.0, 10.0]))]
    of = np.array([0, 0])
    change = change_of_mean(cells, [whole(each, of, 1) for each in cells], of)
    assert change.parts.mix[0] == change.difference[0] and change.parts.within[0] == 0.0
    assert change.cells.mix[1] > change.cells.mix[0] == 0.0, "to grow harms only where a cell is worse than the mean"


@pytest.mark.parametrize(
    ("loss", "positive", "negative", "reason"),
    [(0.0, 0.0, 0.0, "no_weight"), (1.0, 0.0, 5.0, "single_class"), (math.nan, 1.0, 1.0, "not_recorded"),
     (math.inf, 1.0, 1.0, "infinite")],
)  # fmt: skip
def test_reasons(loss, positive, negative, reason):
    known = Entropies(np.array([1.0]), np.array([2.0]), np.array([3.0]))
    other = Entropies(np.array([loss]), np.array([positive]), np.array([negative]))
    for pair in ([known, other], [other, known]):
        change = change_of_normalized_entropy(pair, pair, np.array([0]))
        assert change.reasons == [reason]
        assert np.isnan([change.difference, *change.parts]).all()


numbers = st.floats(min_value=-2.0, max_value=2.0)


@given(numbers, numbers, numbers, st.floats(min_value=0.0, max_value=1e-15))
def test_parts_always_add_up_to_the_difference_that_is_told(a, b, c, off):
    difference = (a + b + c) + off
    parts, told = adding_up([a, b, c], difference)
    assert math.fsum(parts) == told
    assert told == pytest.approx(difference, abs=2.0**-52)
    assert all(abs(new - old) <= 1e-14 for new, old in zip(parts, (a, b, c), strict=True))


STATISTICS = ("weight", "positive_weight", "negative_weight", "positive_nll", "negative_nll")


def entropies(of):
    sums = {name: of.nearest(name) for name in STATISTICS}
    loss = sums["positive_nll"] + sums["negative_nll"]
    return [Entropies(loss[i], sums["positive_weight"][i], sums["negative_weight"][i]) for i in range(of.sides)]


@pytest.mark.parametrize("declared", [[], ["country"], ["country", "hour"]])
def test_from_tables_to_changes(declared):
    """The way of a night: the values are those that `metrics` has of these slices, bit for bit."""
    found = aligned(cells([day(1), day(2, over=2.0)], list(VALUES), STATISTICS))
    of, slices = cut(found, declared)
    change = change_of_normalized_entropy(entropies(found), entropies(slices), of)
    metric = metrics_of("binary")["normalized_entropy"]
    for side, values in enumerate((change.before, change.now)):
        sums = {name: nearest(slices.sums[name].units().reshape(2, -1)[side]) for name in STATISTICS}
        assert np.array_equal(evaluated(metric, sums)[0], values)
    for i in range(len(slices.codes)):
        assert math.fsum(float(part[i]) for part in change.parts) == change.now[i] - change.before[i]
    worst = int(np.argmax(change.cells.whole))
    assert found.text(worst).startswith("country=BR,device=android,")
