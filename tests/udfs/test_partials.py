"""Packed partial sums: what is packed comes back, and parts of a key become their exact sum."""

import numpy as np
import pyarrow as pa
import pytest

from udfs.exact.decimals import DECIMAL, from_decimal, to_decimal
from udfs.scan.partials import PACKED, Combine, combined, packed, unpacked

SCHEMA = pa.schema([("key", pa.int64()), ("n", pa.int64()), ("loss", DECIMAL), ("other", DECIMAL)])


def batch(keys: list[int], losses: list[int | None]) -> pa.RecordBatch:
    columns = [pa.array(keys), pa.array([1] * len(keys)), to_decimal(losses), pa.nulls(len(keys), DECIMAL)]
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
