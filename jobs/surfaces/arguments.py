"""What is given to the command as text: a day, and an age of labels."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.errors import ConfigurationError, Problem
from jobs.settings import Evaluation, durations

Config = Annotated[Path, typer.Argument(help="YAML file of the evaluation.", metavar="CONFIG")]
Day = Annotated[str, typer.Option("--date", help="Day of the impressions, YYYY-MM-DD.")]
Age = Annotated[str | None, typer.Option("--age", help="Label age, e.g. 24h or 7d; default: the youngest.")]
First = Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")]
Last = Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")]
Ages = Annotated[str | None, typer.Option("--ages", help="Label ages, e.g. 0h,24h; default: all that are configured.")]
Code = Annotated[bool, typer.Option("--code", help="Also what only another version of the code has made.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Set = Annotated[list[str], typer.Option("--set", help="Override a setting, e.g. limits.min_rows=0. Repeatable.")]
Provisional = Annotated[
    bool, typer.Option("--provisional", help="Also before the age is reached or a log is whole; marked as such.")
]
ENGINE_OPTION = {"envvar": "LOSSLEDGER_ENGINE", "metavar": "spark|sail|sc://HOST:PORT"}
ENGINES_TOLD = "Apache Spark here, Sail (embedded, no Java), or Apache Spark at a server of Spark Connect."
Engine = Annotated[str, typer.Option("--engine", "--remote", help=ENGINES_TOLD, **ENGINE_OPTION)]
LightEngine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        "--remote",
        help=f"{ENGINES_TOLD} Default: Sail; Apache Spark where something is in a catalog.",
        show_default=False,
        **ENGINE_OPTION,
    ),
]
AnyEngine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        "--remote",
        help=f"{ENGINES_TOLD} Default: Sail for logs of this machine up to 1 GiB, else Apache Spark.",
        show_default=False,
        **ENGINE_OPTION,
    ),
]
AskedEngine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        "--remote",
        envvar="LOSSLEDGER_ENGINE",
        metavar="duckdb|sail|spark|sc://HOST:PORT",
        help="By default the lightest that reads the tables: DuckDB on this disk, Sail elsewhere, Spark in a catalog.",
    ),
]
OneEngine = Annotated[str | None, typer.Option("--engine", "--remote", help="Check this engine or server only.")]
Accelerator = Annotated[
    str,
    typer.Option(
        "--accelerator",
        envvar="LOSSLEDGER_ACCELERATOR",
        help="Of Apache Spark: comet, none, or auto: comet if it is here.",
    ),
]


def parsed_date(text: str, option: str = "--date") -> date:
    """A date written YYYY-MM-DD.

    Raises:
        ConfigurationError: It is not one, for example a template that an orchestrator left empty (exit 2).
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 1970 <= day.year < 3000:
        problem = Problem(option, repr(text), "a date such as 2026-11-20")
        raise ConfigurationError("the day cannot be read", [problem])
    return day


def parsed_moment(text: str, option: str = "--at") -> datetime:
    """A moment with its zone, as ISO 8601 writes it.

    Raises:
        ConfigurationError: It is none, or has no zone (exit 2).
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None or not 1970 < moment.year < 3000:
        problem = Problem(option, repr(text), "a moment with its zone, such as 2026-11-20T03:00Z")
        raise ConfigurationError("the moment cannot be read", [problem])
    return moment


def asked_hours(settings: Evaluation, age: str | None) -> int:
    """Hours of the age that is asked for, or of the youngest one."""
    hours = parsed_age(age)
    return settings.age_hours if hours is None else hours


def parsed_age(text: str | None, option: str = "--age") -> int | None:
    """Hours of an age, written 24h, 7d or 24; None where none is given.

    Raises:
        ConfigurationError: It is none (exit 2).
    """
    if text is None:
        return None
    try:
        return durations.age(f"{text}h" if text.isdecimal() else text) // durations.HOUR
    except ValueError:
        problem = Problem(option, repr(text), "whole hours, such as 24h or 7d")
        raise ConfigurationError("the age cannot be read", [problem]) from None
