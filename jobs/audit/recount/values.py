"""What raw values mean: numbers, moments, texts, as the configuration declares them; None where they mean nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.recount.reading import UnreadableError
from jobs.settings import LabelColumn, TimeColumn

NUMBER: Final = re.compile(r"\s*([+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|(?i:inf|infinity))|(?i:nan))\s*")
INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")
FACTOR: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
FARTHEST: Final = 2.0**19  # of a finite logit
NEAR_ONE: Final = 1e-6  # shares of classes add up to 1 but for so much


def number(raw: Any) -> float | None:
    """A raw value as a double; None for NULL and for text that is no number.

    Example:
        >>> number("1e3"), number("1d"), number(True), number(-0.0)
        (1000.0, None, 1.0, 0.0)
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        return float(raw) + 0.0 if NUMBER.fullmatch(raw) else None
    return float(raw) + 0.0


def text(raw: Any) -> str | None:
    """A raw value as text, as ids, units and dimensions are spelled.

    Raises:
        UnreadableError: Of its type engines have spellings of their own.
    """
    if raw is None or isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int):
        return str(raw)
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw.isoformat()
    raise UnreadableError(f"a {type(raw).__name__} as text, which engines spell in their own way")


def moments(column: pa.Array, time: TimeColumn, zone: str) -> pa.Array:
    """Raw times in µs since 1970, UTC; NULL where they are none. A time without a zone is one of the declared zone."""
    type_ = column.type
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return pa.array([_of_text(raw, time, zone) for raw in column.to_pylist()], pa.int64())
    if time.unit is not None:
        return pc.multiply(column.cast(pa.int64()), FACTOR[time.unit])
    if pa.types.is_date(type_):
        column = column.cast(pa.timestamp("us"))
    if not pa.types.is_timestamp(column.type):
        raise UnreadableError(f"{time.column}: a time of type {type_}")
    micros = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    if micros.type.tz is None:
        micros = pc.assume_timezone(micros, zone, ambiguous="earliest", nonexistent="latest")
    return micros.cast(pa.int64())


def _of_text(raw: str | None, time: TimeColumn, zone: str) -> int | None:
    if raw is None:
        return None
    if time.unit is not None:
        return int(raw) * FACTOR[time.unit] if re.fullmatch(r"\s*[+-]?\d+\s*", raw) else None
    try:
        moment = datetime.fromisoformat(raw.strip())
    except ValueError:
        raise UnreadableError(f"{time.column}: {raw!r}, a time as text that is not ISO 8601") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
    return int(pa.scalar(moment, pa.timestamp("us", "UTC")).cast(pa.int64()).as_py())


def label(raw: Any, declared: LabelColumn) -> float | tuple[float, ...] | None:
    """The value of a label in the row, of classes its number or all shares; None where it rejects the row.

    Example:
        >>> label(-1, LabelColumn(column="liked", values="signed")), label(2, LabelColumn(column="c", values="binary"))
        (0.0, None)
    """
    if declared.values == "classes":
        return _class(raw, declared.classes)
    spelled = raw.strip().lower() if isinstance(raw, str) and declared.values == "binary" else raw
    value = number({"true": 1.0, "false": 0.0}.get(spelled, raw) if isinstance(spelled, str) else raw)
    if value is None or not math.isfinite(value):
        return None
    allowed = {"binary": value in (0.0, 1.0), "signed": value in (-1.0, 1.0), "soft": 0.0 <= value <= 1.0}
    if not allowed.get(declared.values, True):
        return None
    return (value + 1.0) / 2.0 if declared.values == "signed" else value


def _class(raw: Any, classes: Sequence[str]) -> float | tuple[float, ...] | None:
    if isinstance(raw, list):
        shares = [number(each) for each in raw]
        known = tuple(each for each in shares if each is not None and 0.0 <= each <= 1.0)
        return known if len(known) == len(raw) == len(classes) and abs(sum(known) - 1.0) <= NEAR_ONE else None
    if isinstance(raw, str) or all(map(INTEGER.fullmatch, classes)):
        named = text(raw)
        return float(classes.index(named)) if named in classes else None
    value = number(raw)
    return value if value is not None and value in range(len(classes)) else None


def weight(raw: Any, cap: float | None) -> float | None:
    """A weight, or the capped inverse of a propensity; None where it cannot be used."""
    value = number(raw)
    if value is None or math.isnan(value):
        return None
    if cap is not None:
        return min(1.0 / value, cap) if 0.0 < value <= 1.0 else None
    return value if 0.0 <= value < math.inf else None


def score(raw: Any, scale: str | None) -> float | None:
    """A score on its scale, or of values without one; None where it cannot be used."""
    value = number(raw)
    if value is None or math.isnan(value):
        return None
    fine = {
        "probability": 0.0 <= value <= 1.0,
        "logit": math.isinf(value) or abs(value) < FARTHEST,
        None: math.isfinite(value),
    }
    return value if fine[scale] else None


def class_scores(raw: Sequence[Any], scale: str, classes: int) -> tuple[float, ...] | None:
    """The scores of all classes; None where they cannot be used."""
    every = raw[0] if len(raw) == 1 else raw
    if every is None or len(every) != classes:
        return None
    found = [score(each, "probability" if scale == "probability" else "logit") for each in every]
    known = tuple(each for each in found if each is not None)
    if len(known) < classes:
        return None
    if scale == "logit":
        finite = [abs(each) for each in known if math.isfinite(each)]
        if known.count(math.inf) > 1 or known.count(-math.inf) == classes or max(finite, default=0.0) >= FARTHEST / 2:
            return None
    return known


def exactly(value: Decimal | int | None) -> Decimal | None:
    """A stored sum or count as it is."""
    return None if value is None else Decimal(value)
