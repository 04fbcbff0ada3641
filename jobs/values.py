"""How a raw value becomes ours, as expressions that both engines have: a number, a time, or a reason why not."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.errors import LARGEST_INTEGER
from jobs.settings import LabelColumn, TimeColumn
from jobs.sources import Pinned
from udfs.exact import LOGIT_LIMIT, WEIGHT_LIMIT

NUMBER = r"^\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|(?i:nan|inf|infinity))\s*$"
WITH_ZONE = r"([zZ]|[+-]\d{2}:?\d{2})\s*$"


def quoted(name: str) -> Column:
    """A column by its name, whatever characters it has."""
    return F.col(f"`{name.replace('`', '``')}`")


def text(name: str) -> Column:
    """A column as text."""
    return quoted(name).cast("string")


def number(source: Pinned, name: str) -> Column:
    """A column as a double; text that is no number is NULL."""
    column = quoted(name)
    if source.is_text:
        # Without the pattern engines differ: one reads `1d` as 1.0, the other as no number.
        return F.when(column.rlike(NUMBER), column.try_cast("double"))
    if _is_decimal(source, name):
        # Cast directly, the last bit differs between engines: one of them divides a rounded integer.
        column = column.cast("string")
    return column.cast("double")


def utc_micros(source: Pinned, time: TimeColumn, zone: str) -> Column:
    """A time in µs since 1970, UTC. A timestamp without a zone is read in the declared zone."""
    column = quoted(time.column)
    if time.unit:
        factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[time.unit]
        epoch, limit = column.try_cast("bigint"), LARGEST_INTEGER // factor
        # Beyond that one engine raises and the other wraps around into some day.
        return F.when(epoch.between(-limit, limit), epoch * F.lit(factor))
    if source.is_text:
        stamp = column.try_cast("timestamp")
        return F.unix_micros(F.when(column.rlike(WITH_ZONE), stamp).otherwise(F.to_utc_timestamp(stamp, zone)))
    if dict(source.frame.dtypes)[time.column] == "timestamp":
        return F.unix_micros(column)
    return F.unix_micros(F.to_utc_timestamp(column.cast("timestamp"), zone))


def hashed(source: Pinned, names: Iterable[str]) -> Column:
    """xxhash64 of columns; it skips NULLs, so each column says first whether it is there."""
    columns = []
    for name in names:
        # Engines hash wide decimals differently.
        value = number(source, name) if _is_decimal(source, name) else quoted(name)
        columns += [value.isNull(), value]
    return F.xxhash64(*columns)


def time_reason(time: TimeColumn, moment: Column) -> Column:
    """Why a time rejects its row, or NULL."""
    absent = quoted(time.column).isNull()
    return F.when(absent, F.lit("null_time")).when(moment.isNull(), F.lit("bad_time"))


def label_reason(label: LabelColumn, value: Column) -> Column:
    """Why a label rejects its row, or NULL."""
    allowed = {
        "binary": value.isin(0.0, 1.0),
        "signed": value.isin(-1.0, 1.0),
        "soft": (value >= 0.0) & (value <= 1.0) & ~F.isnan(value),
    }[label.values]
    return F.when(quoted(label.column).isNull(), F.lit("null_label")).when(
        value.isNull() | ~allowed, F.lit("bad_label")
    )


def unit_label(label: LabelColumn, value: Column) -> Column:
    """A valid label as a number in [0, 1]."""
    return (value + 1.0) / 2.0 if label.values == "signed" else value


def weight_reason(column: str, value: Column) -> Column:
    """Why a weight cannot be used, or NULL."""
    return (
        F.when(quoted(column).isNull(), F.lit("null_weight"))
        .when(value.isNull() | F.isnan(value) | (value < 0.0), F.lit("bad_weight"))
        .when(value >= WEIGHT_LIMIT, F.lit("out_of_range"))
    )


def score_reason(column: str, scale: str, value: Column) -> Column:
    """Why a score cannot be used, or NULL."""
    problem = (
        F.when(quoted(column).isNull(), F.lit("null_score"))
        .when(value.isNull(), F.lit("bad_score"))
        .when(F.isnan(value), F.lit("nan_score"))
    )
    if scale == "probability":
        return problem.when((value < 0.0) | (value > 1.0), F.lit("bad_score"))
    finite = F.abs(value) != float("inf")
    return problem.when(finite & (F.abs(value) >= LOGIT_LIMIT), F.lit("out_of_range"))


def _is_decimal(source: Pinned, name: str) -> bool:
    return dict(source.frame.dtypes)[name].startswith("decimal")
