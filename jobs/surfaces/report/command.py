"""The command `lossledger report`: a night as one HTML file, from the tables alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.engines.session import session
from jobs.settings import load
from jobs.sql.outputs import check_file
from jobs.sql.sessions import reading
from jobs.surfaces.arguments import Config, Day, Json, LightEngine, Set, parsed_age, parsed_date
from jobs.surfaces.exits import guarded, printed
from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import Report, report, write

Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.", dir_okay=True)]
OldestAge = Annotated[str | None, typer.Option("--age", help="Label age, e.g. 24h; default: the oldest there is.")]


def command(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    day: Day,
    output: Output = Path("report.html"),
    age: OldestAge = None,
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Write the report of a day that is in the tables: one HTML file to open, forward or print.

    It needs no logs and no network, neither to be made nor to be read.
    """

    def run() -> int:
        settings = load(config, overrides)
        asked = parsed_date(day), parsed_age(age)
        check_file(output)
        with session(engine or reading(settings)) as spark:
            found = report(opened(spark, settings, *asked))
        write(found.html, output)
        printed([json.dumps(facts(found, output))] if as_json else [found.verdict.sentence, f"report: {output}"])
        return 0

    raise typer.Exit(guarded(run, as_json=as_json))


def facts(found: Report, target: Path) -> dict[str, Any]:
    """A report as plain values: where it is, what it says, and which sections say why they are empty."""
    return {
        "exit_code": 0,
        "report": str(target),
        "bytes": len(found.html.encode()),
        "event_date": found.night.day.isoformat(),
        "age_hours": found.night.age_hours,
        "verdict": found.verdict.sentence,
        "lines": found.verdict.lines,
        "empty": {section.name: section.empty for section in found.sections if section.empty is not None},
    }
