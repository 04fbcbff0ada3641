"""The field types of the configuration: names, durations, columns, options."""

import functools
import math
import os
import re
import zoneinfo
from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from itertools import pairwise
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

from jobs.errors import LARGEST_INTEGER, described, nearest_match, one_of
from jobs.settings.durations import HOUR, age, duration, duration_text
from jobs.settings.errors import WrongValueError
from udfs.measures.peers import PEERS


class Section(BaseModel):
    """One mapping of the configuration: typed, frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def among(known: Collection[str]) -> BeforeValidator:
    """Return what accepts the known names only."""

    def checked(value: object) -> object:
        if not isinstance(value, str):
            raise WrongValueError(one_of(known))
        if value not in known:
            raise WrongValueError(one_of(known), nearest=nearest_match(value, known))
        return value

    return BeforeValidator(checked)


def not_yet(expected: str, refused: Callable[[Any], bool]) -> BeforeValidator:
    """Return what refuses a value that means something which is not computed yet."""

    def checked(value: object) -> object:
        if refused(value):
            raise WrongValueError(expected, found=f"{described(value)}, which is not supported yet")
        return value

    return BeforeValidator(checked)


def only(given: Mapping[str, object], *sets: list[str], expected: str) -> None:
    """Raise unless the keys that have a value are one of the sets."""
    keys = [key for key, value in given.items() if value is not None]
    if keys not in sets:
        raise WrongValueError(expected, found=" and ".join(keys) or "none of its keys")


def _like(pattern: str, expected: str) -> AfterValidator:
    def checked(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise WrongValueError(expected)
        return value

    return AfterValidator(checked)


def _ascending(ages: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if any(older <= younger for younger, older in pairwise(ages)):
        raise WrongValueError("ascending ages, each once", found=", ".join(f"{each // HOUR}h" for each in ages))
    return ages


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise WrongValueError("a duration above zero")
    return value


def _class_name(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_INTEGER:
        return str(value)
    if not isinstance(value, str) or not value:
        raise WrongValueError("text or an integer; a name such as yes, no, null or 1.5 in quotes")
    return value


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(value: str) -> str:
    if value not in _zones():
        nearest = nearest_match(value, sorted(_zones()))
        raise WrongValueError("an IANA time zone such as Europe/Berlin", nearest=nearest)
    return value


def _option(value: object) -> object:
    if isinstance(value, str):
        return TypeAdapter(str).validate_python(value)
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise WrongValueError("text, a number, true or false")


def _columns(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise WrongValueError("a column name, or a list of them")
    return value


def _rate(value: object) -> object:
    if isinstance(value, timedelta) or (isinstance(value, str) and re.fullmatch(BACK, value)):
        return duration(value)
    if not isinstance(value, float | int) or isinstance(value, bool) or not 0.0 < value < 1.0:
        raise WrongValueError("a rate between 0 and 1, or how many days back it is taken from, such as 1d")
    return float(value)


def _back(value: object) -> object:
    if isinstance(value, timedelta) or (isinstance(value, str) and re.fullmatch(BACK, value)):
        return duration(value)
    raise WrongValueError("how many days back, such as 1d or 7d")


def _day(value: object) -> object:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise WrongValueError("a day such as 2026-11-01, or null") from None


def rate_text(value: object) -> object:
    """Return a rate as it is written."""
    return duration_text(value) if isinstance(value, timedelta) else value


def _time(value: object) -> object:
    if not isinstance(value, str | Mapping | TimeColumn):
        raise WrongValueError("a column name, or {column, unit}")
    return {"column": value} if isinstance(value, str) else value


class TimeColumn(Section):
    """A time: a timestamp column, or a column of epoch integers with their unit."""

    column: "Column"
    unit: Literal["s", "ms", "us"] | None = None


def _path(text: str) -> str:
    """A path without `file:` and `~`, which engines and Python read differently."""
    parts = urlsplit(text)
    plain = unquote(parts.path) if parts.scheme == "file" else os.path.expanduser(text)
    if not plain.isprintable():
        raise WrongValueError("a path without control characters")
    return plain


BACK = r"[1-9][0-9]{0,3}d"
T = TypeVar("T")
Items = Annotated[tuple[T, ...], Field(strict=False)]
Text = Annotated[str, Field(min_length=1)]
Path = Annotated[Text, AfterValidator(_path)]
Column = Text
# One column, or several that are scores of the classes in their order.
Columns = Annotated[tuple[Column, ...], BeforeValidator(_columns), Field(min_length=1, strict=False)]
# Of a name with a slash Apache Spark would read the files that are there, as in parquet./etc.
CatalogName = Annotated[
    Text, _like(r"[^/\\`\x00-\x1f\x7f-\x9f]+", "a name of a catalog, without / \\ ` and control characters")
]
Name = Annotated[str, _like(r"[a-z][a-z0-9_]*", "a name of a-z, 0-9 and _ that starts with a letter")]
ModelName = Annotated[str, _like(r"[a-z][a-z0-9_.-]*", "a name of a-z, 0-9, _, - and . that starts with a letter")]
ClassName = Annotated[str, BeforeValidator(_class_name)]
# Delta tables without column mapping take no other names, and slice texts are split at "," and "=".
DIMENSION = "a column name without spaces, dots and any of , ; { } ( ) = ` %"
OF_DIMENSION = r"[^\s,;{}()=.`%\x00-\x1f\x7f-\x9f]+"
Dimension = Annotated[str, _like(OF_DIMENSION, DIMENSION)]
Zone = Annotated[str, AfterValidator(_zone)]
Peer = Annotated[str, among(PEERS)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
PositiveCount = Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
Share = Annotated[float, Field(ge=0, le=1)]
# Not validated as a union, which would report one error per member.
Option = Annotated[str | int | float | bool, PlainValidator(_option)]
Rate = Annotated[float | timedelta, PlainValidator(_rate), PlainSerializer(rate_text)]
Back = Annotated[timedelta, PlainValidator(_back), PlainSerializer(duration_text)]
CalendarDay = Annotated[date, BeforeValidator(_day)]
Time = Annotated[TimeColumn, BeforeValidator(_time)]
Duration = Annotated[timedelta, BeforeValidator(duration), PlainSerializer(duration_text)]
Window = Annotated[Duration, AfterValidator(_positive)]
Age = Annotated[timedelta, BeforeValidator(age), PlainSerializer(duration_text)]
Ages = Annotated[Items[Age], Field(min_length=1), AfterValidator(_ascending)]
