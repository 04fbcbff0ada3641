"""Exact sums: always the integer that Python's own addition gives."""

import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.udfs.rows.binary import decimals
from udfs.exact import sums as exact
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import from_decimal, from_words, nearest, words
from udfs.exact.sums import Sums, accumulate, exact_sum
from udfs.exact.units import TERM_LIMIT

LIMIT = np.nextafter(2.0**40, 0)
terms = hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(-LIMIT, LIMIT))
all_units = st.integers(-(10**37) + 1, 10**37 - 1)


def expected(x: FloatArray) -> int:
    return sum(int(v) for v in np.rint(x * 1e15))


def wide(rows: int, seed: int = 0, most: int = 35) -> FloatArray:
    """Terms of all sizes up to 2^most and both signs, some 0."""
    rng = np.random.default_rng(seed)
    return np.ldexp(rng.uniform(-2, 2, rows), rng.integers(-70, most, rows)) * (rng.random(rows) < 0.9)


def summed(x: list[FloatArray], keys: np.ndarray, size: int) -> list[dict[int, int]]:
    """For each statistic the sum of each key seen."""
    sums = Sums(size)
    accumulate(enumerate(x), [(sums, keys)])
    seen = sums.seen().tolist()
    return [dict(zip(seen, from_decimal(sums.decimals(i)), strict=True)) for i in range(len(x))]


def expected_by_key(x: FloatArray, keys: np.ndarray) -> dict[int, int]:
    return {int(key): expected(x[keys == key]) for key in np.unique(keys)}


@given(x=terms)
def test_a_total_is_the_sum_of_integers(x):
    assert exact_sum(x) == expected(x)


@given(x=terms, data=st.data())
def test_a_total_does_not_depend_on_order_or_parts(x, data):
    order = data.draw(st.permutations(range(x.size)))
    cuts = sorted(data.draw(st.lists(st.integers(0, x.size), max_size=3)))
    assert exact_sum(x[order]) == exact_sum(x[::-1]) == exact_sum(x)
    assert sum(exact_sum(x[order][a:b]) for a, b in pairwise([0, *cuts, x.size])) == exact_sum(x)


@given(x=terms, data=st.data(), size=st.integers(1, 200))
def test_sums_by_key_are_the_sums_of_integers(x, data, size):
    keys = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=x.size, max_size=x.size)), dtype=np.int64)
    assert summed([x, -x], keys, size) == [expected_by_key(x, keys), expected_by_key(-x, keys)]


@pytest.mark.parametrize("most", [-40, 3, 16, 39])
def test_many_rows_in_several_blocks(monkeypatch, most):
    monkeypatch.setattr(exact, "BLOCK", 10_000)
    x, keys = wide(35_000, most=most), np.random.default_rng(1).integers(0, 7, 35_000)
    assert exact_sum(x) == expected(x)
    assert summed([x], keys, 7) == [expected_by_key(x, keys)]
    assert summed([x], keys, 50_000) == [expected_by_key(x, keys)]


@pytest.mark.parametrize("sign", [-1, 1])
def test_sums_of_a_limb_that_would_overflow_are_carried(monkeypatch, sign):
    monkeypatch.setattr(exact, "BLOCK", 1000)
    x = sign * np.random.default_rng(0).uniform(0.9, 1.0, 50_000)
    assert abs(expected(x)) > 5 * 2**63
    sums = Sums(2)
    accumulate([(0, x)], [(sums, np.ones(x.size, dtype=np.int64))])
    assert from_decimal(sums.decimals(0)).tolist() == [expected(x)]
    assert from_decimal(sums.regrouped(np.array([0, 0]), 1).decimals(0)).tolist() == [expected(x)]


@pytest.mark.parametrize("edge", [2.0**17, 2.0**19, 2.0**21, 2.0**40])
def test_a_block_full_of_the_largest_terms_is_exact(edge):
    x = np.nextafter(edge, 0) * np.random.default_rng(0).uniform(0.9, 1.0, exact.BLOCK)
    assert exact_sum(x) == expected(x)
    assert summed([-x], np.zeros(x.size, dtype=np.int64), 2) == [{0: -expected(x)}]


@pytest.mark.parametrize("limb", [1, 2])
def test_limbs_at_their_largest_are_exact(limb):
    # Odd multiples of half a limb are ties of the cut: the rest is as large as it can be.
    x = np.ldexp(np.arange(1, 2**14, 2, dtype=np.float64), 34 * limb - 1) / 1e15
    x = np.concatenate([x, np.nextafter(x, 0), -x])
    x = x[np.abs(x) < 2.0**40]
    x = np.tile(x, -(-exact.BLOCK // x.size))[: exact.BLOCK]
    assert exact_sum(x) == expected(x)


def test_ties_at_half_a_unit_go_to_even():
    candidates = np.array([k / 2e15 for k in range(-2001, 2002, 2)])
    ties = candidates[candidates * 1e15 % 1 == 0.5]
    assert ties.size > 500
    assert [exact_sum(np.array([x])) for x in ties] == [round(Fraction(float(x * 1e15))) for x in ties]


def test_zeros_and_subnormals_are_0():
    assert exact_sum(np.array([0.0, -0.0, 5e-324, -2e-308, 4.9e-16, 5e-16])) == 0
    assert summed([np.array([-0.0, 5e-324])], np.array([1, 1]), 3) == [{1: 0}]
    assert exact_sum(np.empty(0)) == 0


@pytest.mark.parametrize("edge", [2.0**17, 2.0**40 * (1 - 2.0**-53)])
def test_terms_around_an_edge(edge):
    x = np.array([edge, np.nextafter(edge, 0), -edge, 1e-15, np.nextafter(edge, 0)])
    assert exact_sum(x) == expected(x)


@pytest.mark.parametrize("bad", [2.0**40, -(2.0**40), 1e100, np.inf, -np.inf, np.nan])
def test_a_term_out_of_range_is_an_error(bad):
    x = np.array([1.0, bad, 2.0])
    with pytest.raises(ValueError, match=f"1 of 3 terms, {re.escape(str(bad))} first"):
        exact_sum(x)
    with pytest.raises(ValueError, match="not below 2\\*\\*40"):
        summed([x], np.zeros(3, dtype=np.int64), 1)


def test_several_groupings_and_batches_share_their_terms():
    x = [wide(3000, seed) for seed in range(3)] + [np.zeros(3000)]
    rng = np.random.default_rng(5)
    sizes = (1, 10, 20_000)
    groupings = [(Sums(size), rng.integers(0, size, 3000)) for size in sizes]
    for rows in (slice(0, 1000), slice(1000, 1000), slice(1000, 3000)):
        accumulate(((i, column[rows]) for i, column in enumerate(x)), [(sums, keys[rows]) for sums, keys in groupings])
    for sums, keys in groupings:
        assert sums.seen().tolist() == np.unique(keys).tolist()
        assert sums.rows[sums.seen()].tolist() == np.unique(keys, return_counts=True)[1].tolist()
        for i, column in enumerate(x):
            assert from_decimal(sums.decimals(i)).tolist() == list(expected_by_key(column, keys).values())


def test_regrouped_sums_are_the_sums_by_the_coarser_keys():
    x, keys, coarser = wide(3000), np.random.default_rng(2).integers(0, 40, 3000), np.arange(50) % 7
    fine = Sums(50)
    accumulate([(0, x)], [(fine, keys)])
    coarse = fine.regrouped(coarser, 9)
    assert coarse.rows.sum() == 3000
    found = zip(coarse.seen().tolist(), from_decimal(coarse.decimals(0)), strict=True)
    assert dict(found) == expected_by_key(x, coarser[keys])


def test_arguments_are_not_written_to():
    x, keys = wide(100), np.zeros(100, dtype=np.int64)
    x.flags.writeable = keys.flags.writeable = False
    assert summed([x], keys, 1) == [{0: expected(x)}]


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_other_types_of_terms_are_widened(kind):
    x = np.array([1, 2, 3], dtype=kind)
    assert exact_sum(x) == 6 * 10**15
    assert summed([x], np.array([0, 1, 0], dtype=np.int32), 2) == [{0: 4 * 10**15, 1: 2 * 10**15}]


def test_no_row_is_no_key():
    assert (Sums(3).seen().size, len(Sums(3).decimals("any"))) == (0, 0)


def test_too_many_rows_are_refused_before_they_are_added(monkeypatch):
    monkeypatch.setattr(exact, "ROW_LIMIT", 5)
    sums, three = Sums(1), np.ones(3)
    accumulate([("n", three)], [(sums, np.zeros(3, dtype=np.int64))])
    with pytest.raises(OverflowError, match="3 \\+ 3 rows: sums are exact up to 5 rows"):
        accumulate([("n", three)], [(sums, np.zeros(3, dtype=np.int64))])
    assert from_decimal(sums.decimals("n")).tolist() == [3 * 10**15]


def test_the_row_limit_keeps_limbs_in_64_bits():
    assert exact.ROW_LIMIT * 2**33 < 2**63
    assert int(TERM_LIMIT) * exact.UNITS * exact.ROW_LIMIT < 10**37
    assert exact.BLOCK <= 2**20


@pytest.mark.parametrize(
    ("x", "keys", "message"),
    [
        ([np.ones(2)], [0, 3], "keys from 0 to 3, expected 0 to 2"),
        ([np.ones(2)], [-1, 0], "keys from -1 to 0"),
        ([np.ones(3)], [0, 1], "3 terms of statistic 0 for \\[2\\] keys"),
    ],
)
def test_shapes_that_do_not_fit_are_errors(x, keys, message):
    with pytest.raises(ValueError, match=message):
        accumulate(enumerate(x), [(Sums(3), np.array(keys))])


@given(units=st.lists(all_units | st.none(), max_size=20))
def test_decimals_come_back(units):
    column = decimals(units)
    assert from_decimal(column).tolist() == units
    assert from_decimal(column[1:]).tolist() == units[1:]
    assert from_decimal(pa.chunked_array([column, column])).tolist() == units * 2


@given(low=st.integers(-(2**62), 2**62), middle=st.integers(-(2**62), 2**62), top=st.integers(-(2**52), 2**52))
def test_limbs_of_any_sign_become_one_decimal(low, middle, top):
    units = low + (middle << 34) + (top << 68)
    assume(abs(units) < 10**37)
    column = from_words(*words(*(np.array([limb], dtype=np.int64) for limb in (low, middle, top))))
    column.validate(full=True)
    assert from_decimal(column).tolist() == [units]


@given(share=st.sampled_from([0.0, 0.1, 0.9, 1.0]), common=st.sampled_from([0.0, 1.0, -3.0, 0.1, 2.0**39]))
def test_a_common_term_is_counted_not_added(share, common):
    rng = np.random.default_rng(3)
    x, keys = np.where(rng.random(500) < share, common, rng.normal(size=500)), rng.integers(0, 5, 500)
    assert summed([x], keys, 5) == [expected_by_key(x, keys)]


@pytest.mark.parametrize("column", [pa.array([1.0]), pa.array([Decimal("1.0")], pa.decimal128(20, 1))])
def test_columns_of_another_type_are_refused(column):
    with pytest.raises(ValueError, match="expected decimal128 with 15 places"):
        from_decimal(column)


def test_a_wider_decimal_with_15_places_is_read():
    assert from_decimal(pa.array([Decimal("-1.5")], pa.decimal128(38, 15))).tolist() == [-15 * 10**14]


@given(units=st.lists(all_units, max_size=5))
def test_the_nearest_double_is_correctly_rounded(units):
    assert nearest(units).tolist() == [float(Fraction(u, 10**15)) for u in units]
    assert nearest(np.array(units, dtype=object)).dtype == np.float64


def test_the_nearest_double_of_numpy_integers_and_of_null():
    assert nearest(np.array([2**53 + 1])).tolist() == [(2**53 + 1) / 10**15]
    np.testing.assert_array_equal(nearest([None, 10**15]), [np.nan, 1.0])
