"""What somebody's logs lack to be evaluated: what was looked for, and the columns that come nearest."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from jobs.errors import ContractError, Problem, nearest_match, one_of
from jobs.surfaces.init.logs.columns import Column, hindered
from jobs.surfaces.init.logs.samples import Log
from jobs.surfaces.init.roles.labels import MOST_CLASSES
from jobs.surfaces.init.roles.scores import scale_of
from jobs.surfaces.init.words import LABEL, NO_SCORE, NUMBERED, SCORE, is_id, says

EVENTS: Final = "a column of impressions' ids, equal to theirs, and one of times"
NEAREST: Final = 5
NONE: Final = {"score": "there is no score to evaluate", "label": "there is no label to evaluate"}
LOOKED: Final = {
    "score": "a column of probabilities from 0 to 1 or of log odds, called like p_click, pctr, pred or score",
    "label": "a column of 0 and 1, called like click, is_clicked, label or outcome; or a log of events: --labels PATH",
}


def named_scores(log: Log) -> list[str]:
    """The columns of a log that are called as scores are and hold numbers."""
    return [
        each.name
        for each in log.columns.values()
        if says(each.name, SCORE) and not says(each.name, NO_SCORE) and scale_of(each) is not None
    ]


def unknown(role: str, name: str, known: Collection[str]) -> Problem:
    """What is wrong where no column has the name that was said."""
    return Problem(f"--column {role}", repr(name), one_of(known), nearest_match(name, known))


def score(log: Log, taken: Iterable[str]) -> ContractError:
    """There is no score: what comes nearest are other numbers from 0 to 1, and what cannot be read as such."""
    used = set(taken)
    free = [each for each in log.columns.values() if each.name not in used]
    near = [each for each in free if scale_of(each) == "probability" and not NUMBERED.fullmatch(each.name)]
    called = [each for each in free if says(each.name, SCORE)]
    numbers = [each for each in free if scale_of(each) == "probability"]
    return _error("score", log, [*called, *near, *numbers])


def label(log: Log) -> ContractError:
    """There is no label: what comes nearest is what is called so, then what has few values."""
    columns = [each for each in log.columns.values() if not is_id(each.name)]
    called = [each for each in columns if says(each.name, LABEL)]
    two = [each for each in columns if each.binary is not None or each.distinct == 2]
    few = [each for each in columns if 2 < each.distinct <= MOST_CLASSES and each.kind in ("integer", "text")]
    return _error("label", log, [*called, *two, *few[:2]])


def _error(role: str, log: Log, nearest: Iterable[Column]) -> ContractError:
    listed = list({each.name: each for each in nearest}.values())[:NEAREST]
    near = "; ".join(map(_told, listed))
    found = f"none among {len(log.columns)} columns" + (f"; nearest: {near}" if near else f": {', '.join(log.columns)}")
    mend = f"; or name it: --column {role}={listed[0].name if listed else 'COLUMN'}"
    problem = Problem(str(log.source["path"]), found, LOOKED[role] + mend)
    return ContractError(NONE[role], [problem])


def _told(column: Column) -> str:
    why = hindered(column)
    return f"{column.name} ({column.examples}" + (f": {why})" if why else ")")
