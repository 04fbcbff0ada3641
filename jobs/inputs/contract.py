"""The contract of the sources: every column that the configuration names is there and has a usable type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from jobs.errors import ContractError, Problem, nearest_match
from jobs.settings import Evaluation, LabelColumn, TimeColumn
from udfs.kinds import KINDS

WHOLE_DECIMAL = "decimal(n,0)"  # as which unsigned integers of 64 bits are read
INTEGERS = ("bigint", "int", "smallint", "tinyint", WHOLE_DECIMAL)
NUMBERS = ("double", "float", "decimal", "bigint", "int", "smallint", "tinyint", "boolean")
KEYS = ("string", *INTEGERS)
DIMENSIONS = (*KEYS, "boolean", "date")
TIMES = ("timestamp", "timestamp_ntz", "date")
LISTS = tuple(f"array<{name}>" for name in NUMBERS if name != "boolean")
# Of what type, as a pattern, and what to do about it.
MENDS = (
    (" in .* and .* in ", "write it in one type in all files of the source"),
    ("^struct<.*indices", "make an array of a vector (Spark ML: vector_to_array), or a column of one of its elements"),
    ("^(struct|map)<", "write what is in it as columns of their own"),
    ("binary|uuid", "write it as text, such as its hexadecimal digits"),
    ("^(time(?!stamp)|duration|interval)", "write it as a timestamp, as text or as an integer"),
)
# One value has one spelling: 1, 1.0 and 1E0 would be three slices.
KEY_MENDS = (
    ("^(double|float|decimal)", "write it as text or integers, as numbers with a point lose digits"),
    ("^timestamp", "write it as a date or as text"),
)
TIME_MENDS = (("^(bigint|int|smallint|decimal)", "of epoch numbers name the unit: {column: …, unit: s | ms | us}"),)


class Described(Protocol):
    """A source of which the columns are known."""

    @property
    def name(self) -> str:
        """Where it stands in the configuration."""

    @property
    def is_text(self) -> bool:
        """Whether all its columns are text."""

    @property
    def types(self) -> Mapping[str, str]:
        """Its columns, with their types as engines call them."""

    @property
    def unusable(self) -> Mapping[str, str]:
        """Those that cannot be read, with their types."""

    @property
    def void(self) -> frozenset[str]:
        """Those of NULLs alone, of no type."""


Expectation = tuple[str, str | None, tuple[str, ...]]


def check(impressions: Described | None, logs: Mapping[str, Described], settings: Evaluation) -> None:
    """Compare the sources with the configuration.

    Raises:
        ContractError: All columns that are missing or of a wrong type, at once (exit 2).
    """
    problems = [] if impressions is None else _problems(impressions, _impression_columns(settings))
    for name, log in logs.items():
        declared = settings.label_logs[name]
        columns, place = declared.columns, f"labels.{name}.columns"
        expected = [(f"{place}.id", columns.id, KEYS), _time(f"{place}.time", columns.time)]
        expected += [(f"{place}.event", columns.event, KEYS), (f"{place}.value", columns.value, NUMBERS)]
        expected += [_time(f"{place}.ingested", columns.ingested), _time(f"{place}.retracted", columns.retracted)]
        expected.append(_time(f"labels.{name}.complete.watermark", declared.complete.watermark))
        problems += _problems(log, expected)
    if problems:
        raise ContractError("the sources do not have what the configuration names", problems)


def _impression_columns(settings: Evaluation) -> list[Expectation]:
    columns = settings.impressions.columns
    place = "impressions.columns"
    expected: list[Expectation] = [
        (f"{place}.id", columns.id, KEYS),
        _time(f"{place}.time", columns.time),
        _time("impressions.complete.watermark", settings.impressions.complete.watermark),
        (f"{place}.unit", columns.unit, KEYS),
        (f"{place}.group", columns.group, KEYS),
        (f"{place}.sampling_rate", columns.sampling_rate, NUMBERS),
        (f"{place}.weight", columns.weight, NUMBERS),
        *((f"dimensions.{name}", name, DIMENSIONS) for name in settings.dimensions),
        *((f"labels.{n}.column", label.column, _values(label)) for n, label in settings.label_columns.items()),
        *((f"tasks.{name}.weight", task.weight, NUMBERS) for name, task in settings.tasks.items()),
    ]
    for name, own in settings.tasks.items():
        if own.propensity is not None:
            expected.append((f"tasks.{name}.propensity.column", own.propensity.column, NUMBERS))
    for model, scores in settings.models.items():
        for task, score in scores.items():
            array = KINDS[settings.tasks[task].kind].of_classes and len(score.score) == 1
            allowed = LISTS if array else NUMBERS
            expected += [(f"models.{model}.{task}.score", column, allowed) for column in score.score]
    return expected


def _values(label: LabelColumn) -> tuple[str, ...]:
    return ("string", *INTEGERS, *LISTS) if label.values == "classes" else NUMBERS


def _time(place: str, time: TimeColumn | None) -> Expectation:
    if time is None:
        return place, None, TIMES
    return place, time.column, INTEGERS if time.unit else TIMES


def _problems(source: Described, expected: Iterable[Expectation]) -> list[Problem]:
    types = source.types
    found = (_problem(source, types, *one) for one in expected)
    return [problem for problem in found if problem is not None]


def _problem(
    source: Described, types: Mapping[str, str], place: str, column: str | None, allowed: tuple[str, ...]
) -> Problem | None:
    if column is None or column in source.void:
        return None
    if (type_ := source.unusable.get(column)) is not None:
        return Problem(place, f"column {column!r} of type {type_}", _expected(allowed, type_))
    if column not in types:
        listed = ", ".join((*types, *source.unusable)) or "none"
        return Problem(place, repr(column), f"a column of {source.name}: {listed}", nearest_match(column, types))
    found = types[column]
    if _fits(found, allowed) or (source.is_text and found == "string"):
        return None
    return Problem(place, f"column {column!r} of type {found}", _expected(allowed, found))


def _fits(found: str, allowed: tuple[str, ...]) -> bool:
    """Whether a type is one of those allowed, whatever its digits: of decimals those behind the point may matter."""
    whole = re.sub(r"decimal\(\d+,0\)", WHOLE_DECIMAL, found)
    return whole in allowed or re.sub(r"decimal\(\d+,\d+\)", "decimal", found) in allowed


def _expected(allowed: tuple[str, ...], found: str) -> str:
    """The types that a column may have, and what makes one of them of another."""
    mends = (*MENDS, *(KEY_MENDS if "string" in allowed else ()), *(TIME_MENDS if allowed == TIMES else ()))
    mend = next((mend for pattern, mend in mends if re.search(pattern, found)), None)
    return f"one of the types {', '.join(allowed)}" + ("" if mend is None else f": {mend}")
