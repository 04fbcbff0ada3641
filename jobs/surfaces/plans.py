"""Plans: made of what the tables and the sources say, and shown, without a scan and without a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

from jobs.errors import ConfigurationError, Problem
from jobs.ledger import tables
from jobs.planning import plan
from jobs.planning.ages import check_configured
from jobs.planning.plan import Plan, Planned
from jobs.planning.sources import Sources
from jobs.safe_text import printable
from jobs.settings import Evaluation
from jobs.settings.durations import age_text
from jobs.sql.known import known, size
from jobs.storage.change import DayAtAge
from jobs.surfaces.arguments import parsed_age, parsed_date

APPENDED = ("runs", "rejects")


def asked(settings: Evaluation, first: str, last: str, ages: str | None) -> tuple[date, date, tuple[int, ...]]:
    """The days and ages that a command names: `--from`, `--to`, and `--ages 0h,24h` or all that are configured.

    Raises:
        ConfigurationError: They cannot be read, the last day is before the first, or an age is not configured (exit 2).
    """
    days = parsed_date(first, "--from"), parsed_date(last, "--to")
    if days[1] < days[0]:
        raise ConfigurationError("there is no day", [Problem("--to", last, f"--from {first} or a later day")])
    named = () if ages is None else tuple(parsed_age(text.strip(), "--ages") for text in ages.split(","))
    hours = tuple(each for each in named if each is not None)
    for each in hours:
        check_configured(settings, each, "--ages")
    return *days, tuple(sorted(set(hours))) or settings.hours


def planned(session: SparkSession, settings: Evaluation, parts: Sequence[DayAtAge]) -> Plan:
    """What there is to do for some days at their ages, and why. Nothing is written.

    The sources are listed, the footers of their files looked at, and of the tables `runs` and which runs they hold.

    Raises:
        ContractError: A source or a table cannot be read (exit 2).
    """
    days = [part.event_date for part in parts]
    of_tables, nights = known(session, settings, min(days), max(days))
    sources, now = Sources(session, settings), datetime.now(UTC)
    found = (plan.planned(settings, each, of_tables.get(each), sources.of(each), now) for each in parts)
    timed = tuple(replace(each, seconds=plan.seconds(each.part, nights)) for each in found)
    replaced = tuple(name for name in tables.declared(settings) if name not in APPENDED)
    return Plan(timed, replaced, size(session, settings, nights))


def facts(made: Plan, settings: Evaluation, *, code: bool) -> dict[str, Any]:
    """A plan as plain values."""
    cells = made.size and {
        "event_date": made.size.event_date.isoformat(),
        "cells": made.size.cells,
        "limit": settings.limits.cells,
        "values": dict(made.size.values),
    }
    to_run = made.to_run(code=code)
    return {
        "exit_code": 0,
        "nights": [{**_facts(night), "runs": night in to_run} for night in made.nights],
        "replaces": list(made.tables),
        "cells": cells,
        "seconds": _total(to_run),
    }


def lines(made: Plan, settings: Evaluation, *, code: bool) -> Iterator[str]:
    """What a plan says below its table: partitions, cells, and in the last line what there is to do."""
    to_run = made.to_run(code=code)
    replaced = [night for night in to_run if night.replaces]
    if replaced:
        yield f"replaces {len(replaced)} partitions (event_date, age_hours) of each of {', '.join(made.tables)}"
    if made.size is not None:
        yield printable(made.size.sentence(settings.limits.cells))
    if enough := sum(night.refresh for night in made.nights):
        yield f"refresh is enough for {enough} of {len(made.nights)} nights: their sums are those of this configuration"
    counted = Counter(night.state for night in made.nights)
    others = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(counted.items()))
    total = _total(to_run)
    lasts = "" if not total else f", about {duration(total)} by the last nights"
    yield f"plan: {len(to_run)} of {len(made.nights)} nights to run{lasts}; {others}"


def show(made: Plan, settings: Evaluation, *, code: bool) -> None:
    """Print a plan: a row for each night, and below it what all of them come to."""
    console = Console(highlight=False)
    table = Table("day", "age", "state", "rows", "bytes", "seconds", "why")
    for night in made.nights:
        counts = (_count(night.found.rows), _count(night.found.bytes), _count(night.seconds))
        state = night.state.replace("_", " ")
        why = printable("; ".join(night.why))
        table.add_row(str(night.part.event_date), age_text(night.part.age_hours), state, *counts, why)
    console.print(table, markup=False)
    for line in lines(made, settings, code=code):
        console.print(line, soft_wrap=True, markup=False)


def duration(seconds: float) -> str:
    """A length of time for people.

    Example:
        >>> duration(42), duration(150), duration(7500)
        ('42 s', '2.5 min', '2.1 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _facts(night: Planned) -> dict[str, Any]:
    return {
        "event_date": night.part.event_date.isoformat(),
        "age_hours": night.part.age_hours,
        "state": night.state,
        "why": list(night.why),
        "replaces": night.replaces,
        "refresh": night.refresh,
        "rows": night.found.rows,
        "bytes": night.found.bytes,
        "seconds": night.seconds,
    }


def _total(nights: Sequence[Planned]) -> float | None:
    """The seconds of all, where they are known."""
    known_ones = [night.seconds for night in nights if night.seconds is not None]
    return sum(known_ones) if len(known_ones) == len(nights) else None


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
