"""What was said of columns by `--column`: whether logs have them, and whether each was taken for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from jobs.errors import ContractError, Problem
from jobs.settings.fields import DIMENSION
from jobs.surfaces.init.found import Proposal
from jobs.surfaces.init.logs.columns import Column, hindered
from jobs.surfaces.init.logs.samples import Log
from jobs.surfaces.init.roles import lacking
from jobs.surfaces.init.roles.labels import LabelColumn

Given = Mapping[str, Sequence[str]]
NOT_SO: Final = "what was said of the columns does not fit them"
ONE: Final = "one column of the impressions"
EXPECTED: Final = {
    **dict.fromkeys(("id", "time", "unit", "weight"), ONE),
    "label": "columns of 0 and 1, -1 and 1, or true and false, of which no log tells; or one of a few classes",
    "score": "columns of probabilities from 0 to 1 or of log odds, of a label of classes one for each",
    "dimension": f"{DIMENSION}, that is no key column or statistic of our tables",
}
TIMES: Final = "times such as 2026-11-20 10:00:00, or epoch seconds, ms or µs of our days"


def check_known(given: Given, logs: Sequence[Log]) -> None:
    """Raise ContractError (exit 2) for names that no log has."""
    known = [name for log in logs for name in log.columns]
    _check(lacking.unknown(role, name, known) for role, names in given.items() for name in names if name not in known)


def check_time(given: Given, columns: Mapping[str, Column]) -> None:
    """Raise ContractError (exit 2) for a column that was said to have the times, and has none that can be read."""
    said = [columns[name] for name in given.get("time", ()) if name in columns]
    _check(_of("time", each, TIMES) for each in said if not each.tells_time)


def check_taken(made: Proposal, given: Given) -> None:
    """Raise ContractError (exit 2) for columns that were not taken for what they were said to be."""
    columns = made.impressions.columns
    _check(
        _of(role, columns[name], EXPECTED[role])
        if name in columns
        else Problem(f"--column {role}", f"{name!r}, which the impressions have not", EXPECTED[role])
        for role, names in given.items()
        for name in names
        if name not in _taken(made, role)
    )


def _taken(made: Proposal, role: str) -> Collection[str | None]:
    if role == "label":
        return {label.column for label in made.labels.values() if isinstance(label, LabelColumn)}
    if role == "score":
        return {name for score in made.scores for name in score.columns}
    return made.dimensions if role == "dimension" else (made.of(role),)


def _of(role: str, column: Column, expected: str) -> Problem:
    why = hindered(column)
    found = f"{column.name!r} ({column.examples}" + (f": {why})" if why else ")")
    return Problem(f"--column {role}", found, expected)


def _check(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise ContractError(NOT_SO, found)
