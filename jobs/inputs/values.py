"""How a raw value becomes ours, as expressions that both engines have: a number, or a reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add, and_, or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.engines.quoting import by_name
from jobs.files.pinned import Pinned
from jobs.settings import LabelColumn
from udfs.exact.units import LOGIT_LIMIT
from udfs.examples.classes import CLASS_LOGIT_LIMIT, SUM_TOLERANCE

NUMBER = r"^\s*([+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|(?i:inf|infinity))|(?i:nan))\s*$"
INTEGER = re.compile(r"0|-?[1-9][0-9]*")


def text(name: str) -> Column:
    """A column as text."""
    return by_name(name).cast("string")


def number(source: Pinned, name: str) -> Column:
    """A column as a double, never -0.0; text that is no number is NULL."""
    # Engines differ in whether -0.0 is 0, and whether it is less.
    return _number(source, name) + F.lit(0.0)


def _number(source: Pinned, name: str) -> Column:
    column = by_name(name)
    if source.is_text:
        # Without the pattern engines differ: one reads `1d` as 1.0, the other as no number; so with `-nan`.
        return F.when(column.rlike(NUMBER), column.try_cast("double"))
    if _is_decimal(source, name):
        # Cast directly, the last bit differs between engines: one of them divides a rounded integer.
        column = column.cast("string")
    return column.cast("double")


def hashed(source: Pinned, names: Iterable[str]) -> Column:
    """xxhash64 of columns; it skips NULLs, so each column says first whether it is there."""
    columns = []
    for name in names:
        value = _hashable(source, name)
        columns += [value.isNull(), value]
    return F.xxhash64(*columns)


def _hashable(source: Pinned, name: str) -> Column:
    """A column of which engines have the same hash: they differ in wide decimals, and in the NaNs of a processor."""
    if _is_decimal(source, name):
        return number(source, name)
    type_ = dict(source.frame.dtypes)[name]
    if type_ not in ("double", "float"):
        return _exact(source, name)
    return F.when(F.isnan(by_name(name)), F.lit(float("nan")).cast(type_)).otherwise(by_name(name))


def label(source: Pinned, declared: LabelColumn) -> tuple[Column, Column]:
    """The value of a label in the row, and why it rejects the row, or NULL."""
    if declared.values == "classes":
        value, allowed = _class(source, declared)
    else:
        raw = _truth(source, declared.column) if declared.values == "binary" else number(source, declared.column)
        value = (raw + 1.0) / 2.0 if declared.values == "signed" else raw
        allowed = {
            "binary": raw.isin(0.0, 1.0),
            "signed": raw.isin(-1.0, 1.0),
            "soft": (raw >= 0.0) & (raw <= 1.0) & ~F.isnan(raw),
            "number": ~F.isnan(raw) & (F.abs(raw) < float("inf")),
        }[declared.values]
    absent = F.when(by_name(declared.column).isNull(), F.lit("null_label"))
    return value, absent.when(value.isNull() | ~F.coalesce(allowed, F.lit(False)), F.lit("bad_label"))


def relevance_reason(value: Column) -> Column:
    """Why a label rejects its row where it is the relevance of a candidate, or NULL: gains are of 0 or more."""
    return F.when(value < 0.0, F.lit("bad_label"))


def _truth(source: Pinned, name: str) -> Column:
    """A column of 0 and 1 as a double; text may say true and false."""
    if not source.is_text:
        return number(source, name)
    spelled = F.lower(F.trim(by_name(name)))
    return F.when(spelled == "true", 1.0).when(spelled == "false", 0.0).otherwise(number(source, name))


def _class(source: Pinned, label: LabelColumn) -> tuple[Column, Column]:
    """The number of a class by its name or number, or its shares; and whether it is one of the declared."""
    type_, count = dict(source.frame.dtypes)[label.column], len(label.classes)
    if type_.startswith("array"):
        shares, each = _elements(_list(source, label.column), count)
        fine = [(share >= 0.0) & (share <= 1.0) for share in each]
        one = F.abs(reduce(add, each) - 1.0) <= SUM_TOLERANCE
        return shares, (F.size(shares) == count) & reduce(and_, fine) & one
    if type_ == "string" or all(map(INTEGER.fullmatch, label.classes)):
        place = F.array_position(F.array(*map(F.lit, label.classes)), text(label.column)).cast("double") - 1.0
        return place, place >= 0.0
    raw = number(source, label.column)
    return raw, (raw >= 0.0) & (raw < count) & (raw == F.floor(raw))


def weighed(source: Pinned, column: str, cap: float | None) -> tuple[Column, Column]:
    """A weight, or the capped inverse of a propensity; and why it cannot be used, or NULL."""
    raw = number(source, column)
    value = raw if cap is None else F.when((raw > 0.0) & (raw <= 1.0), F.least(1.0 / raw, F.lit(cap)))
    return value, (
        F.when(by_name(column).isNull(), F.lit("null_weight")).when(
            value.isNull() | F.isnan(value) | (value < 0.0) | (value == float("inf")), F.lit("bad_weight")
        )
    )


def rate_reason(source: Pinned, column: str) -> Column:
    """Why a sampling rate cannot be used, or NULL."""
    rate = number(source, column)
    usable = (rate > 0.0) & (rate <= 1.0)
    return F.when(~F.coalesce(usable, F.lit(False)), F.lit("bad_sampling_rate"))


def value_reason(column: str, value: Column) -> Column:
    """Why a predicted value cannot be used, or NULL."""
    return (
        F.when(by_name(column).isNull(), F.lit("null_score"))
        .when(value.isNull() | (F.abs(value) == float("inf")), F.lit("bad_score"))
        .when(F.isnan(value), F.lit("nan_score"))
    )


def class_scores(source: Pinned, columns: Sequence[str], scale: str, classes: int) -> tuple[Column, Column]:
    """The scores of all classes as an array, and why they cannot be used, or NULL."""
    if len(columns) == 1:
        value, each = _elements(_list(source, columns[0]), classes)
    else:
        each = [number(source, column) for column in columns]
        value = F.array(*each)

    def some(condition: Callable[[Column], Column]) -> Column:
        return reduce(or_, (condition(x) for x in each))

    if scale == "probability":
        outside = F.when(some(lambda x: (x < 0.0) | (x > 1.0)), F.lit("bad_score"))
    else:
        certain = reduce(add, (F.when(x == float("inf"), 1).otherwise(0) for x in each))
        impossible = reduce(and_, (x == float("-inf") for x in each))
        far = some(lambda x: (F.abs(x) >= CLASS_LOGIT_LIMIT) & (F.abs(x) != float("inf")))
        # Neither has a softmax.
        outside = F.when((certain > 1) | impossible, F.lit("bad_score")).when(far, F.lit("out_of_range"))
    return value, (
        F.when(value.isNull(), F.lit("null_score"))
        .when(F.size(value) != classes, F.lit("bad_score"))
        .when(some(lambda x: x.isNull()), F.lit("null_score"))
        .when(some(F.isnan), F.lit("nan_score"))
        .otherwise(outside)
    )


def _list(source: Pinned, name: str) -> Column:
    """A column of lists; one that is NULL in every file may be a list too."""
    return F.lit(None).cast("array<double>") if name in source.void else _exact(source, name)


def _exact(source: Pinned, name: str) -> Column:
    """A column, of which decimals in lists are text: cast directly or hashed, engines differ."""
    decimals = dict(source.frame.dtypes)[name].startswith("array<decimal")
    return by_name(name).cast("array<string>") if decimals else by_name(name)


def _elements(column: Column, count: int) -> tuple[Column, list[Column]]:
    """An array of doubles and its elements: the embedded engine loses sight of a column that only a lambda reads."""
    array = column.cast("array<double>")
    # Plus 0: see `number`.
    return array, [F.get(array, F.lit(k)) + F.lit(0.0) for k in range(count)]


def score_reason(column: str, scale: str, value: Column) -> Column:
    """Why a score cannot be used, or NULL."""
    problem = (
        F.when(by_name(column).isNull(), F.lit("null_score"))
        .when(value.isNull(), F.lit("bad_score"))
        .when(F.isnan(value), F.lit("nan_score"))
    )
    if scale == "probability":
        return problem.when((value < 0.0) | (value > 1.0), F.lit("bad_score"))
    finite = F.abs(value) != float("inf")
    return problem.when(finite & (F.abs(value) >= LOGIT_LIMIT), F.lit("out_of_range"))


def _is_decimal(source: Pinned, name: str) -> bool:
    return dict(source.frame.dtypes)[name].startswith("decimal")
