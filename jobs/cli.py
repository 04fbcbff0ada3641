"""The command `lossledger`: arguments in, exit code out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs import command, doctor
from jobs import demo as demonstration
from jobs.engines import installed_versions, known_engine

app = typer.Typer(
    epilog="Exit codes: 0 done, 2 configuration or contract, 3 failure, 4 not there yet: try again later.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path, typer.Argument(help="YAML file of the evaluation.", metavar="CONFIG")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Set = Annotated[list[str], typer.Option("--set", help="Override a setting, e.g. limits.min_rows=0. Repeatable.")]
Provisional = Annotated[
    bool, typer.Option("--provisional", help="Also before the age is reached or a log is whole; marked as such.")
]
Engine = Annotated[
    str, typer.Option("--engine", envvar="LOSSLEDGER_ENGINE", help="spark (Apache Spark) or sail (embedded, no Java).")
]


def _version(asked: bool) -> None:
    if asked:
        versions = installed_versions()
        own = versions.pop("lossledger", "of a source tree")
        print(f"lossledger {own} ({', '.join(f'{name} {version}' for name, version in versions.items())})")
        raise typer.Exit


@app.callback()
def _lossledger(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions.")] = False,
) -> None:
    """An exact ledger of how well every model predicted its impressions."""


@app.command()
def run(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    date: Annotated[str, typer.Option(help="Day of the impressions, YYYY-MM-DD.")],
    age: Annotated[str | None, typer.Option(help="Label age, e.g. 24h; default: the configured one.")] = None,
    provisional: Provisional = False,
    engine: Engine = "spark",
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Evaluate one day and replace it in the tables."""
    raise typer.Exit(
        command.run(config, date, engine=engine, age=age, provisional=provisional, overrides=overrides, as_json=as_json)
    )


@app.command()
def ready(
    config: Config,
    date: Annotated[str, typer.Option(help="Day of the impressions, YYYY-MM-DD.")],
    age: Annotated[str | None, typer.Option(help="Label age, e.g. 24h; default: the configured one.")] = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Say whether a day can be evaluated already (exit code 4: not yet), without Apache Spark."""
    raise typer.Exit(command.ready(config, date, age=age, overrides=overrides, as_json=as_json))


# A query that begins with a comment looks like an option.
@app.command(context_settings={"ignore_unknown_options": True})
def sql(
    config: Config,
    query: Annotated[str, typer.Argument(help="SQL over the tables and views by their short names.")],
    engine: Engine = "sail",
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Answer a question in SQL over the tables of an evaluation."""
    raise typer.Exit(command.query(config, query, engine=engine, as_json=as_json, overrides=overrides))


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the logs and the tables go.")] = Path("demo"),
    as_json: Json = False,
) -> None:
    """Generate three days of impressions, evaluate them, and show what came out."""
    raise typer.Exit(command.guarded(lambda: demonstration.run(folder, as_json=as_json), as_json=as_json))


@app.command(name="doctor")
def examine(
    config: Annotated[Path | None, typer.Argument(help="Also check this evaluation.", metavar="[CONFIG]")] = None,
    engine: Annotated[str | None, typer.Option(help="Check this engine only.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell all that was found.")] = False,
    as_json: Json = False,
) -> None:
    """Check this machine, and say how to mend what is missing."""
    raise typer.Exit(
        command.guarded(
            lambda: doctor.report(config, engine and known_engine(engine), as_json=as_json, verbose=verbose),
            as_json=as_json,
        )
    )


def main() -> None:
    """Entry point of the command."""
    command.called(app)


if __name__ == "__main__":
    main()
