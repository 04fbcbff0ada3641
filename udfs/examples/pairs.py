"""From the examples of two models of a task to those of the rows that both can score."""

from __future__ import annotations

from typing import Any

import numpy as np

from udfs.exact.arrays import IntArray
from udfs.examples.binary import Examples

OF_EACH = ("scored", "weight", "score")  # what is needed of a model's examples
PAIR_COLUMNS = frozenset({"scored", "weight", "candidate_score", "baseline_score"})


def pair_examples(candidate: dict[str, Any], baseline: dict[str, Any]) -> tuple[IntArray, Examples]:
    """The rows that both models can score, ascending, (shared,), and their columns, each (shared,).

    Scores are compared as the task reads them: probabilities, whatever their scale, or values.

    Args:
        candidate: The columns `OF_EACH` of its examples, each (n,).
        baseline: Those of the other model, of the same rows.
    """
    rows = np.flatnonzero((candidate["scored"] > 0.0) & (baseline["scored"] > 0.0))
    columns = {name: candidate[name][rows] for name in ("scored", "weight")}
    return rows, {**columns, "candidate_score": candidate["score"][rows], "baseline_score": baseline["score"][rows]}
