"""Events that give no label: told where they are many, and refused where nearly all of a log are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.day import Day
from jobs.errors import RefusedError
from jobs.examples import events
from jobs.examples.events import FLOAT, EventCounts, Passed
from jobs.examples.labels.attributed import clicks
from jobs.settings import Evaluation, LabelLog

ENOUGH = 20  # of fewer events a share says little, and each may be a straggler
MANY = 0.1  # logs that write some rows twice stay far below
LIKELY = 4  # so many times the events that were matched are owed to the day by no change of the traffic


FLOATED = (
    "look like floats, as pandas makes them of integers beside NULLs; above 2^53 they have lost digits. Write ids as "
    "integers or as text"
)


@dataclass(frozen=True)
class Judged:
    """A label log with what is known of its events.

    Attributes:
        name: Its name in the configuration.
        declared: How it is configured.
        events: What became of its events.
        log: The events themselves.
        impressions: The impressions they should be about, or the clicks.
        day: The day.
        others: What those are called.
    """

    name: str
    declared: LabelLog
    events: EventCounts
    log: DataFrame
    impressions: DataFrame
    day: Day
    others: str = "impressions"

    @property
    def told(self) -> int:
        """The events of which it is known whether they are about an impression."""
        return self.events.matched + self.events.orphan

    @property
    def owed(self) -> float:
        """How many events without an impression would be about the day, were they spread evenly over the windows.

        Of those that may be about other days that is a half, and less where the window is longer than a day.
        """
        found, length = self.events, self.day.end - self.day.start
        return found.orphan + found.unknown * (length / (length + max(length, self.declared.window)))


def check(judged: Judged) -> None:
    """Refuse a log of which nearly all events are about no impression, or lie before theirs.

    Raises:
        RefusedError: More than `labels.<name>.unmatched.refuse` of them (exit 2).
    """
    found, limit = judged.events, judged.declared.unmatched.refuse
    allowed = f"Where that is right, configure labels.{judged.name}.unmatched: {{refuse: 1}}"
    none = not found.matched and judged.owed >= ENOUGH and limit < 1
    if none or _too_many(found.orphan, judged, limit):
        error = RefusedError(
            f"{_orphans(judged)}. Compare the ids, and see whether the impressions are whole. {allowed}"
        )
        error.examples = _examples(judged)
        raise error
    if _too_many(found.before, judged, limit):
        raise RefusedError(f"{_early(judged)}. {allowed}")


def warnings(judged: Judged) -> Iterator[str]:
    """What of a log should be looked at before its numbers are believed, as sentences."""
    found, declared = judged.events, judged.declared
    share = declared.unmatched.warn * judged.told
    if found.orphan > share or (not found.matched and found.unknown):
        yield f"{_orphans(judged)}; compare the ids, and see whether the impressions are whole{_examples(judged)}"
    elif _owes_much(judged) or _floats(judged):
        yield f"{_strangers(judged)}; compare the ids, and see whether the impressions are whole{_examples(judged)}"
    if found.before > share:
        yield _early(judged)
    if _too_many(found.after, judged, declared.unmatched.refuse):
        yield (
            f"labels.{judged.name}: {_of(found.after, judged.told)} events lie after the window of their impression; "
            "compare the clocks, time zones and units of the two logs, or configure a longer window"
        )


def copies(impressions: DataFrame, duplicates: int, rows: int) -> Iterator[str]:
    """What to look at where so many of the rows of a day are duplicates that their ids may be of something else."""
    if duplicates > MANY * rows:
        _, count, whole = _spelled(impressions.where(F.col("in_day")).select("id"))
        floats = f"; {_of(count, whole)} ids {FLOATED}" if count > MANY * whole else ""
        yield (
            f"impressions: {_of(duplicates, rows)} rows have the id of another one and are left out as its duplicates: "
            f"see whether impressions.columns.id is of one impression only, or configure duplicates: none{floats}"
        )


def judged(
    impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation, day: Day, passed: Passed
) -> tuple[Judged, ...]:
    """Every label log with its events, counted; the arguments are those of `events.counted`."""
    found = events.counted(impressions, logs, settings, day, passed)
    made = []
    for name, counts in found.items():
        log = settings.label_logs[name]
        about, others = (
            (impressions, "impressions") if log.via is None else (clicks(logs[log.via]), f"rows of {log.via}")
        )
        made.append(Judged(name, log, counts, logs[name], about, day, others))
    return tuple(made)


def _too_many(count: int, judged: Judged, share: float) -> bool:
    return judged.told >= ENOUGH and count > share * judged.told


def _owes_much(judged: Judged) -> bool:
    """Whether events are lost that other days do not explain, though some are matched."""
    return judged.owed >= ENOUGH and judged.owed > LIKELY * judged.events.matched


def _floats(judged: Judged) -> bool:
    """Whether ids went through floats on their way into the log: they are about no impression of any day."""
    found = judged.events
    return not found.other_floats and found.floats > judged.declared.unmatched.warn * found.different


def _of(count: int, whole: int) -> str:
    return f"{count:,} of {whole:,}"


def _orphans(judged: Judged) -> str:
    found = judged.events
    if found.matched:
        return f"labels.{judged.name}: {_of(found.orphan, judged.told)} events are about no impression that was read"
    return f"labels.{judged.name}: none of {found.different:,} events is about an impression of the day"


def _strangers(judged: Judged) -> str:
    found = judged.events
    told = f"{_of(found.orphan + found.unknown, found.different)} events are about no impression that was read"
    why = f", {found.floats:,} by ids that look like floats" if _floats(judged) else ", more than other days explain"
    return f"labels.{judged.name}: {told}{why}"


def _early(judged: Judged) -> str:
    """How many events lie before their impressions, and the likely cause."""
    found = judged.events
    told = (
        f"labels.{judged.name}: {_of(found.before, judged.told)} events lie before their impression and give no label"
    )
    for unit, whole in found.whole.items():
        if whole == found.different and found.whole_impressions[unit] < found.before:
            return (
                f"{told}: all times of the log are whole {unit}, those of the impressions are not, so that they were "
                f"cut. Write them as exactly as those of the impressions, or cut both to whole {unit}"
            )
    return f"{told}; compare the clocks, time zones and units of the two logs"


def _examples(judged: Judged) -> str:
    """An id of either side that the other one does not have, and how many look like floats; '' where there is none."""
    ours = judged.impressions.where(F.col("in_day")).select("id")
    theirs = events.strangers(judged.impressions, judged.log).select("id")
    sides = {"log": _spelled(theirs), judged.others: _spelled(ours)}
    if any(side[0] is None for side in sides.values()):
        return ""
    told = f". The log has {sides['log'][0]!r}, the {judged.others} have {sides[judged.others][0]!r}"
    floats = {name: count for name, (_, count, _) in sides.items() if count}
    if len(floats) == 1:
        ((name, count),) = floats.items()
        told += f"; {_of(count, sides[name][2])} such ids of the {name} {FLOATED}"
    return told


def _spelled(ids: DataFrame) -> tuple[str | None, int, int]:
    """The least of some ids as text, how many of all look like floats, and how many there are."""
    text: Column = F.col("id").cast("string")
    row = ids.agg(F.min(text), F.count_if(text.rlike(FLOAT)), F.count(text)).collect()[0]
    return row[0], int(row[1]), int(row[2])
