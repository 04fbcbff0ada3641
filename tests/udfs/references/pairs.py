"""What every metric of two models should be: its definition over the rows that both can score, as of `references`.

`e.p` are the scores of the candidate, `e.b` those of the baseline; `e.sum(x, size)` is Σ w·x, x being a difference of
what is as large as `size`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from mpmath import mpf

from tests.udfs.references.binary import Exact, MpArray, exact
from tests.udfs.rows.binary import Rows


@dataclass
class ExactPair(Exact):
    """Rows of two models at 60 digits."""

    b: MpArray = field(default_factory=lambda: np.array([]))


PAIR_REFERENCES: dict[str, Callable[[ExactPair], mpf]] = {
    "mean_squared_score_difference": lambda e: e.sum((e.p - e.b) ** 2, (e.p + e.b) ** 2) / e.sum(1),
    "mean_absolute_score_difference": lambda e: e.sum(abs(e.p - e.b), e.p + e.b) / e.sum(1),
}


def exact_pair(candidate: Rows, baseline: Rows) -> ExactPair:
    """The rows of both, which differ in their scores alone; each has to be usable."""
    return ExactPair(**vars(exact(candidate)), b=exact(baseline).p)
