"""Dimensions: columns of few values that are worth a cut, and none that names people or rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from jobs.settings.fields import OF_DIMENSION
from jobs.settings.relations import is_reserved
from jobs.surfaces.init.logs.columns import Column
from jobs.surfaces.init.roles.guesses import Guess
from jobs.surfaces.init.words import DIMENSION, NUMBERED, is_id, says, words

MOST: Final = 5
VALUES: Final = 50
NAMED_VALUES: Final = 300  # of a column whose name says that people cut by it
WHOLE: Final = 24  # different integers: more are rather a number than a name
ROWS_EACH: Final = 10  # rows for each value, or a slice says nothing
LONGEST: Final = 60


def dimensions_of(columns: Mapping[str, Column], taken: Iterable[str]) -> tuple[list[str], list[Guess]]:
    """The columns to cut by, those that are known as such first; and what was left out though it nearly fits."""
    used = set(taken)
    free = [each for each in columns.values() if each.name not in used and _few(each)]
    usable = [each for each in free if usable_name(each.name)]
    ranked = sorted(usable, key=_rank)
    chosen, left = ranked[:MOST], ranked[MOST:]
    guesses = [Guess("dimension", each.name, _told(each), _is_known(each)) for each in chosen]
    if chosen and left:
        guesses[-1] = replace(guesses[-1], others=tuple(each.name for each in left[:3]))
    return [each.name for each in chosen], guesses


def usable_name(name: str) -> bool:
    """Whether a column can be a dimension under its own name: our tables have a column of that name."""
    return re.fullmatch(OF_DIMENSION, name) is not None and not is_reserved(name)


def _few(column: Column) -> bool:
    """Whether a column has so few values that each is worth a slice, and they are no ids, numbers or texts."""
    if column.kind not in ("text", "integer", "truth", "date") or column.binary == "signed":
        return False
    if (is_id(column.name) and not _is_known(column)) or NUMBERED.fullmatch(column.name):
        return False
    most = NAMED_VALUES if _is_known(column) else WHOLE if column.kind == "integer" else VALUES
    enough = column.distinct * ROWS_EACH <= column.rows
    short = column.kind != "text" or int(column.values.str.len().max()) <= LONGEST
    return 2 <= column.distinct <= most and enough and short


def _is_known(column: Column) -> bool:
    return says(column.name, DIMENSION)


def _rank(column: Column) -> tuple[bool, int, int]:
    known = [DIMENSION.index(word) for word in words(column.name) if word in DIMENSION]
    return not known, min(known, default=0), column.distinct


def _told(column: Column) -> str:
    absent = f", {100.0 * column.absent:.3g} % without one" if column.absent > 0.0 else ""
    return f"{column.distinct:,} values{absent}"
