"""What rows weigh by their reason is one exact number, however they are spread over batches and tasks."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from udfs.scan.weighed import Weighed, units

WEIGHTS = np.concatenate(
    [np.random.default_rng(7).lognormal(0, 9, 400), [0.0, 2.0**59, 2.0**60 - 2.0**8, 0.5, 2.0**20]]
)
REASONS = np.array(["null_label", "bad_time", "null_id"])[np.arange(WEIGHTS.size) % 3]


def summed(batch, sizes):
    """The sums of a table cut into batches of a size, each a task of its own."""
    found = Counter()
    for part in batch.to_batches(max_chunksize=sizes):
        for row in next(iter(Weighed(("w", "v"))([part]))).to_pylist():
            found[row["reason"], row["column"]] += int(row["units"])
    return found


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_sum_does_not_depend_on_the_batches(size):
    rows = pa.table({"reason": REASONS, "w": WEIGHTS, "v": pa.array([None] * WEIGHTS.size, pa.float64())})
    found = summed(rows.take(np.random.default_rng(size).permutation(WEIGHTS.size)), size)
    for reason in set(REASONS):
        own = WEIGHTS[reason == REASONS]
        exact = sum(Fraction(weight) for weight in own.tolist()) * 10**15
        # Each weight is rounded once to a double of units, and to a whole number of them.
        assert abs(found[reason, "w"] - exact) <= exact / 2**52 + 2 * len(own)
        assert found[reason, "w"] == units(own)
        assert found[reason, "v"] == 0
