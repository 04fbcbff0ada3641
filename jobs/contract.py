"""The contract of the sources: every column that the configuration names is there and has a usable type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from jobs.errors import ContractError, Problem, nearest_match
from jobs.settings import Evaluation, LabelColumn, TimeColumn

NUMBERS = ("double", "float", "decimal", "bigint", "int", "smallint", "tinyint", "boolean")
KEYS = ("string", "bigint", "int", "smallint", "tinyint")
VALUES = (*KEYS, "boolean", "date")
TIMES = ("timestamp", "timestamp_ntz", "date")
LISTS = ("array<double>", "array<float>", "array<bigint>", "array<int>")
INTEGERS = ("bigint", "int", "smallint", "tinyint")


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


Expectation = tuple[str, str | None, tuple[str, ...]]


def check(impressions: Described | None, logs: Mapping[str, Described], settings: Evaluation) -> None:
    """Compare the sources with the configuration.

    Raises:
        ContractError: All columns that are missing or of a wrong type, at once (exit 2).
    """
    problems = [] if impressions is None else _problems(impressions, _impression_columns(settings))
    for name, log in logs.items():
        columns = settings.label_logs[name].columns
        place = f"labels.{name}.columns"
        expected = [(f"{place}.id", columns.id, KEYS), _time(f"{place}.time", columns.time)]
        problems += _problems(log, expected)
    if problems:
        raise ContractError("the sources do not have what the configuration names", problems)


def _impression_columns(settings: Evaluation) -> list[Expectation]:
    columns = settings.impressions.columns
    place = "impressions.columns"
    expected: list[Expectation] = [
        (f"{place}.id", columns.id, KEYS),
        _time(f"{place}.time", columns.time),
        (f"{place}.unit", columns.unit, KEYS),
        (f"{place}.group", columns.group, KEYS),
        (f"{place}.sampling_rate", columns.sampling_rate, NUMBERS),
        (f"{place}.weight", columns.weight, NUMBERS),
        *((f"dimensions.{name}", name, VALUES) for name in settings.dimensions),
        *((f"labels.{n}.column", label.column, _values(label)) for n, label in settings.label_columns.items()),
        *((f"tasks.{name}.weight", task.weight, NUMBERS) for name, task in settings.tasks.items()),
    ]
    for name, own in settings.tasks.items():
        if own.propensity is not None:
            expected.append((f"tasks.{name}.propensity.column", own.propensity.column, NUMBERS))
    for model, scores in settings.models.items():
        for task, score in scores.items():
            array = settings.tasks[task].kind == "multiclass" and len(score.score) == 1
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
    if column is None:
        return None
    if column not in types:
        listed = ", ".join(types) or "none"
        return Problem(place, repr(column), f"a column of {source.name}: {listed}", nearest_match(column, types))
    found = types[column].split("(")[0]
    if found in allowed or (source.is_text and found == "string"):
        return None
    return Problem(place, f"column {column!r} of type {types[column]}", f"one of the types {', '.join(allowed)}")
