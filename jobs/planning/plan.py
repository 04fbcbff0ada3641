"""A plan: which days at which ages are to be evaluated, and why; a value that is shown or run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from statistics import median
from typing import Any, Final

from jobs.day import Day, dates
from jobs.ledger.runs import code_hash
from jobs.planning import changed
from jobs.planning.changed import needing_rows
from jobs.planning.sources import Found
from jobs.settings import Evaluation
from jobs.storage.change import DayAtAge

# What is evaluated, in the order in which it is asked; `code_changed` only where it is wanted.
TO_RUN: Final = (
    "new",
    "in_doubt",
    "failed",
    "refused",
    "provisional",
    "impressions_changed",
    "labels_changed",
    "config_changed",
)
NIGHTS: Final = 7  # by whose seconds a night is estimated
NEAR: Final = 0.8  # of `limits.cells`
OF_SUMS: Final = ("config_changed", "unchanged", "not_there")  # where a refresh may be enough
REFRESH: Final = "its sums stay: lossledger refresh is enough"


@dataclass(frozen=True)
class Done:
    """What a run that was done noted in `runs`; of a refresh, `sums` is the run whose sums it was made of."""

    part: DayAtAge
    run_id: str
    ended: datetime
    provisional: bool
    inputs: Mapping[str, Mapping[str, Any]]
    config: str
    config_hash: str
    code_hash: str
    seconds: float
    unscored: frozenset[tuple[str, str]] = frozenset()  # tasks × models that went without a row
    sums: Done | None = None

    @property
    def of_rows(self) -> Done:
        """The run that has read the rows."""
        return self.sums or self

    def needing_rows(self, settings: Evaluation) -> tuple[str, ...]:
        """What its sums lack for another configuration."""
        of = self.of_rows
        return needing_rows(settings, of.config, of.config_hash, of.unscored)


@dataclass(frozen=True)
class Known:
    """What the tables know of a day at an age.

    Attributes:
        state: Of the newest run, as `runs_latest` has it.
        in_doubt: Whether the tables cannot be trusted there.
        message: Why that run did not end well.
        done: The run whose rows they hold, where it was done.
        sums: The run whose sums they hold, where those are whole: a refresh makes all else of them.
    """

    state: str
    in_doubt: bool = False
    message: str | None = None
    done: Done | None = None
    sums: Done | None = None


@dataclass(frozen=True)
class Planned:
    """One day at one age.

    Attributes:
        part: The day and its age.
        state: One of `TO_RUN`, or `code_changed`, `unchanged`, `not_due`, `not_there`.
        why: In sentences.
        replaces: Whether there are rows of it, which a run replaces.
        refresh: Whether its sums are as they would be, so that `lossledger refresh` is enough.
        found: What there is of its sources.
        seconds: What a run of it may take, by earlier nights.
    """

    part: DayAtAge
    state: str
    why: tuple[str, ...] = ()
    replaces: bool = False
    refresh: bool = False
    found: Found = field(default_factory=Found)
    seconds: float | None = None


@dataclass(frozen=True)
class Size:
    """How many cells the newest evaluated day has, and how many values of each dimension."""

    event_date: date
    cells: int
    values: Mapping[str, int]

    def sentence(self, limit: int) -> str:
        """How far it is from `limits.cells`; the dimension to blame where that is near."""
        told = f"{self.cells:,} cells on {self.event_date}, of {limit:,} that are allowed (limits.cells)"
        if self.cells < NEAR * limit or not self.values:
            return told
        worst = max(self.values, key=lambda dimension: self.values[dimension])
        return f"{told}: most values has {worst}, {self.values[worst]:,}; cap them with limits.values"


@dataclass(frozen=True)
class Plan:
    """Days at ages in the order in which they are evaluated: days ascending, of each the youngest age first.

    Attributes:
        nights: Every day and age that was asked for.
        tables: The tables in which a run replaces its day at its age.
        size: How many cells the newest evaluated day has, or None.
    """

    nights: tuple[Planned, ...]
    tables: tuple[str, ...]
    size: Size | None = None

    def to_run(self, *, code: bool = False) -> list[Planned]:
        """What is evaluated; with `code` also what only other code has made."""
        states = (*TO_RUN, "code_changed") if code else TO_RUN
        return [night for night in self.nights if night.state in states]


def parts(first: date, last: date, hours: Sequence[int]) -> list[DayAtAge]:
    """Every day at every age, in the order in which they are evaluated: a day may refer to the days before it."""
    return [DayAtAge(day, age) for day in dates(first, last) for age in hours]


def planned(settings: Evaluation, part: DayAtAge, known: Known | None, found: Found, now: datetime) -> Planned:
    """What there is to do for a day at an age, and why.

    Args:
        settings: What is configured.
        part: The day and its age.
        known: What the tables know of it; None where no run has begun it.
        found: What there is of its sources.
        now: The moment.
    """
    state, why = _decided(settings, part, known, found, now)
    refresh = known is not None and state in OF_SUMS and _is_enough(settings, known)
    told = (*why, REFRESH) if refresh else tuple(why)
    return Planned(part, state, told, known is not None and known.done is not None, refresh, found)


def seconds(part: DayAtAge, nights: Iterable[Done]) -> float | None:
    """What a run of a day at an age may take: the median of the newest nights at the same age, else at any."""
    newest = sorted(nights, key=lambda night: night.ended, reverse=True)
    alike = [night for night in newest if night.part.age_hours == part.age_hours] or newest
    return median(night.seconds for night in alike[:NIGHTS]) if alike else None


def _decided(
    settings: Evaluation, part: DayAtAge, known: Known | None, found: Found, now: datetime
) -> tuple[str, Sequence[str]]:
    reached = Day(part.event_date, settings.day.timezone).as_of(part.age_hours)
    if now < reached:
        return "not_due", [f"until {reached.astimezone(UTC):%Y-%m-%d %H:%M} UTC"]
    if known is None:
        return ("not_there", [found.absent]) if found.absent else ("new", ["never ran"])
    done = known.done
    if found.absent:
        kept = done is not None and not known.in_doubt
        told = ["its logs are no longer there", *(_configuration(settings, done) if done is not None else ())]
        return ("unchanged", told) if kept else ("not_there", [found.absent])
    if known.in_doubt or done is None or known.state != "done":
        state = known.state if known.state in TO_RUN and not known.in_doubt else "in_doubt"
        return state, [known.message or "a run was killed, is under way, or its rows are not those of the tables"]
    if done.provisional:
        return "provisional", ["what is there was evaluated before its age, or of logs that were not whole"]
    return _changed(settings, done, found)


def _is_enough(settings: Evaluation, known: Known) -> bool:
    """Whether a refresh makes of a day what is not as the configuration has it."""
    if known.sums is None or known.sums.needing_rows(settings):
        return False
    done = known.done
    return done is None or known.in_doubt or bool(changed.sections(settings, done.config, done.config_hash))


def _changed(settings: Evaluation, done: Done, found: Found) -> tuple[str, list[str]]:
    """What is no longer as it was when a night was done; the first of it names the state."""
    of_sources = {name: changed.moved(done.inputs.get(name), now) for name, now in found.noted.items()}
    told = [
        ("impressions_changed" if name == "impressions" else "labels_changed", f"{name}: {how}")
        for name, how in of_sources.items()
        if how is not None
    ]
    told += [("config_changed", why) for why in _configuration(settings, done)]
    if (other := _other_code(done)) is not None:
        told.append(("code_changed", other))
    return (told[0][0] if told else "unchanged"), [why for _, why in told]


def _configuration(settings: Evaluation, done: Done) -> list[str]:
    """What of the configuration is no longer as it was, and what of it asks for rows."""
    sections = changed.sections(settings, done.config, done.config_hash)
    rows = done.needing_rows(settings) if sections else ()
    needed = [f"its rows are needed for {', '.join(rows)}"] if rows else []
    return [f"the configuration: {', '.join(sections)}", *needed] if sections else []


def _other_code(done: Done) -> str | None:
    if done.of_rows.code_hash == code_hash():
        return None
    return "made by another version of the code" if done.sums is None else "its sums are of another version of the code"
