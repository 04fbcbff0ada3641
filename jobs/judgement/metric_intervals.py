"""A metric of some slices with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.judgement.uncertainty.jackknife import Interval


@dataclass(frozen=True)
class MetricIntervals:
    """A metric of some slices with its intervals.

    Attributes:
        name: Its published name.
        texts: The slices.
        interval: Of each slice, or why there is none.
        method: How those that there are were made.
    """

    name: str
    texts: Sequence[str]
    interval: Interval
    method: str


def without_intervals(name: str, texts: Sequence[str], reason: str) -> MetricIntervals:
    """A metric that has no interval in any slice, for one reason."""
    nothing = np.full(len(texts), np.nan)
    return MetricIntervals(
        name, texts, Interval(nothing, nothing, nothing, nothing, nothing, [reason] * len(texts)), ""
    )
