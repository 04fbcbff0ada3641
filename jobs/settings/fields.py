"""The field types of the configuration: names, durations, columns, options."""

import functools
import math
import os
import re
import zoneinfo
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError

from jobs.errors import LARGEST_INTEGER, nearest_match, one_of
from udfs.measures.peers import PEERS

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION = re.compile(r"([0-9]{1,6})([dhms])")


class Section(BaseModel):
    """One mapping of the configuration: typed, frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def wrong(expected: str, nearest: str | None = None) -> PydanticCustomError:
    """Return the error of a value that is not what was expected, with the nearest match if any."""
    return PydanticCustomError("expectation", "{expected}", {"expected": expected, "nearest": nearest})


def duration(value: object) -> timedelta:
    """Return a duration written as a whole number and a unit.

    >>> duration("90m")
    datetime.timedelta(seconds=5400)
    """
    if isinstance(value, timedelta):
        return value
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong("a duration such as 30s, 90m, 1h or 7d")
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


def duration_text(value: timedelta) -> str:
    """Return the duration in its largest whole unit; `duration` reads it back.

    >>> duration_text(timedelta(minutes=120)), duration_text(timedelta(0))
    ('2h', '0h')
    """
    seconds = value // timedelta(seconds=1)
    unit = next(unit for unit, size in UNITS.items() if seconds % size == 0) if seconds else "h"
    return f"{seconds // UNITS[unit]}{unit}"


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise wrong("a duration above zero")
    return value


def _whole_hours(value: timedelta) -> timedelta:
    if value % timedelta(hours=1):
        raise wrong("whole hours, as age_hours is an integer")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise wrong("a name of a-z, 0-9 and _ that starts with a letter")
    return value


def _class_name(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_INTEGER:
        return str(value)
    if not isinstance(value, str) or not value:
        raise wrong("text or an integer; a name such as yes, no, null or 1.5 in quotes")
    return value


def _model_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_.-]*", value):
        raise wrong("a name of a-z, 0-9, _, - and . that starts with a letter")
    return value


def _dimension(value: str) -> str:
    # Delta tables without column mapping take no other names, and slice texts are split at "," and "=".
    if not re.fullmatch(r"[^\s,;{}()=.`%]+", value):
        raise wrong("a column name without spaces, dots and any of , ; { } ( ) = ` %")
    return value


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _peer(value: str) -> str:
    if value not in PEERS:
        raise wrong(one_of(PEERS), nearest_match(value, PEERS))
    return value


def _zone(value: str) -> str:
    if value not in _zones():
        raise wrong("an IANA time zone such as Europe/Berlin", nearest_match(value, sorted(_zones())))
    return value


def _option(value: object) -> object:
    if isinstance(value, str):
        return TypeAdapter(str).validate_python(value)
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise wrong("text, a number, true or false")


def _columns(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise wrong("a column name, or a list of them")
    return value


def _rate(value: object) -> object:
    if isinstance(value, timedelta) or (isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,3}d", value)):
        return duration(value)
    if not isinstance(value, float | int) or isinstance(value, bool) or not 0.0 < value < 1.0:
        raise wrong("a rate between 0 and 1, or how many days back it is taken from, such as 1d")
    return float(value)


def _rate_text(value: object) -> object:
    return duration_text(value) if isinstance(value, timedelta) else value


def _time(value: object) -> object:
    if not isinstance(value, str | Mapping | TimeColumn):
        raise wrong("a column name, or {column, unit}")
    return {"column": value} if isinstance(value, str) else value


class TimeColumn(Section):
    """A time: a timestamp column, or a column of epoch integers with their unit."""

    column: "Column"
    unit: Literal["s", "ms", "us"] | None = None


T = TypeVar("T")
Items = Annotated[tuple[T, ...], Field(strict=False)]
Column = Annotated[str, Field(min_length=1)]
# One column, or several that are scores of the classes in their order.
Columns = Annotated[tuple[Column, ...], BeforeValidator(_columns), Field(min_length=1, strict=False)]


def _path(text: str) -> str:
    """A path without `file:` and `~`, which engines and Python read differently."""
    parts = urlsplit(text)
    return unquote(parts.path) if parts.scheme == "file" else os.path.expanduser(text)


Text = Annotated[str, Field(min_length=1)]
Path = Annotated[Text, AfterValidator(_path)]
Name = Annotated[str, AfterValidator(_name)]
ClassName = Annotated[str, BeforeValidator(_class_name)]
ModelName = Annotated[str, AfterValidator(_model_name)]
Dimension = Annotated[str, AfterValidator(_dimension)]
Zone = Annotated[str, AfterValidator(_zone)]
Peer = Annotated[str, AfterValidator(_peer)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
PositiveCount = Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
# Not validated as a union, which would report one error per member.
Option = Annotated[str | int | float | bool, PlainValidator(_option)]
Rate = Annotated[float | timedelta, PlainValidator(_rate), PlainSerializer(_rate_text)]
Time = Annotated[TimeColumn, BeforeValidator(_time)]
Duration = Annotated[timedelta, BeforeValidator(duration), PlainSerializer(duration_text)]
Window = Annotated[Duration, AfterValidator(_positive)]
Age = Annotated[Duration, AfterValidator(_whole_hours)]
JsonObject = Mapping[str, Any]
