"""Packed partial sums: what is packed comes back; the one merge, and subtraction, with their laws."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.udfs.rows.binary import decimals
from udfs.exact.decimals import DECIMAL, from_decimal
from udfs.scan.combine import Combine
from udfs.scan.partials import (
    PACKED,
    combined,
    combined_again,
    counted,
    counts_in,
    packed,
    subtracted,
    unpacked,
)

SCHEMA = pa.schema([("key", pa.int64()), ("n", pa.int64()), ("loss", DECIMAL), ("other", DECIMAL)])


def batch(keys: list[int], losses: list[int | None]) -> pa.RecordBatch:
    columns = [pa.array(keys), pa.array([1] * len(keys)), decimals(losses), pa.nulls(len(keys), DECIMAL)]
    return pa.record_batch(columns, schema=SCHEMA)


def test_rows_come_back_from_their_buckets() -> None:
    rows = batch([1, 2, 7, 9], [10**36, -1, None, 0])
    values = packed(rows, np.array([3, 3, 4, 9]))
    assert values.schema == PACKED
    assert values["bucket"].to_pylist() == [3, 4, 9]
    assert unpacked([values], SCHEMA) == pa.table(rows)
    assert unpacked([values.slice(1, 1)], SCHEMA) == pa.table(rows.slice(2, 1))


def test_no_rows_are_no_values() -> None:
    assert packed(batch([], []), np.array([], dtype=np.int64)).num_rows == 0
    assert unpacked([], SCHEMA) == SCHEMA.empty_table()
    assert list(Combine(SCHEMA, ("key",))([])) == []
    assert counts_in([]) == Counter()


def test_counts_are_added_by_name_and_are_no_rows() -> None:
    rows = packed(batch([1, 1], [5, 7]), np.array([0, 0]))
    some = Counter({("passed", None): 5, ("unknown", None): 1, ("met", 3): 2})
    values = [counted(some), rows, counted(Counter({("passed", None): 2, ("met", 3): 1, ("met", -1): 4}))]
    for each in (values, list(Combine(SCHEMA, ("key",))(values))):
        assert counts_in(each) == Counter({("passed", None): 7, ("unknown", None): 1, ("met", 3): 3, ("met", -1): 4})
        assert from_decimal(added(unpacked(each, SCHEMA))["loss"]).tolist() == [12]


def test_parts_of_a_key_are_added_exactly_and_nothing_recorded_stays_null() -> None:
    rng = np.random.default_rng(0)
    parts = [[int(v) * 10**19 + int(w) for v, w in rng.integers(-(10**15), 10**15, (3, 2))] for _ in range(200)]
    values = [packed(batch([1, 2, 5], part), np.array([0, 0, 1])) for part in parts]
    found = unpacked(Combine(SCHEMA, ("key",))(iter(values)), SCHEMA).sort_by("key")
    assert found["n"].to_pylist() == [200] * 3
    assert from_decimal(found["loss"]).tolist() == [sum(part[i] for part in parts) for i in range(3)]
    assert found["other"].null_count == 3


def test_a_sum_is_null_where_a_part_was_not_recorded() -> None:
    rows = pa.Table.from_batches([batch([1, 2, 1, 2], [5, 7, None, 8])])
    assert from_decimal(combined(rows, ["key"]).sort_by("key")["loss"].slice(1)).tolist() == [15]
    assert combined(rows, ["key"]).sort_by("key")["loss"].is_null().to_pylist() == [True, False]


def test_a_sum_of_38_digits_is_an_error() -> None:
    rows = pa.Table.from_batches([batch([1, 1], [10**37 - 1, 1])])
    with pytest.raises(pa.ArrowInvalid, match="precision"):
        combined(rows, ["key"])


units = st.integers(-(10**35), 10**35)
recorded = st.lists(st.tuples(st.integers(0, 3), units), max_size=8)
rows_of_sums = st.lists(st.tuples(st.integers(0, 3), units | st.none()), max_size=8)


def table(rows: list[tuple[int, int | None]]) -> pa.Table:
    return pa.Table.from_batches([batch([key for key, _ in rows], [loss for _, loss in rows])])


def added(*parts: pa.Table) -> pa.Table:
    return combined(pa.concat_tables(parts), ["key"])


def ordered(sums: pa.Table) -> pa.Table:
    return sums.sort_by("key").combine_chunks()


@given(a=rows_of_sums, b=rows_of_sums, c=rows_of_sums)
def test_the_merge_is_associative_and_commutative(a, b, c):
    x, y, z = table(a), table(b), table(c)
    expected = ordered(added(x, y, z))
    assert ordered(added(added(x, y), z)) == ordered(added(x, added(y, z))) == expected
    assert ordered(added(z, added(y, x))) == ordered(added(z, y, x)) == expected


@given(a=rows_of_sums)
def test_nothing_changes_nothing_and_what_is_merged_stays(a):
    once = added(table(a))
    assert ordered(added(once, table([]))) == ordered(added(table([]), once)) == ordered(added(once)) == ordered(once)


@given(a=rows_of_sums, b=rows_of_sums)
def test_what_was_combined_in_parts_is_combined_again_whether_keys_come_once_or_twice(a, b):
    for parts in (pa.concat_tables([added(table(a)), added(table(b))]), added(table(a)), table([])):
        assert ordered(combined_again(parts, ["key"])) == ordered(combined(parts, ["key"]))


@given(a=rows_of_sums, b=rows_of_sums)
def test_the_merge_adds_integers_and_what_was_not_recorded_stays_so(a, b):
    found = added(table(a), table(b)).sort_by("key")
    losses = {key: [loss for k, loss in (*a, *b) if k == key] for key, _ in sorted((*a, *b), key=lambda row: row[0])}
    assert found["key"].to_pylist() == list(losses)
    assert found["n"].to_pylist() == [len(values) for values in losses.values()]
    expected = [None if None in values else sum(values) for values in losses.values()]
    assert from_decimal(found["loss"]).tolist() == expected


@given(a=recorded, b=recorded)
def test_a_part_subtracted_is_what_is_left_and_added_again_the_whole(a, b):
    part, rest = combined(table(a), ["key"]), combined(table(b), ["key"])
    whole = added(part, rest)
    assert ordered(added(part, subtracted(whole, part, ["key"]))) == ordered(whole)
    left = subtracted(whole, part, ["key"])
    only = pa.array([key for key, _ in b], pa.int64())
    assert ordered(left.filter(pc.is_in(left["key"], value_set=only))) == ordered(rest)
    assert set(left.filter(pc.invert(pc.is_in(left["key"], value_set=only)))["n"].to_pylist()) <= {0}


@given(a=rows_of_sums, b=rows_of_sums)
def test_a_difference_is_not_recorded_where_either_is_not(a, b):
    found = subtracted(table(a), table(b), ["key"])
    missing = {key for key, loss in (*a, *b) if loss is None}
    lost = found.filter(found["loss"].is_null())
    assert set(lost["key"].to_pylist()) == missing


def test_columns_are_subtracted_by_name():
    part = table([(1, 5), (7, 2)])
    found = subtracted(table([(1, 8)]), part.select(["loss", "other", "n", "key"]), ["key"])
    assert found.schema == SCHEMA
    assert list(zip(found["key"].to_pylist(), found["n"].to_pylist(), from_decimal(found["loss"]), strict=True)) == [
        (1, 0, 3),
        (7, -1, -2),
    ]
