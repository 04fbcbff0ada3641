"""The command `lossledger worst`: which crosses became worse, are worse by a model, or are badly calibrated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import pyarrow as pa
import typer

from jobs.engines.session import session
from jobs.errors import ConfigurationError, ContractError, Problem, described, nearest_match, one_of
from jobs.judgement.worst import Asked, Ledger, worst_of
from jobs.settings import Evaluation, load
from jobs.sql import answers
from jobs.surfaces.arguments import Age, Config, Day, Engine, Json, Set, asked_hours, parsed_date
from jobs.surfaces.exits import guarded, printed

SHOWN = ("slice", "before", "now", "difference", "weight", "harm", "z", "p_adjusted", "score")
OF_CALIBRATION = ("slice", "error", "z", "spiegelhalter", "detectable", "weight", "p_adjusted", "first_bad_day")
Against = Annotated[str | None, typer.Option(help="So many days before, e.g. 1d: what became worse. The default.")]
Models = Annotated[tuple[str, str] | None, typer.Option(help="Two models: where the second is worse.", metavar="A B")]
Calibration = Annotated[bool, typer.Option("--calibration", help="Where scores are too high or too low, in sigma.")]
Depth = Annotated[int, typer.Option(min=1, max=4, help="Dimensions that a cross has at most.")]
Top = Annotated[int, typer.Option(min=1, max=1000, help="Crosses that are listed at most.")]
Row = Mapping[str, Any]


def worst(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    day: Day,
    against: Against = None,
    models: Models = None,
    calibration: Calibration = False,
    depth: Depth = 3,
    top: Top = 20,
    age: Age = None,
    engine: Engine = "sail",
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """List the worst crosses of the dimensions, complete and exact, from the tables alone."""

    def command() -> int:
        settings = load(config, overrides)
        event_date, hours = parsed_date(day), asked_hours(settings, age)
        asked = checked(settings, against, models, calibration=calibration)
        with session(engine) as spark:
            found = worst_of(Ledger(spark, settings, event_date, hours), Asked(depth, top, *asked))
        if not found:
            problem = Problem("statistics", f"no row of {day} at age {hours}h that is not provisional", "some")
            raise ContractError("there is nothing to search", [problem])
        printed([json.dumps({"exit_code": 0, "searches": found})] if as_json else lines(found))
        return 0

    raise typer.Exit(guarded(command, as_json=as_json))


def checked(
    settings: Evaluation, against: str | None, models: tuple[str, str] | None, *, calibration: bool
) -> tuple[timedelta | None, tuple[str, str] | None]:
    """How many days back, or which models; neither of calibration.

    Raises:
        ConfigurationError: They exclude each other, or are not there (exit 2).
    """
    if (against is not None) + (models is not None) + calibration > 1:
        raise ConfigurationError(
            "the question is not clear", [Problem("options", "several", "one of --against, --models, --calibration")]
        )
    unknown = [name for name in models or () if name not in settings.models]
    if unknown:
        expected = one_of(settings.models)
        problems = [Problem("--models", described(n), expected, nearest_match(n, settings.models)) for n in unknown]
        raise ConfigurationError("there is no such model", problems)
    if models is not None or calibration:
        return None, models
    match = re.fullmatch(r"([1-9][0-9]{0,3})d", against or "1d")
    if match is None:
        raise ConfigurationError(
            "the day cannot be read", [Problem("--against", described(against), "how many days back, such as 1d or 7d")]
        )
    return timedelta(days=int(match[1])), None


def lines(found: Sequence[Row]) -> Iterator[str]:
    """For people: of each task and model a table, of calibration also its dimensions, bands and recalibration."""
    for each in found:
        beside = f" beside {each['against']}" if "against" in each else ", calibration"
        why = f": {each['reason']}" if each["reason"] else f": {len(each['worst'])} of {each['judged']:,} crosses"
        yield f"{each['task']} / {each['model']}{beside}{why}"
        if each["worst"]:
            yield from _table(each["worst"], SHOWN if "against" in each else OF_CALIBRATION)
        if each.get("all"):
            yield "all: " + _numbers(each["all"])
        if each.get("field_rce"):
            yield "relative calibration error (Field-RCE): " + _numbers(each["field_rce"])
        if each.get("bands"):
            yield from _table(each["bands"], tuple(each["bands"][0]))
            yield "after the best shift: " + _numbers(each["shift"])
            yield "after temperature and shift: " + _numbers(each["temperature"])
        yield ""


def _table(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    named = [{**row, "slice": row.get("slice") or "(all)"} for row in rows]
    shown = pa.table({name: pa.array([row[name] for row in named]) for name in names})
    return list(answers.lines(shown, as_json=False))[:-1]


def _numbers(values: Row) -> str:
    told = (f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())
    return ", ".join(told)
