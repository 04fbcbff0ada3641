"""Sums by shard: what is left without each shard is exact whatever the order, and too little is told by a reason."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.judgement.uncertainty.shards import parts_left_out, refused, rows_of, sharded
from tests.udfs.rows.binary import decimals
from udfs.exact.decimals import UNITS

HUGE = 10**30  # more than 64 bits, and more digits than a double has
UNITS_OF_ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(-HUGE, HUGE), st.integers(0, 5)), min_size=1
)


def table_of(rows):
    slices, shards, units, counts = zip(*rows, strict=True)
    table = pa.table({"shard": list(shards), "weight": decimals(units), "n": list(counts)})
    return table, np.array(slices)


@given(UNITS_OF_ROWS, st.randoms())
def test_what_is_left_is_the_nearest_double_of_exact_sums(rows, random):
    table, row = table_of(rows)
    left = sharded(table, row, 3, 4, ["n", "weight"]).leaving_out()
    for slice_ in range(3):
        own = [each for each in rows if each[0] == slice_]
        for column, shard in enumerate([None, 0, 1, 2, 3]):
            kept = [each for each in own if each[1] != shard]
            assert left["weight"][slice_, column] == sum(each[2] for each in kept) / UNITS
            assert left["n"][slice_, column] == sum(each[3] for each in kept)
    random.shuffle(rows)
    again, row = table_of(rows)
    same = sharded(again, row, 3, 4, ["n", "weight"]).leaving_out()
    assert same["weight"].tobytes() == left["weight"].tobytes()


def test_what_no_shard_recorded_or_one_did_not_is_unknown_in_all():
    table = pa.table({"shard": [0, 1, 0], "n": [1, 1, 1], "weight": decimals([5, None, 7])})
    left = sharded(table, np.array([0, 0, 1]), 3, 2, ["n", "weight"]).leaving_out()["weight"]
    assert np.isnan(left[0]).all()
    assert left[1:].tolist() == [[7e-15, 0.0, 7e-15], [0.0, 0.0, 0.0]]


def test_wider_decimals_are_exact_too():
    value = Decimal("123456789012345678901234567890.000000000000001")
    table = pa.table({"shard": [0, 1], "n": [1, 1], "weight": pa.array([value, value], pa.decimal256(76, 15))})
    units = sharded(table, np.array([0, 0]), 1, 2, ["n", "weight"]).units("weight")
    assert units.tolist() == [[123456789012345678901234567890 * UNITS + 1] * 2]


def test_of_no_slices_there_is_nothing():
    table = pa.table({"shard": pa.array([], pa.int32()), "n": pa.array([], pa.int64()), "weight": decimals([])})
    sums = sharded(table, np.zeros(0, dtype=np.int64), 0, 4, ["n", "weight"])
    assert {name: of.shape for name, of in sums.leaving_out().items()} == {"n": (0, 5), "weight": (0, 5)}
    assert refused(sums, 1) == []


def test_a_shard_that_there_is_not_is_an_error():
    with pytest.raises(ValueError, match="invalid entry"):
        sharded(pa.table({"shard": [4], "n": [1]}), np.array([0]), 2, 4, ["n"])


def test_a_key_that_is_unknown_is_an_error():
    with pytest.raises(KeyError):
        rows_of(pa.chunked_array([["y"]]), ["x"])


def test_parts_come_in_their_order():
    rows = pa.table({"shard": [1, 0], "class": ["b", "a"], "n": [1, 2]})
    found, left = parts_left_out(rows, "class", 2, ["n"])
    assert found.tolist() == ["a", "b"]
    assert left["n"].tolist() == [[2.0, 0.0, 2.0], [1.0, 1.0, 0.0]]


def slice_of(n, weight=None, positive=None):
    """A slice with these rows, weights and positives by shard."""
    whole = [each * UNITS for each in (weight or n)], [each * UNITS for each in (positive or n)]
    of = {"n": n, "weight": decimals(whole[0]), "positive_weight": decimals(whole[1])}
    table = pa.table({"shard": list(range(len(n))), **of})
    return sharded(table, np.zeros(len(n), dtype=np.int64), 1, len(n), list(of))


@pytest.mark.parametrize(
    ("slice_", "reason"),
    [
        (slice_of([100] * 10), None),
        (slice_of([100] * 9), "too_few_shards"),
        (slice_of([100] * 9 + [0] * 23), "too_few_shards"),
        (slice_of([9] * 11), "too_few_rows"),
        (slice_of([0] * 32), "no_common_rows"),
        (slice_of([100] * 32, positive=[1] * 9 + [0] * 23), "too_few_positives"),
        (slice_of([100] * 32, positive=[0] * 22 + [1] * 10), None),
        (slice_of([100] * 11, weight=[100] * 10 + [1001]), "dominant_shard"),
        (slice_of([100] * 11, weight=[100] * 10 + [1000]), None),
        (slice_of([1000]), "too_few_shards"),
    ],
)
def test_a_slice_that_says_too_little_has_a_reason(slice_, reason):
    assert refused(slice_, 100, rare="positive_weight", nothing="no_common_rows") == [reason]


def test_tasks_without_positives_are_not_asked_for_them():
    assert refused(slice_of([100] * 32, positive=[0] * 32), 1) == [None]


def test_the_scale_of_weights_decides_nothing():
    light = slice_of([100] * 32, positive=[1] * 9 + [0] * 23)
    heavy = slice_of([100] * 32, weight=[10**6 * 100] * 32, positive=[10**6] * 9 + [0] * 23)
    assert refused(light, 1, rare="positive_weight") == refused(heavy, 1, rare="positive_weight")
