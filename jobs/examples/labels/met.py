"""What became of the events of an impression, as one number: the pass counts how often each comes, and they are added.

It is for rows of plain logs, which are told from one another by their times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.day import Day, micros
from jobs.settings import Evaluation
from udfs.scan.partials import Counts

SECOND = 1_000_000
UNITS = {"days": 86_400 * SECOND, "hours": 3_600 * SECOND, "minutes": 60 * SECOND, "seconds": SECOND}
FIELD = 2**7  # what each count of one impression stays below: a number is an INT so
BEYOND = -1  # the number of an impression with more events
HASH = "hash of the id of what was met"  # no name of a log
CLASSES = ("before", "inside", "after")


@dataclass(frozen=True)
class Met:
    """The different events of a label log that are about an impression that was read.

    Attributes:
        events: How many by their class.
        sure: How many of them can be about impressions of the day only.
        whole: How many of those before their impression have one whose time is whole days, hours, minutes, seconds.
        floats: How many of all have ids that look like floats; 0 where that was not asked.
    """

    events: Mapping[str, int]
    sure: int
    whole: Mapping[str, int] = field(default_factory=dict)
    floats: int = 0

    def beside(self, others: Met) -> Met:
        """With events about other impressions, none of which lie before one that counts."""
        return replace(self, events={**self.events, **others.events}, sure=self.sure + others.sure)


def column_of(name: str) -> str:
    """The column of the numbers of a label log."""
    return f"met_{name}"


def sent(examples: DataFrame, settings: Evaluation) -> tuple[dict[str, Column], dict[str, Column]]:
    """The columns of which the pass counts how often each number comes; and one of hashes, if it is to count copies.

    Where copies of an impression stay, an event may count for another one than the first: it is not told of either.
    """
    columns = {name: F.col(name) for name in _columns(examples, settings).values()}
    if not columns or settings.impressions.duplicates == "remove":
        return columns, {}
    return columns, {HASH: F.when(F.coalesce(*columns.values()).isNotNull(), F.xxhash64("id"))}


def told(counts: Counts, examples: DataFrame, settings: Evaluation) -> dict[str, Met]:
    """What became of the events of each log of which it is known, by what was counted."""
    if counts["again", None]:
        return {}
    found: dict[str, Met] = {}
    for name, column in _columns(examples, settings).items():
        met = added({value or 0: rows for (of, value), rows in counts.items() if of == column})
        found |= {} if met is None else {name: met}
    return found


def _columns(examples: DataFrame, settings: Evaluation) -> dict[str, str]:
    """The column of each log that has one."""
    columns = set(examples.columns)
    return {name: column_of(name) for name in settings.label_logs if column_of(name) in columns}


def coded(before: Callable[[Column], Column], events: Column, span: int, day: Day) -> Column:
    """What became of the events of an impression.

    Args:
        before: How many of its different events lie before a moment.
        events: How many it has.
        span: The length of its window in µs.
        day: The day.
    """
    start, end, time = micros(day.start), micros(day.end), F.col("time")
    early, ended, sure_from = before(time), before(time + F.lit(span)), start + span - 1
    sure = before(_moment(end)) - before(_moment(sure_from)) if sure_from < end else F.lit(0)
    # Units are of one another, so how many are whole says which.
    whole = (((time - F.lit(start)) % F.lit(unit) == F.lit(0)).cast("int") for unit in UNITS.values())
    number = reduce(add, whole)
    for count in (sure, early, ended - early, events - ended):
        number = number * F.lit(FIELD) + count
    return F.when(events < F.lit(FIELD), number).otherwise(F.lit(BEYOND))


def _moment(micros: int) -> Column:
    return F.lit(micros).cast("bigint")


def added(numbers: Mapping[int, int]) -> Met | None:
    """The events of impressions, by how often each number comes; None where one has more than a number can say.

    Example:
        >>> one_inside_and_one_after = FIELD + 1
        >>> added({one_inside_and_one_after: 3}).events
        {'before': 0, 'inside': 3, 'after': 3}
    """
    if BEYOND in numbers:
        return None
    found: Counter[str] = Counter()
    for number, impressions in numbers.items():
        rest, counts = number, {}
        for name in ("after", "inside", "before", "sure"):
            rest, counts[name] = divmod(rest, FIELD)
        counts |= {unit: counts["before"] for unit in list(UNITS)[len(UNITS) - rest :]}
        found.update({name: count * impressions for name, count in counts.items()})
    return Met({name: found[name] for name in CLASSES}, found["sure"], {unit: found[unit] for unit in UNITS})
