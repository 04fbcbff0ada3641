"""Calibration of crosses by kind of task: the mean of score minus label, its variance, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jobs.judgement.by_shard import ByShard
from jobs.judgement.slices.audit import DETECTABLE, STATISTICS, audited, sigmas
from jobs.judgement.slices.crosses import FREE, Crosses
from jobs.judgement.slices.rates import Rate, calibration_side, value_side
from jobs.judgement.uncertainty.jackknife import Estimates
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import ratio, total

Said = Mapping[str, float | None]


class Calibration(NamedTuple):
    """What calibration is.

    Attributes:
        expected: The statistic of what scores expect, Σ w·s.
        actual: That of what occurs, Σ w·y.
        rate: Their difference by weight.
        names: The statistics that cells are read with.
        of_probabilities: Whether the variance is the one that right probabilities have, p(1 − p); else it is that of
            the errors themselves.
    """

    expected: str
    actual: str
    rate: Rate
    names: tuple[str, ...]
    of_probabilities: bool

    def by_shard(self, sums: ByShard) -> Estimates:
        """The mean error of every slice, of all shards and without each."""
        error = ratio(sums.of[self.expected] - sums.of[self.actual], sums.of["weight"])
        none = ["no_weight" if weight == 0.0 else None for weight in sums.of["weight"][:, 0].tolist()]
        return Estimates(error, sums.exact.present, none)

    def errors(self, found: Crosses, side: int) -> FloatArray:
        """The exact differences Σ w·(y − s) of every cross, rounded once. (crosses,)."""
        every = found.sums[self.actual].minus(found.sums[self.expected]).nearest()
        errors: FloatArray = every.reshape(found.sides, -1)[side]
        return errors


OF_PROBABILITIES = Calibration(
    "score_sum", "positive_weight", calibration_side, (*STATISTICS, "squared_weight"), of_probabilities=True
)
OF_VALUES = Calibration(
    "predicted_sum",
    "label_sum",
    value_side,
    ("n", "weight", "squared_weight", "predicted_sum", "label_sum", "squared_value_error"),
    of_probabilities=False,
)


def calibration_of(kind: str, settings: Evaluation) -> Calibration | None:
    """What it is for a kind of task; None where cells say nothing of it, as of classes and of groups."""
    there = statistics_of_kind(settings, kind).keys()
    return next((each for each in (OF_PROBABILITIES, OF_VALUES) if there >= {*each.names}), None)


def said_of(
    found: Crosses, rows: Mapping[str, int], of: Calibration, least_rows: int, inflation: float
) -> dict[str, Said]:
    """What is said of the calibration of some crosses in the last side: error, σ, and what could have been seen.

    Args:
        found: All crosses.
        rows: Those that are asked for by their slice.
        of: What calibration is.
        least_rows: A cross of fewer has no verdict.
        inflation: How many times as large variances are as those of independent rows.
    """
    last = found.sides - 1
    if of.of_probabilities:
        audit = audited(found, last, least_rows=least_rows, inflation=inflation)
        columns = {name: getattr(audit, name) for name in ("error", "z", "spiegelhalter", "detectable")}
    else:
        side = of.rate({name: found.nearest(name)[last] for name in of.names})
        errors, variance = of.errors(found, last), side.variance * inflation
        columns = {"error": 0.0 - ratio(errors, side.weight), "z": sigmas(errors, variance)}
        columns["detectable"] = DETECTABLE * ratio(np.sqrt(variance), side.weight)
    return {text: {name: _known(values[row]) for name, values in columns.items()} for text, row in rows.items()}


def field_errors(found: Crosses, of: Calibration = OF_PROBABILITIES) -> dict[str, float | None]:
    """Relative calibration error of each dimension, Σ_v |Σ_v w(y − s)| / |Σ w·y| over its values v (Field-RCE).

    Of the last side. None where labels add up to 0. Source: Pan et al., Field-aware calibration, WWW 2020.

    >>> import pyarrow as pa
    >>> from jobs.judgement.slices.crosses import cells, crosses
    >>> day = pa.table({"os": ["ios", "web"], "positive_weight": [8, 2], "score_sum": [9, 3]})
    >>> field_errors(crosses(cells([day], ["os"], ["positive_weight", "score_sum"])))
    {'os': 0.2}
    """
    last = found.sides - 1
    errors, actual = of.errors(found, last), found.nearest(of.actual)[last]
    whole = {}
    for i, name in enumerate(found.values):
        own = (found.depths == 1) & (found.codes[:, i] != FREE)
        whole[name] = _known(ratio(np.array(total(np.abs(errors[own]))), np.array(abs(total(actual[own])))))
    return whole


def _known(value: FloatArray) -> float | None:
    return float(value) if np.isfinite(value) else None
