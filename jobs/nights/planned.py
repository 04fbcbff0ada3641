"""The commands `lossledger plan` and `lossledger backfill`: what there is to evaluate of some days, shown or run."""

from __future__ import annotations

import json
import sys
import time

import typer

from jobs import nights
from jobs.engines.session import session
from jobs.nights import backfill as filling
from jobs.nights import named
from jobs.nights.backfill import Filled
from jobs.nights.embedded import on
from jobs.settings import load
from jobs.surfaces import plans
from jobs.surfaces.arguments import Accelerator, Ages, AnyEngine, Code, Config, Engine, First, Json, Last, Set
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
        chosen = engine or on(settings, (start, end), accelerator, quiet=as_json)
        with session(chosen, app=app, accelerator=accelerator) as spark:
            made = plans.planned(spark, settings, start, end, hours)
            found = [_complained(one) for one in filling.filled(spark, settings, made, code=code, tell=tell)]
        worst = nights.worst(one.exit_code for one in found)
        if as_json:
            print(json.dumps({"exit_code": worst, "nights": [one.facts for one in found]}))
        else:
            filling.show(found, time.perf_counter() - began)
        return worst

    raise typer.Exit(guarded(command, as_json=as_json))


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _complained(one: Filled) -> Filled:
    """Tell what went wrong in a night, and what looks wrong, when it has ended."""
    if one.ended is not None:
        nights.complain(one.ended)
        for warning in () if one.ended.outcome is None else one.ended.outcome.warnings:
            _tell(f"warning: {named(one.night.part)}: {warning}")
    return one
