"""What hypothesis draws: rows as they reach a worker, with all that is legal in them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st

from tests.udfs.rows.binary import CODES, SHARDS, Rows
from udfs.exact.units import LOGIT_LIMIT, WEIGHT_LIMIT

NAN, INF = np.nan, np.inf
TINY = 5e-324  # the smallest score above 0
LAST = np.nextafter(1.0, 0.0)  # the largest one below 1
NORMAL = 2.0**-1022
LARGEST_LOGIT = np.nextafter(LOGIT_LIMIT, 0.0)
SCALES = st.sampled_from(["probability", "logit"])

hard_labels = st.sampled_from([0.0, 1.0])
soft_labels = st.floats(0.0, 1.0)
weights = st.sampled_from([0.0, 1.0, 2.0**-20, np.nextafter(WEIGHT_LIMIT, 0.0)]) | st.floats(0.0, 100.0)
probabilities = (
    st.sampled_from([0.0, 1.0, TINY, NORMAL, np.nextafter(NORMAL, 0.0), 1e-18, 0.5, LAST, float(np.float32(0.1))])
    | st.floats(0.0, 1.0)
    | st.floats(0.0, 0.02)
)
logits = (
    st.sampled_from([-INF, INF, -LARGEST_LOGIT, LARGEST_LOGIT, 0.0, -0.0, 36.7, 709.8, -745.2])
    | st.floats(-40.0, 40.0)
    | st.floats(-LARGEST_LOGIT, LARGEST_LOGIT)
)
labels = hard_labels | soft_labels | st.just(NAN)
any_weights = weights | st.just(NAN)
SCORES = {"probability": probabilities, "logit": logits}

# Away from where one unit of 10⁻¹⁵ is a large part of a row's sum: there a metric has digits to compare.
sizeable_labels = hard_labels | st.floats(2.0**-10, 1.0 - 2.0**-10)
sizeable_weights = st.sampled_from([0.0, 1.0]) | st.floats(2.0**-6, 2.0**11)


@st.composite
def rows(
    draw: st.DrawFn,
    *,
    label: st.SearchStrategy[float] = sizeable_labels,
    weight: st.SearchStrategy[float] = sizeable_weights,
    scales: st.SearchStrategy[str] = SCALES,
) -> Rows:
    """A few rows whose metrics can be compared: some of them have weight."""
    scale = draw(scales)
    drawn = draw(st.lists(st.tuples(label, weight, SCORES[scale]), max_size=10))
    columns = np.array(drawn, dtype=np.float64).reshape(-1, 3).T
    assume(columns[1].any())  # without weight no metric is defined, and there is nothing to compare
    return Rows(columns[0], columns[1], columns[2], scale)


@st.composite
def examples(draw: st.DrawFn) -> pa.RecordBatch:
    """A batch as the job passes it on: scores on both scales, and for each row its cell and its shard."""
    numbers = st.tuples(labels, any_weights, probabilities | st.just(NAN), logits | st.just(NAN))
    drawn = draw(st.lists(st.tuples(numbers, st.sampled_from(CODES.tolist()), st.integers(0, SHARDS - 1)), max_size=16))
    columns = np.array([row for row, _, _ in drawn], dtype=np.float64).reshape(-1, 4).T
    code = pa.array([code for _, code, _ in drawn], pa.int64())
    shard = pa.array([shard for _, _, shard in drawn], pa.int32())
    names = ("label", "weight", "probability", "logit")
    return pa.record_batch({"code": code, "shard": shard, **dict(zip(names, columns, strict=True))})


@st.composite
def consecutive(draw: st.DrawFn, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """The batch cut into consecutive ones; some may be empty."""
    size = batch.num_rows
    places = [0, *sorted(draw(st.lists(st.integers(0, size), max_size=4))), size]
    return [batch.slice(a, b - a) for a, b in pairwise(places)]


def spread(size: int, values: Sequence[int]) -> st.SearchStrategy[list[int]]:
    """One of `values` for each of `size` rows."""
    return st.lists(st.sampled_from(values), min_size=size, max_size=size)
