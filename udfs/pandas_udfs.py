"""The metrics as pandas UDFs that users register on their own session, for DataFrames and for SQL.

They are made on request, because a pandas UDF needs the kind of session it will run on: one that is made at
import is refused by Spark Connect. A grouped aggregate holds a whole group in memory; the nightly job does not
use them. Their kind is read off their types, so this module must not turn annotations into text.

    >>> from udfs import pandas_udfs
    >>> udfs = pandas_udfs.register(session)                               # doctest: +SKIP
    >>> frame.groupBy("country").agg(udfs["log_loss"]("clicked", "p", "weight"))  # doctest: +SKIP
    >>> session.sql("SELECT country, log_loss(clicked, p, 1.0D) FROM logs GROUP BY country")  # doctest: +SKIP
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.pandas.functions import pandas_udf

from udfs.catalog import columns_of, published
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import nearest
from udfs.exact.sums import exact_sum
from udfs.exact.units import HEAVIEST, weight_unit
from udfs.kind import Arrays
from udfs.kinds import KINDS
from udfs.measure import Metric, Statistic
from udfs.pricing import evaluated, priced

SCALES = {"": "probability", "_logit": "logit"}


def register(
    session: SparkSession, *, alpha: float = 1.0, gamma: float = 2.0, clip: float = 1e-15
) -> dict[str, Callable[..., Any]]:
    """Register the UDFs and return them by name.

    For every metric m of a binary task `m(label, score, weight)` and `m_logit(label, logit, weight)`: grouped
    aggregates over exact sums, equal to the job's metrics, NULL where the metric is undefined. For the losses
    of a row `row_m(label, score)` and `row_m_logit(label, logit)`, scalars. A row with a NULL or NaN is left
    out, as SQL's own aggregates do (a scalar gives NULL); a label or probability outside [0, 1], or a weight
    outside [0, 2^60), raises ValueError. So of every other kind of task whose metrics are losses of rows.

    Args:
        session: Where to register, on either engine.
        alpha: How often the positive part counts in the weighted losses.
        gamma: The exponent of the focal loss.
        clip: The price of scores of exactly 0 and 1 is −ln clip.
    """
    options = {"alpha": alpha, "gamma": gamma, "clip": clip}
    made = {}
    for kind in (kind for kind in KINDS.values() if kind.row_losses):
        for metric in published(kind.name, options).values():
            for suffix, scale in SCALES.items():
                measured = _Measured(kind.name, metric, scale, options)
                made[metric.name + suffix] = _aggregate(measured)
                if metric.name in kind.row_losses:
                    made[f"row_{metric.name}{suffix}"] = _scalar(measured)
    for name, function in made.items():
        session.udf.register(name, function)
    return made


@dataclass(frozen=True)
class _Measured:
    """A metric of a kind of task, of scores on a scale, under options."""

    kind: str
    metric: Metric
    scale: str
    options: Mapping[str, float]

    @property
    def statistics(self) -> dict[str, Statistic]:
        return columns_of(self.kind, self.options)

    def terms(self, label: pd.Series, score: pd.Series, weight: FloatArray) -> dict[str, FloatArray]:
        """The terms of every statistic, (n,), by column."""
        labels, scores = _floats(label), _floats(score)
        _check("label", labels, 1.0)
        if self.scale == "probability":
            _check("score", scores, 1.0)
        examples = KINDS[self.kind].examples(Arrays((labels,), weight, (scores,), (self.scale,)))
        return {name: statistic.of(examples) for name, statistic in self.statistics.items()}

    def values(self, sums: Mapping[str, FloatArray]) -> pd.Series:
        """The metric of every slice, NULL where it is undefined."""
        values, reasons = evaluated(self.metric, priced(self.kind, sums, self.statistics, self.options["clip"]))
        return pd.Series(values).mask(pd.Series(reasons).notna())


def _aggregate(measured: _Measured) -> Callable[..., Any]:
    def aggregate(label: pd.Series, score: pd.Series, weight: pd.Series) -> float:
        weights = _floats(weight)
        _check("weight", weights, np.nextafter(HEAVIEST, 0.0))
        unit = weight_unit(float(np.fmax.reduce(weights, initial=0.0)))
        terms = measured.terms(label, score, weights / unit)
        degrees = {name: s.weight_degree for name, s in measured.statistics.items()}
        sums = {name: nearest([exact_sum(values)]) * unit ** degrees[name] for name, values in terms.items()}
        return float(measured.values(sums).iloc[0])

    return _made(aggregate)


def _scalar(measured: _Measured) -> Callable[..., Any]:
    def scalar(label: pd.Series, score: pd.Series) -> pd.Series:
        # Each row is a slice of its own.
        return measured.values(measured.terms(label, score, np.ones(len(label))))

    return _made(scalar)


def _made(function: Callable[..., Any]) -> Callable[..., Any]:
    make: Any = pandas_udf("double")  # type: ignore[call-overload]
    udf: Callable[..., Any] = make(function)
    return udf


def _check(name: str, values: FloatArray, high: float) -> None:
    bad = values[(values < 0.0) | (values > high)]
    if bad.size:
        raise ValueError(f"{name} {float(bad[0])} is not in [0, {high:g}]; filter such rows first")


def _floats(values: pd.Series) -> FloatArray:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)
