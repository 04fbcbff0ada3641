"""The command `lossledger`: one short function for each verb, arguments in, exit code out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from jobs import demo as demonstration
from jobs.audit import commands
from jobs.engines.pins import installed_versions
from jobs.engines.session import session
from jobs.errors import ConfigurationError, Problem
from jobs.judgement.nights import compared_again
from jobs.nights import evaluated, planned
from jobs.planning.ready import asked
from jobs.settings import load
from jobs.sql.sessions import reading
from jobs.surfaces import compared, doctor, gates, maintain, worst
from jobs.surfaces.arguments import (
    Accelerator,
    Age,
    AnyEngine,
    Config,
    Day,
    Json,
    LightEngine,
    OneEngine,
    Provisional,
    Set,
    asked_hours,
    parsed_age,
    parsed_date,
)
from jobs.surfaces.asked import sql, views
from jobs.surfaces.exits import called, guarded, printed
from jobs.surfaces.init import command as initial
from jobs.surfaces.report import command as report

app = typer.Typer(
    epilog="Begin with: lossledger init --from YOUR_LOG. Each command has an example: lossledger run --help. "
    "Exit codes: 0 done, 1 a gate fails, 2 configuration or contract, 3 failure, 4 not there yet: try again.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        versions = installed_versions()
        own = versions.pop("lossledger", "of a source tree")
        print(f"lossledger {own} ({', '.join(f'{name} {version}' for name, version in versions.items())})")
        raise typer.Exit


def _example(arguments: str) -> str:
    """What the help of a command ends with."""
    return f"Example: lossledger {arguments}"


def _ended(command: Callable[[], int], *, as_json: bool) -> typer.Exit:
    return typer.Exit(guarded(command, as_json=as_json))


@app.callback()
def _lossledger(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions.")] = False,
) -> None:
    """An exact ledger of how well every model predicted its impressions."""


app.command(epilog=_example("init --from impressions.csv --labels clicks.csv"))(initial.init)


@app.command(epilog=_example("run lossledger.yaml --date 2026-11-20"))
def run(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    day: Day,
    age: Age = None,
    provisional: Provisional = False,
    engine: AnyEngine = None,
    accelerator: Accelerator = "auto",
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Evaluate a day, and the earlier days that reach an older age with it; each is replaced in the tables."""

    def command() -> int:
        asked = config, day, age, provisional, overrides
        return evaluated(*asked, engine=engine, accelerator=accelerator, as_json=as_json)

    raise _ended(command, as_json=as_json)


SPAN = "--from 2026-11-01 --to 2026-11-20"
app.command(epilog=_example(f"plan lossledger.yaml {SPAN}"))(planned.plan)
app.command(epilog=_example(f"backfill lossledger.yaml {SPAN}"))(planned.backfill)
app.command(epilog=_example(f"refresh lossledger.yaml {SPAN} --dry-run"))(planned.refresh)


@app.command(epilog=_example("ready lossledger.yaml --date 2026-11-20"))
def ready(
    config: Config,
    day: Day,
    age: Age = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Say whether a day can be evaluated already (exit code 4: not yet), without Apache Spark."""

    def command() -> int:
        told = asked(load(config, overrides), parsed_date(day), parsed_age(age))
        print(json.dumps({"exit_code": 0, "ready": told}) if as_json else f"ready: {told}")
        return 0

    raise _ended(command, as_json=as_json)


@app.command(epilog=_example("gate lossledger.yaml --date 2026-11-20"))
def gate(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    day: Day,
    age: Age = None,
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Judge the gates of a day that is in the tables (exit code 1: one fails)."""

    def command() -> int:
        settings = load(config, overrides)
        at = parsed_date(day), asked_hours(settings, age)
        with session(engine or reading(settings)) as spark:
            rows = gates.judged(spark, settings, *at)
        code = int(gates.fails(rows))
        printed([json.dumps({"exit_code": code, "gates": rows})] if as_json else gates.lines(rows))
        return code

    raise _ended(command, as_json=as_json)


@app.command(epilog=_example("compare lossledger.yaml --date 2026-11-20"))
def compare(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    day: Day,
    age: Age = None,
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Compare the models of a day again, from its tables alone; nothing is written."""

    def command() -> int:
        settings = load(config, overrides)
        at = parsed_date(day), asked_hours(settings, age)
        if not settings.comparisons:
            problem = Problem("comparisons", "nothing", "{release: {candidate: MODEL, baseline: MODEL}}")
            raise ConfigurationError("there is nothing to compare", [problem])
        with session(engine or reading(settings)) as spark:
            found = compared_again(spark, settings, *at)
        told = json.dumps({"exit_code": 0, "comparisons": compared.facts(found)})
        printed([told] if as_json else compared.sentences(found))
        return 0

    raise _ended(command, as_json=as_json)


app.command(epilog=_example("worst lossledger.yaml --date 2026-11-20 --calibration"))(worst.worst)
app.command(name="report", epilog=_example("report lossledger.yaml --date 2026-11-20 -o report.html"))(report.command)
app.command(epilog=_example("maintain lossledger.yaml --dry-run"))(maintain.maintain)
app.command(help=commands.AUDIT, epilog=_example("audit lossledger.yaml --date 2026-11-20"))(commands.audit)
app.command(help=commands.REPRODUCE, epilog=_example("reproduce lossledger.yaml RUN_ID"))(commands.reproduce)


# A query that begins with a comment looks like an option.
app.command(
    context_settings={"ignore_unknown_options": True},
    epilog=_example("sql lossledger.yaml \"SELECT * FROM slice_summary WHERE slice = ''\""),
)(sql.sql)
app.command(epilog=_example("views lossledger.yaml --print --dialect duckdb"))(views.views)


@app.command(epilog=_example("demo"))
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the logs and the tables go.")] = Path("demo"),
    as_json: Json = False,
) -> None:
    """Generate three days of impressions, evaluate them, and show what came out."""
    raise _ended(lambda: demonstration.run(folder, as_json=as_json), as_json=as_json)


@app.command(name="doctor", epilog=_example("doctor lossledger.yaml"))
def examine(
    config: Annotated[Path | None, typer.Argument(help="Also check this evaluation.", metavar="[CONFIG]")] = None,
    engine: OneEngine = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell all that was found.")] = False,
    as_json: Json = False,
) -> None:
    """Check this machine, and say how to mend what is missing."""
    raise _ended(lambda: doctor.report(config, engine, as_json=as_json, verbose=verbose), as_json=as_json)


def main() -> None:
    """Entry point of the command."""
    called(app)


if __name__ == "__main__":
    main()
