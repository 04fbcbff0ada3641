"""What is counted of rows beside their sums, by one task and by many."""

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from udfs.exact.decimals import DECIMAL
from udfs.scan.combine import Combine
from udfs.scan.partials import counts_in, unpacked
from udfs.scan.tally import Tally

SCHEMA = pa.schema([("key", pa.int64()), ("n", pa.int64()), ("loss", DECIMAL)])
numbers = st.lists(st.none() | st.integers(-1, 3), max_size=20)
edges = [-(2**63), -(2**63) + 1, -1, 0, 1, 2**58 - 1, 2**58, 2**63 - 1]
hashes = st.lists(st.none() | st.sampled_from(edges) | st.integers(-(2**63), 2**63 - 1), max_size=20)
tables = st.lists(st.tuples(numbers, hashes), max_size=3)


def emitted(rows: list[tuple[list, list]]) -> list[pa.RecordBatch]:
    """What a task sends of such tables."""
    tally = Tally(("number",), "hash")
    for some, ids in rows:
        size = max(len(some), len(ids))
        columns = [pa.array([*each, *[None] * (size - len(each))]) for each in (some, ids)]
        types = (pa.int32(), pa.int64())
        arrays = [column.cast(type_) for column, type_ in zip(columns, types, strict=True)]
        tally.add(pa.table(arrays, names=["number", "hash"]), unknown=len(some) // 2)
    return list(tally.emitted())


@given(tasks=st.lists(tables, max_size=4), into=st.integers(1, 3))
def test_numbers_are_counted_and_hashes_that_come_again(tasks, into):
    every = [table for rows in tasks for table in rows]
    ids = [each for _, some in every for each in some if each is not None]
    expected = Counter({("number", each): n for each, n in Counter(n for some, _ in every for n in some).items()})
    del expected["number", None]
    expected["passed", None] = sum(max(map(len, table)) for table in every)
    expected["unknown", None] = sum(len(some) // 2 for some, _ in every)
    expected["again", None] = len(ids) - len(set(ids))
    sent = [batch for rows in tasks for batch in emitted(rows)]
    # A bucket is in one task of the second stage.
    of_task = [[batch.filter(pa.array(batch["bucket"].to_numpy() % into == i)) for batch in sent] for i in range(into)]
    found = [batch for batches in of_task for batch in Combine(SCHEMA, ("key",))(batches)]
    assert counts_in(found) == expected
    assert unpacked(found, SCHEMA).num_rows == 0


def test_hashes_are_those_of_rows_that_have_one():
    (counts, kept) = emitted([([1, 1, None], [7, 2**60, None]), ([None], [7])])
    assert counts_in([counts])["number", 1] == 2
    assert sorted(np.frombuffer(b"".join(kept["rows"].to_pylist()), np.int64).tolist()) == [7, 7, 2**60]
    assert kept["bucket"].to_pylist() == sorted(set(kept["bucket"].to_pylist()), reverse=True)
