"""Whether a few rows look like what the configuration says of them: units of time, labels, scores, ids."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jobs.errors import Problem, described, one_of
from jobs.settings import Evaluation, LabelColumn, TimeColumn
from jobs.surfaces.first_rows.glimpse import Glimpse
from udfs.kinds import KINDS

PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}
YEARS: Final = range(2000, 2100)
DATED: Final = re.compile(r"\s*\d+-\d{1,2}-\d{1,2}")
# What becomes of an id that was read as a number with a point: 1.0, 1e+18.
FLOATED: Final = re.compile(r"-?\d+(\.0|\.\d+[eE][+-]?\d+|[eE][+-]?\d+)")
TRUTHS: Final = {"true": 1.0, "false": 0.0}
FEW: Final = 20
CONVENTIONS: Final[Mapping[str, tuple[str, Callable[[float], bool]]]] = {
    "binary": ("0 and 1", lambda value: value in (0.0, 1.0)),
    "signed": ("-1 and 1", lambda value: value in (-1.0, 1.0)),
    "soft": ("numbers from 0 to 1", lambda value: 0.0 <= value <= 1.0),
    "number": ("numbers", math.isfinite),
}


def implausible(settings: Evaluation, impressions: Glimpse | None, logs: Mapping[str, Glimpse]) -> list[Problem]:
    """Return what a few rows do not look like, at the place of the configuration that says so."""
    found: list[Problem] = []
    if impressions is not None:
        columns = settings.impressions.columns
        found += _ids("impressions.columns.id", impressions, columns.id)
        found += _times("impressions.columns.time", impressions, columns.time)
        for name, label in settings.label_columns.items():
            found += _labels(name, label, impressions, settings.limits.rejected_share)
        found += _scores(settings, impressions)
    for name, log in logs.items():
        columns_of_log = settings.label_logs[name].columns
        found += _ids(f"labels.{name}.columns.id", log, columns_of_log.id)
        found += _ids(f"labels.{name}.columns.event", log, columns_of_log.event)
        for key in ("time", "ingested", "retracted"):
            found += _times(f"labels.{name}.columns.{key}", log, getattr(columns_of_log, key))
    return found


def _ids(place: str, seen: Glimpse, column: str | None) -> Iterator[Problem]:
    values = [value for value in _values(seen, column) if isinstance(value, str)]
    floated = [value for value in values if FLOATED.fullmatch(value)]
    if values and len(floated) == len(values):
        found = f"ids such as {floated[0]!r}, which went through numbers with a point"
        yield Problem(place, found, "ids as they were first, as such numbers lose digits and match no other log's")


def _times(place: str, seen: Glimpse, time: TimeColumn | None) -> Iterator[Problem]:
    if time is None:
        return
    values = _values(seen, time.column)
    if time.unit is not None:
        yield from _epochs(place, [value for value in values if isinstance(value, int)], time.unit)
    elif seen.is_text:
        wrong = [value for value in values if not DATED.match(value)]
        if wrong and len(wrong) == len(values):
            unit = _unit_of([int(value) for value in values if value.isdecimal()])
            mend = "" if unit is None else f"; or {{column: {time.column}, unit: {unit}}}"
            yield Problem(place, f"times such as {described(wrong[0])}", f"times such as 2026-11-20 10:00:00{mend}")


def _epochs(place: str, values: Sequence[int], unit: str) -> Iterator[Problem]:
    if not values:
        return
    typical = sorted(values)[len(values) // 2]
    other = _unit_of([typical])
    if _year(typical, unit) not in YEARS:
        found = f"{typical}, which in {unit} is in the year {_year(typical, unit)}"
        yield Problem(f"{place}.unit", found, "a unit in which times are of our days" + (f": {other}" if other else ""))


def _unit_of(values: Sequence[int]) -> str | None:
    """The unit in which epoch numbers are of our days."""
    return next((unit for unit in PER_SECOND if values and all(_year(v, unit) in YEARS for v in values)), None)


def _year(value: int, unit: str) -> int:
    seconds = value // PER_SECOND[unit]
    return 1970 + int(seconds / 31_556_952) if abs(seconds) > 10**11 else datetime.fromtimestamp(seconds, UTC).year


def _labels(name: str, label: LabelColumn, seen: Glimpse, share: float) -> Iterator[Problem]:
    values = _values(seen, label.column)
    if label.values == "classes":
        texts = [str(value) for value in values if isinstance(value, str)]
        yield from _strange(f"labels.{name}.classes", texts, lambda v: v in label.classes, one_of(label.classes), share)
        return
    expected, fits = CONVENTIONS[label.values]
    numbers = [TRUTHS.get(str(value).strip().lower(), _number(value)) for value in values]
    problems = list(_strange(f"labels.{name}.column", numbers, fits, f"{expected} (values: {label.values})", share))
    others = [known for known, (_, each) in CONVENTIONS.items() if numbers and all(map(each, numbers))]
    for problem in problems:
        yield Problem(problem.place, problem.found, problem.expected + (f"; values: {others[0]}?" if others else ""))


def _scores(settings: Evaluation, seen: Glimpse) -> Iterator[Problem]:
    share = settings.limits.rejected_share
    for model, scores in settings.models.items():
        for task, score in scores.items():
            if KINDS[settings.tasks[task].kind].of_values or len(score.score) > 1:
                continue
            place = f"models.{model}.{task}.score"
            numbers = [_number(value) for value in _values(seen, score.score[0]) if not isinstance(value, list)]
            if score.scale == "probability":
                expected = "probabilities, from 0 to 1; of log odds: scale: logit"
                yield from _strange(place, numbers, lambda value: 0.0 <= value <= 1.0, expected, share)
            elif len(numbers) > FEW and all(0.0 <= value <= 1.0 for value in numbers):
                yield Problem(
                    place, f"{len(numbers)} values from 0 to 1", "log odds; of probabilities: scale: probability"
                )


def _strange(
    place: str, values: Sequence[Any], fits: Callable[[Any], bool], expected: str, share: float
) -> Iterator[Problem]:
    """A problem where more values than the share that may be rejected are not as expected."""
    strange = [value for value in values if not fits(value)]
    if len(strange) > share * len(values):
        shown = ", ".join(map(described, dict.fromkeys(map(_plain, strange[:FEW]))))
        yield Problem(place, f"{len(strange)} of {len(values)} values such as {shown[:60]}", expected)


def _values(seen: Glimpse, column: str | None) -> list[Any]:
    return seen.values(column) if column is not None and column in seen.rows.column_names else []


def _number(value: object) -> float:
    """A value as a number; what is none is NaN, which fits nothing."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _plain(value: Any) -> Any:
    """A value as it is shown: a whole number without its point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | float | int) else str(value)
