"""What a column is for, as it was guessed: why, how sure, and what else it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.surfaces.init.logs.columns import Column
from jobs.surfaces.init.words import OTHER_TIME, TIME, UNIT, WEIGHT, is_id, says, words

UNIQUE: Final = 0.9
FEW_ABSENT: Final = 0.01


@dataclass(frozen=True)
class Guess:
    """What was taken for a role.

    Attributes:
        role: What it is for, as a place of the configuration.
        column: The column, or another value; None where there is none.
        why: What speaks for it.
        sure: Whether a person need not look.
        others: What was nearly taken.
    """

    role: str
    column: str | None
    why: str
    sure: bool = True
    others: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """Why it was taken, and what else it may be."""
        return f"{self.why}; or {', '.join(self.others)}" if self.others else self.why

    @property
    def facts(self) -> dict[str, Any]:
        """The guess as plain values."""
        return {**vars(self), "others": list(self.others)}


def time_of(columns: Iterable[Column], *, of_events: bool = False) -> Guess | None:
    """The column of the times of rows: by its name before its values, of several that of the rows themselves."""
    timed = [each for each in columns if is_time(each) and each.absent <= 0.5]

    def rank(column: Column) -> tuple[bool, ...]:
        named = says(column.name, TIME)
        other = says(column.name, OTHER_TIME) and not of_events
        whole = column.kind != "date"
        return not named, other, not whole, column.absent > FEW_ABSENT, not says(column.name, ("impression", "time"))

    ranked = sorted(timed, key=rank)
    if not ranked:
        return None
    best, *rest = ranked
    why = f"times, {_from_to(best)}" if best.unit is None else f"epoch numbers in {best.unit}, {_from_to(best)}"
    sure = says(best.name, TIME) and not (rest and rank(rest[0]) == rank(best)) and best.absent <= FEW_ABSENT
    return Guess("time", best.name, why, sure, tuple(each.name for each in rest[:2]))


def is_time(column: Column) -> bool:
    """Whether a column can be one of times; of integers that could be ids, the name has to say it."""
    return column.tells_time and (column.unit is None or says(column.name, TIME))


def _from_to(column: Column) -> str:
    return f"{column.moments.min():%Y-%m-%d %H:%M} to {column.moments.max():%Y-%m-%d %H:%M}"


def id_of(columns: Iterable[Column]) -> Guess | None:
    """The column of the ids of impressions: one that names each row, or nearly."""
    keys = [each for each in columns if each.kind in ("text", "integer") and not is_time(each)]
    fitting = [each for each in keys if each.absent <= FEW_ABSENT and each.unique >= UNIQUE]

    def rank(column: Column) -> tuple[bool, ...]:
        own = says(column.name, ("impression", "event", "row", "id")) or column.name.lower() in ("bidid", "bid_id")
        return not is_id(column.name), says(column.name, UNIT), not own, column.distinct < len(column.values)

    ranked = sorted(fitting, key=rank)
    if not ranked:
        return None
    best, *rest = ranked
    copies = len(best.values) - best.distinct
    why = "every value once" if not copies else f"{copies:,} of {len(best.values):,} rows repeat an id of another"
    named = is_id(best.name) or says(best.name, ("impression", "row"))
    return Guess("id", best.name, why, named, tuple(each.name for each in rest[:2]))


def unit_of(columns: Iterable[Column], taken: Iterable[str]) -> Guess | None:
    """The column of who saw the impressions, by its name."""
    used = set(taken)
    found = [
        each
        for each in columns
        if each.name not in used and each.kind in ("text", "integer") and says(each.name, UNIT) and is_id(each.name)
    ]
    users = sorted(found, key=lambda each: not says(each.name, ("user",)))
    if not users:
        return None
    several = tuple(each.name for each in users[1:3])
    return Guess("unit", users[0].name, f"{users[0].distinct:,} different users", not several, several)


def weight_of(columns: Iterable[Column], taken: Iterable[str]) -> Guess | None:
    """The column by which impressions weigh, by its name; prices and bids are none unless somebody says so."""
    used = set(taken)
    for each in columns:
        fits = each.kind in ("number", "integer") and len(each.values) and float(each.numbers.min()) >= 0.0
        if each.name not in used and fits and says(each.name, WEIGHT):
            return Guess("weight", each.name, each.examples, words(each.name)[-1] in WEIGHT)
    return None


def asked_for(given: Mapping[str, Sequence[str]], role: str, columns: Mapping[str, Column]) -> Guess | None:
    """The column that somebody has named for a role."""
    return next((Guess(role, name, "as you said") for name in given.get(role, ()) if name in columns), None)
