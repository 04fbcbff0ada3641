"""The commands `plan`, `backfill` and `refresh`: what there is to do for some days, shown or done."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from pyspark.sql import SparkSession

from jobs import nights
from jobs.day import dates
from jobs.engines.session import session
from jobs.errors import ConfigurationError, Problem
from jobs.nights import backfill as filling
from jobs.nights import named
from jobs.nights import refresh as refreshing
from jobs.nights.backfill import Filled
from jobs.nights.embedded import engine_for_tables, on, told
from jobs.planning import due
from jobs.planning.plan import parts
from jobs.safe_text import printable
from jobs.settings import Evaluation, load
from jobs.sql.sessions import reading
from jobs.storage.change import DayAtAge
from jobs.surfaces import plans
from jobs.surfaces.arguments import (
    Accelerator,
    Ages,
    AnyEngine,
    Code,
    Config,
    DryRun,
    First,
    Json,
    Last,
    LightEngine,
    Set,
    parsed_moment,
)
from jobs.surfaces.exits import guarded

FirstOfSome = Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")]
LastOfSome = Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")]
At = Annotated[
    str | None,
    typer.Option("--at", help="What is due at a moment, as a run then evaluates it, e.g. 2026-11-20T03:00Z."),
]
Which = Callable[[SparkSession], Sequence[DayAtAge]]


def plan(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    first: FirstOfSome = None,
    last: LastOfSome = None,
    ages: Ages = None,
    at: At = None,
    code: Code = False,
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Say which days at which ages there are to evaluate, why, and what it takes; nothing is written."""

    def command() -> int:
        settings = load(config, overrides)
        which = _which(settings, first, last, ages, at)
        chosen = engine or reading(settings, sources=True)
        with session(chosen, app=f"lossledger plan {settings.evaluation} {at or f'{first} {last}'}") as spark:
            made = plans.planned(spark, settings, which(spark))
        if as_json:
            print(json.dumps(plans.facts(made, settings, code=code)))
        else:
            plans.show(made, settings, code=code)
        return 0

    raise typer.Exit(guarded(command, as_json=as_json))


def backfill(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    first: First,
    last: Last,
    ages: Ages = None,
    code: Code = False,
    engine: AnyEngine = None,
    accelerator: Accelerator = "auto",
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Evaluate what `plan` says of some days, in order; what is unchanged is left as it is.

    It can be stopped and called again. Nobody is alerted of what is found in old days.
    """

    def command() -> int:
        settings = load(config, overrides)
        start, end, hours = plans.asked(settings, first, last, ages)
        began, tell = time.perf_counter(), None if as_json else _tell
        app = f"lossledger backfill {settings.evaluation} {first} {last}"
        chosen = engine or on(settings, dates(start, end), accelerator, quiet=as_json)
        with session(chosen, app=app, accelerator=accelerator) as spark:
            made = plans.planned(spark, settings, parts(start, end, hours))
            found = [_complained(one) for one in filling.filled(spark, settings, made, code=code, tell=tell)]
        return _ended(found, began, "backfill", as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def refresh(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    first: First,
    last: Last,
    ages: Ages = None,
    code: Code = False,
    dry_run: DryRun = False,
    engine: AnyEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Make metrics, intervals, comparisons, changes and gates of some days again from their sums; logs are not opened.

    It is for another clip, alpha, gate, comparison or baseline. What takes rows is refused before anything is written.
    """

    def command() -> int:
        settings = load(config, overrides)
        start, end, hours = plans.asked(settings, first, last, ages)
        began, tell = time.perf_counter(), None if as_json else _tell
        chosen = engine or told(engine_for_tables(settings), quiet=as_json)
        with session(chosen, app=f"lossledger refresh {settings.evaluation} {first} {last}") as spark:
            asked = refreshing.asked(spark, settings, start, end, hours, code=code)
            if dry_run:
                return _shown(asked, as_json=as_json)
            found = [_complained(one) for one in refreshing.refreshed(spark, settings, asked, tell=tell)]
        return _ended(found, began, "refresh", as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _which(settings: Evaluation, first: str | None, last: str | None, ages: str | None, at: str | None) -> Which:
    """The days and ages that a command names: of a moment only the tables know them."""
    if at is None and first is not None and last is not None:
        named_ones = parts(*plans.asked(settings, first, last, ages))
        return lambda _: named_ones
    given = {"--from": first, "--to": last, "--ages": ages, "--at": at}
    named_options = [option for option, value in given.items() if value is not None]
    if at is None or named_options != ["--at"]:
        problem = Problem("the days", " and ".join(named_options) or "none", "either --from and --to, or --at alone")
        raise ConfigurationError("it is not said what to plan", [problem])
    moment = parsed_moment(at)
    return lambda spark: due.at(spark, settings, moment)


def _shown(asked: refreshing.Refresh, *, as_json: bool) -> int:
    """Tell what a refresh would do."""
    facts = asked.facts
    if as_json:
        print(json.dumps(facts))
    else:
        filling.show([filling.Filled(night) for night in asked.nights], 0.0, "refresh, dry run")
    return int(facts["exit_code"])


def _ended(found: Sequence[Filled], began: float, verb: str, *, as_json: bool) -> int:
    """Tell how all nights ended, and return the worst exit code."""
    worst = nights.worst(one.exit_code for one in found)
    if as_json:
        print(json.dumps({"exit_code": worst, "nights": [one.facts for one in found]}))
    else:
        filling.show(found, time.perf_counter() - began, verb)
    return worst


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr)


def _complained(one: Filled) -> Filled:
    """Tell what went wrong in a night, and what looks wrong, when it has ended."""
    if one.ended is not None:
        nights.complain(one.ended)
        for warning in () if one.ended.outcome is None else one.ended.outcome.warnings:
            _tell(f"warning: {named(one.night.part)}: {warning}")
    return one
