"""Which hashes come more than once: whatever task they are in, and at both ends of 64 bits."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from udfs.scan import repeats
from udfs.scan.repeats import LEFT_OUT, LOW_BITS, bucketed, repeated

ENDS = np.array([-(2**63), -(2**63) + 1, -1, 0, 1, 2**63 - 2, 2**63 - 1])
TOLD = pa.schema([("prefix", pa.int64()), ("rows", pa.int64())])


def batches(hashes: np.ndarray, size: int) -> Iterator[pa.RecordBatch]:
    yield from pa.table({"hash": hashes}).to_batches(max_chunksize=size)


def counted(tasks: list[np.ndarray], places: int) -> dict[int, int]:
    """The first bits that tasks with these hashes find, and how often, when their buckets meet in so many places."""
    sent = pa.Table.from_batches([batch for task in tasks for batch in bucketed(batches(task, 1000))])
    met = [sent.filter(pa.array(sent["bucket"].to_numpy() % places == place)) for place in range(places)]
    told = pa.concat_tables(pa.Table.from_batches(repeated(part.to_batches()), TOLD) for part in met)
    rows = list(zip(*told.to_pydict().values(), strict=True))
    assert sum(count for prefix, count in rows if prefix is None) == sum(map(len, tasks))
    alike = [(prefix, count) for prefix, count in rows if prefix is not None]
    assert len(dict(alike)) == len(alike)
    return dict(alike)


def found(tasks: list[np.ndarray], places: int) -> list[int]:
    """The first bits alone."""
    return sorted(counted(tasks, places))


@pytest.mark.parametrize("places", [1, 3])
@pytest.mark.parametrize("tasks", [1, 2, 7])
def test_a_hash_is_told_once_however_often_and_wherever_it_comes(tasks, places):
    rng = np.random.default_rng([tasks, places])
    often = np.concatenate([ENDS, rng.integers(-(2**63), 2**63 - 1, 500)])
    once = rng.integers(-(2**63), 2**63 - 1, 20_000)
    hashes = rng.permutation(np.concatenate([once, often, often, often[::2]]))
    values, counts = np.unique(hashes >> LEFT_OUT, return_counts=True)
    expected = dict(zip(values[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True))
    assert counted(np.array_split(hashes, tasks), places) == expected


def test_neighbours_in_the_bits_that_are_compared_are_not_the_same():
    assert found([np.array([-(2**63), -(2**63) + 2**LEFT_OUT, -1, 0, 2**LEFT_OUT, 2**63 - 1])], places=1) == []


def test_hashes_alike_in_the_bits_that_are_compared_are_told():
    assert found([ENDS], places=1) == [-(2**63) >> LEFT_OUT, 0, (2**63 - 1) >> LEFT_OUT]


def test_hashes_alike_in_their_high_bits_alone_are_not_the_same():
    one, other = 5 << (LEFT_OUT + LOW_BITS), 6 << (LEFT_OUT + LOW_BITS)
    hashes = np.array([one, one + (1 << LEFT_OUT), other, other + (7 << LEFT_OUT), other])
    assert found([hashes], places=1) == [other >> LEFT_OUT]


def test_a_task_of_many_rows_sends_them_in_blocks(monkeypatch):
    monkeypatch.setattr(repeats, "BLOCK_ROWS", 100)
    hashes = np.arange(1000) << LEFT_OUT
    assert len(list(bucketed(batches(hashes, 50)))) == 10
    assert found([hashes, hashes[7:8]], places=3) == [7]


def test_a_task_without_rows_sends_nothing():
    assert list(bucketed([])) == []
    assert list(bucketed([pa.record_batch([pa.array([], pa.int64())], names=["hash"])])) == []
    assert list(repeated([])) == []
