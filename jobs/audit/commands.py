"""The commands `lossledger audit` and `lossledger reproduce`: is what the tables say true, and can it be made again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from jobs import nightly
from jobs.audit import audited as auditing
from jobs.audit import registry
from jobs.audit.reproduced import Reproduced, reproduced
from jobs.engines.session import session
from jobs.errors import ConfigurationError, Problem
from jobs.planning.plan import parts
from jobs.progress import Progress
from jobs.safe_text import printable
from jobs.settings import load
from jobs.sql.sessions import reading
from jobs.surfaces import plans
from jobs.surfaces.arguments import Ages, Config, Json, LightEngine, Set, parsed_date
from jobs.surfaces.exits import guarded, printed

Day = Annotated[str | None, typer.Option("--date", help="Day of the impressions, YYYY-MM-DD.")]
First = Annotated[str | None, typer.Option("--from", help="First of several days.")]
Last = Annotated[str | None, typer.Option("--to", help="Last of them.")]
Sample = Annotated[
    int, typer.Option("--sample", min=0, help="Cells of each day that are computed again from the logs.")
]
Without = Annotated[list[str], typer.Option("--without", help="Leave out a proof, e.g. sample. Repeatable.")]
RunId = Annotated[str, typer.Argument(help="The run, as `run_id` in every table.", metavar="RUN_ID")]
Code = Annotated[bool, typer.Option("--code", help="Also where another version of the code made it.")]
EXITS = (
    "Exit codes: 0 all proven, 1 something is wrong, 2 configuration or contract, 3 failure, 4 a proof could not be "
    "made, as the logs are gone, or a day is not there."
)
PROOFS = "\n\n".join(f"{name}: {proof.__doc__}" for name, proof in registry.PROOFS.items())
AUDIT = f"Prove what the tables hold of a day, or of some: nothing is written.\n\n{PROOFS}\n\n{EXITS}"
MADE_AGAIN = EXITS.replace("all proven", "the same bits").replace("something is wrong", "something differs")
REPRODUCE = f"Make a run once more, and say whether every table is the same to the last bit.\n\n{MADE_AGAIN}"


def audit(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    day: Day = None,
    first: First = None,
    last: Last = None,
    ages: Ages = None,
    sample: Sample = auditing.CELLS,
    without: Without = [],  # noqa: B006 - typer copies it
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Prove what the tables hold of a day, or of some: nothing is written."""

    def command() -> int:
        settings = load(config, overrides)
        start, end = _days(day, first, last)
        asked = plans.asked(settings, start, end, ages)
        auditing.check_proofs(without)
        chosen = engine or reading(settings, sources=True)
        with session(chosen, app=f"lossledger audit {settings.evaluation} {start}") as spark:
            found = [*auditing.audited(spark, settings, parts(*asked), sample=sample, without=without)]
        code = auditing.worst(found)
        told = json.dumps({"exit_code": code, "nights": [each.facts for each in found]})
        printed([told] if as_json else map(printable, auditing.lines(found)))
        return code

    raise typer.Exit(guarded(command, as_json=as_json))


def _days(day: str | None, first: str | None, last: str | None) -> tuple[str, str]:
    """The first and the last day that are asked for."""
    given = [name for name, value in (("--date", day), ("--from", first), ("--to", last)) if value is not None]
    if day is not None and len(given) == 1:
        parsed_date(day)
        return day, day
    if day is None and first is not None and last is not None:
        return first, last
    problem = Problem("the days", " and ".join(given) or "none", "either --date, or --from and --to")
    raise ConfigurationError("it is not said what to audit", [problem])


def reproduce(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    run_id: RunId,
    code: Code = False,
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Make a run once more of what it has read, and say whether every table is the same to the last bit."""

    def command() -> int:
        settings = load(config, overrides)
        chosen = engine or reading(settings, sources=True)
        with session(chosen, app=f"lossledger reproduce {settings.evaluation} {run_id}") as spark:
            progress = Progress(nightly.STAGES, quiet=as_json)
            found = reproduced(spark, settings, run_id, code=code, progress=progress)
        printed([json.dumps(found.facts)] if as_json else map(printable, _lines(found)))
        return found.exit_code

    raise typer.Exit(guarded(command, as_json=as_json))


def _lines(found: Reproduced) -> Iterator[str]:
    yield from (f"note: {note}" for note in found.notes)
    for each in found.verdicts:
        same = "the same" if each.state == "proven" else each.state.replace("_", " ")
        yield f"{each.proof}: {same} ({each.compared:,} values compared)"
        yield from (f"  differs: {finding}" for finding in each.findings[:1])
        yield from (f"  not compared: {sentence}" for sentence in each.open)
    said = {0: "the same bits", 1: "something differs", 4: "what could be compared is the same"}[found.exit_code]
    yield f"run {found.run_id} of {found.part.event_date} made again: {said}"
