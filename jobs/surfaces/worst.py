"""The command `lossledger worst`: which crosses became worse, are worse by a model, or are badly calibrated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import pyarrow as pa
import typer

from jobs import calling
from jobs.engines.session import session
from jobs.errors import ConfigurationError, ContractError, Problem, described, nearest_match, one_of
from jobs.judgement.slices.ledger import Ledger
from jobs.judgement.worst import CALIBRATION, Asked, worst_of
from jobs.settings import Evaluation, load
from jobs.sql import answers
from jobs.sql.sessions import reading
from jobs.surfaces.arguments import Age, Config, Day, Json, LightEngine, Set, asked_hours, parsed_date
from jobs.surfaces.exits import guarded, printed

SHOWN = ("slice", "before", "now", "difference", "weight", "harm", "z", "p_adjusted", "score")
OF_CALIBRATION = ("slice", "error", "z", "spiegelhalter", "detectable", "weight", "p_adjusted", "first_bad_day")
OF_MOVED = ("slice", "before", "now", "difference", "weight", "harm", "z", "p_adjusted", "first_bad_day")
Against = Annotated[str | None, typer.Option(help="So many days before, e.g. 1d: what became worse. The default: 1d.")]
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
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """List the worst crosses of the dimensions, complete and exact, from the tables alone.

    What is listed is a loss that became worse since --against, or is worse by the second of --models; by --calibration
    what is predicted too high or too low, and with --against, too, what is farther off than it was.
    """

    def command() -> int:
        settings = load(config, overrides)
        event_date, hours = parsed_date(day), asked_hours(settings, age)
        back = checked(settings, against, models, calibration=calibration)
        asked = Asked(depth, top, back, models, calibration)
        with session(engine or reading(settings)) as spark:
            found = worst_of(Ledger(spark, settings, event_date, hours), asked)
        if not found:
            run = calling.lossledger(f"run CONFIG --date {day}")
            problem = Problem("statistics", f"no row of {day} at age {hours}h", f"some; make them with: {run}")
            raise ContractError("the day is not in the tables", [problem])
        printed([json.dumps({"exit_code": 0, "searches": found})] if as_json else lines(found))
        return 0

    raise typer.Exit(guarded(command, as_json=as_json))


def checked(
    settings: Evaluation, against: str | None, models: tuple[str, str] | None, *, calibration: bool
) -> timedelta | None:
    """How many days back the other day is; None where there is none.

    Raises:
        ConfigurationError: Options exclude each other, or models are not there or have no task in common (exit 2).
    """
    if models is not None:
        _refuse_models(settings, models, others=against is not None or calibration)
        return None
    if calibration and against is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,3})d", against or "1d")
    if match is None:
        raise ConfigurationError(
            "the day cannot be read", [Problem("--against", described(against), "how many days back, such as 1d or 7d")]
        )
    return timedelta(days=int(match[1]))


def _refuse_models(settings: Evaluation, models: tuple[str, str], *, others: bool) -> None:
    if others:
        expected = "--models alone, or --calibration, --against or both"
        raise ConfigurationError("the question is not clear", [Problem("options", "several", expected)])
    unknown = [name for name in models if name not in settings.models]
    if unknown:
        expected = one_of(settings.models)
        problems = [Problem("--models", described(n), expected, nearest_match(n, settings.models)) for n in unknown]
        raise ConfigurationError("there is no such model", problems)
    if models[0] == models[1] or not any({(task, m) for m in models} <= {*settings.pairs} for task in settings.tasks):
        problem = Problem("--models", " ".join(models), "two models that score the same task")
        raise ConfigurationError("there is nothing to compare", [problem])


def lines(found: Sequence[Row]) -> Iterator[str]:
    """For people: of each task and model a table, of calibration also its dimensions, bands and recalibration."""
    for each in found:
        beside = f" beside {each['against']}" if "against" in each else ""
        why = f": {each['reason']}" if each["reason"] else f": {len(each['worst'])} of {each['judged']:,} crosses"
        yield f"{each['task']} / {each['model']}, {each['metric']}{beside}{why}"
        if any(each.get(name) for name in ("only_model", "only_against")):
            only = f"{each['only_model']:,} rows that only {each['model']} can score, {each['only_against']:,}"
            yield f"of the declared slices, without {only} that only {each['against']} can"
        if each.get("not_recorded"):
            yield f"of the other dimensions: a day goes without {', '.join(each['not_recorded'])}"
        if each["worst"]:
            yield from _table(each["worst"], _shown(each))
        yield from _whole(each)
        yield ""


def _whole(found: Row) -> Iterator[str]:
    """What is said of all rows."""
    if found.get("all"):
        yield "all: " + _numbers(found["all"])
    if found.get("field_rce"):
        yield "relative calibration error (Field-RCE): " + _numbers(found["field_rce"])
    if found.get("bands"):
        yield from _table(found["bands"], tuple(found["bands"][0]))
        yield "after the best shift: " + _numbers(found["shift"])
        yield "after temperature and shift: " + _numbers(found["temperature"])


def _shown(found: Row) -> Sequence[str]:
    if found["metric"] != CALIBRATION:
        return SHOWN
    return OF_MOVED if "against" in found else OF_CALIBRATION


def _table(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    named = [{**row, "slice": row.get("slice") or "(all)"} for row in rows]
    shown = pa.table({name: pa.array([row.get(name) for row in named]) for name in names})
    return list(answers.lines(shown, as_json=False))[:-1]


def _numbers(values: Row) -> str:
    told = (f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())
    return ", ".join(told)
