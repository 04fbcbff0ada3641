"""What hypothesis draws of multi-class rows, with all that is legal in them."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tests import strategies
from tests.udfs.rows.classes import ClassRows
from udfs.examples.classes import CLASS_LOGIT_LIMIT

LARGEST = np.nextafter(CLASS_LOGIT_LIMIT, 0.0)
logits = (
    st.sampled_from([-np.inf, np.inf, -LARGEST, LARGEST, 0.0, -0.0, 36.7, 709.8, -745.2])
    | st.integers(-3, 3).map(float)
    | st.floats(-40.0, 40.0)
    | st.floats(-LARGEST, LARGEST)
)
# A few values that repeat, so that there are ties.
probabilities = strategies.probabilities | st.sampled_from([0.25, 0.5])
SCORES = {"probability": probabilities, "logit": logits}
either = st.booleans()


@st.composite
def class_rows(
    draw: st.DrawFn,
    *,
    soft: st.SearchStrategy[bool] = either,
    weight: st.SearchStrategy[float] = strategies.sizeable_weights,
    nan: bool = False,
) -> ClassRows:
    """A few rows of two to four classes, some with weight; with `nan` some are outside the task or cannot be used."""
    scale, classes, is_soft = draw(strategies.SCALES), draw(st.integers(2, 4)), draw(soft)
    missing = st.just(np.nan) if nan else st.nothing()
    score = st.lists(SCORES[scale] | missing, min_size=classes, max_size=classes)
    # The others have no softmax.
    score = score.filter(lambda row: row.count(np.inf) < 2 and row.count(-np.inf) < classes)
    shares = st.lists(st.integers(0, 8), min_size=classes, max_size=classes).filter(any)
    label = shares if is_soft else st.integers(0, classes - 1).map(float) | missing
    drawn = draw(st.lists(st.tuples(label, weight | missing, score), max_size=10))
    assume(any(each[1] > 0 for each in drawn))  # without weight no metric is defined, and there is nothing to compare
    labels, weights, scores = (np.array(column, dtype=np.float64) for column in zip(*drawn, strict=True))
    if is_soft:
        labels /= labels.sum(axis=1, keepdims=True)
    return ClassRows(labels, weights, scores, scale)
