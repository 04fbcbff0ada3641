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
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.pandas.functions import pandas_udf

from udfs.catalog import columns_of, published
from udfs.exact.decimals import nearest
from udfs.exact.sums import total
from udfs.exact.units import HEAVIEST, weight_unit
from udfs.examples.binary import binary_examples
from udfs.measure import FloatArray, Metric
from udfs.pricing import evaluated, priced

ROW_METRICS = ("log_loss", "weighted_log_loss", "focal_loss", "brier_score")
SCALES = {"": "probability", "_logit": "logit"}


def register(
    session: SparkSession, *, alpha: float = 1.0, gamma: float = 2.0, clip: float = 1e-15
) -> dict[str, Callable[..., Any]]:
    """Register the UDFs and return them by name.

    For every metric m of a binary task `m(label, score, weight)` and `m_logit(label, logit, weight)`: grouped
    aggregates over exact sums, equal to the job's metrics, NULL where the metric is undefined. For the losses
    of a row `row_m(label, score)` and `row_m_logit(label, logit)`, scalars. A row with a NULL or NaN is left
    out, as SQL's own aggregates do (a scalar gives NULL); a label or probability outside [0, 1], or a weight
    outside [0, 2^60), raises ValueError.

    Args:
        session: Where to register, on either engine.
        alpha: How often the positive part counts in the weighted losses.
        gamma: The exponent of the focal loss.
        clip: The price of scores of exactly 0 and 1 is −ln clip.
    """
    options = {"alpha": alpha, "gamma": gamma, "clip": clip}
    made = {}
    for metric in published("binary", options).values():
        for suffix, scale in SCALES.items():
            made[metric.name + suffix] = _aggregate(metric, scale, options)
            if metric.name in ROW_METRICS:
                made[f"row_{metric.name}{suffix}"] = _scalar(metric, scale, options)
    for name, function in made.items():
        session.udf.register(name, function)
    return made


def _aggregate(metric: Metric, scale: str, options: Mapping[str, float]) -> Callable[..., Any]:
    def aggregate(label: pd.Series, score: pd.Series, weight: pd.Series) -> float:
        weights = _floats(weight)
        _check("weight", weights, 0.0, np.nextafter(HEAVIEST, 0.0))
        unit = weight_unit(float(np.fmax.reduce(weights, initial=0.0)))
        terms = _terms(_floats(label), _floats(score), weights / unit, scale, options)
        degrees = {name: s.weight_degree for name, s in columns_of("binary", options).items()}
        sums = {name: nearest([total(values)]) * unit ** degrees[name] for name, values in terms.items()}
        return float(_values(metric, sums, options).iloc[0])

    return _made(aggregate)


def _scalar(metric: Metric, scale: str, options: Mapping[str, float]) -> Callable[..., Any]:
    def scalar(label: pd.Series, score: pd.Series) -> pd.Series:
        # Each row is a slice of its own.
        terms = _terms(_floats(label), _floats(score), np.ones(len(label)), scale, options)
        return _values(metric, terms, options)

    return _made(scalar)


def _made(function: Callable[..., Any]) -> Callable[..., Any]:
    make: Any = pandas_udf("double")  # type: ignore[call-overload]
    udf: Callable[..., Any] = make(function)
    return udf


def _terms(
    label: FloatArray, score: FloatArray, weight: FloatArray, scale: str, options: Mapping[str, float]
) -> dict[str, FloatArray]:
    """The terms of every statistic, (n,), by column."""
    _check("label", label, 0.0, 1.0)
    if scale == "probability":
        _check("score", score, 0.0, 1.0)
    examples = binary_examples(label, weight, score, scale)
    return {name: statistic(examples) for name, statistic in columns_of("binary", options).items()}


def _values(metric: Metric, sums: dict[str, FloatArray], options: Mapping[str, float]) -> pd.Series:
    values, reasons = evaluated(metric, priced(sums, columns_of("binary", options), options["clip"]))
    return pd.Series(values).mask(pd.Series(reasons).notna())


def _check(name: str, values: FloatArray, low: float, high: float) -> None:
    bad = values[(values < low) | (values > high)]
    if bad.size:
        raise ValueError(f"{name} {float(bad[0])} is not in [{low:g}, {high:g}]; filter such rows first")


def _floats(values: pd.Series) -> FloatArray:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)
