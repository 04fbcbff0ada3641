"""The commands `plan`, `backfill` and `refresh`: what there is to do for some days, shown or done."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence

import typer

from jobs import nights
from jobs.day import dates
from jobs.engines.session import session
from jobs.nights import backfill as filling
from jobs.nights import named
from jobs.nights import refresh as refreshing
from jobs.nights.backfill import Filled
from jobs.nights.embedded import engine_for_tables, on, told
from jobs.safe_text import printable
from jobs.settings import load
from jobs.surfaces import plans
from jobs.surfaces.arguments import (
    Accelerator,
    Ages,
    AnyEngine,
    Code,
    Config,
    DryRun,
    Engine,
    First,
    Json,
    Last,
    Set,
)
from jobs.surfaces.exits import guarded


def plan(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    first: First,
    last: Last,
    ages: Ages = None,
    code: Code = False,
    engine: Engine = "sail",
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Say which days at which ages there are to evaluate, why, and what it takes; nothing is written."""

    def command() -> int:
        settings = load(config, overrides)
        start, end, hours = plans.asked(settings, first, last, ages)
        with session(engine, app=f"lossledger plan {settings.evaluation} {first} {last}") as spark:
            made = plans.planned(spark, settings, start, end, hours)
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
            made = plans.planned(spark, settings, start, end, hours)
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
