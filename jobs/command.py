"""The commands as functions that return an exit code; `cli.py` and `evaluate.py` only parse arguments."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import typer
from rich.console import Console
from typer.exceptions import TyperException

from jobs import ages, answers, nightly, sql, verdict
from jobs.errors import ConfigurationError, LossledgerError, Problem
from jobs.progress import Progress
from jobs.ready import asked
from jobs.session import session
from jobs.settings import load


def called(app: typer.Typer) -> None:
    """Run a command line and exit; what is wrong in it is told as JSON too, where JSON is asked for."""
    if "--json" not in sys.argv:
        app()
    try:
        sys.exit(app(standalone_mode=False))
    except TyperException as error:
        print(json.dumps({"exit_code": 2, "error": f"the command line is not valid: {error.format_message()}"}))
        sys.exit(2)


def guarded(command: Callable[[], int], *, as_json: bool) -> int:
    """Run a command; an error becomes its message on stderr, or JSON on stdout, and its exit code."""
    if not os.isatty(1):
        # Columns of tables are cut to 80 where nothing tells the width, for example in a log.
        os.environ.setdefault("COLUMNS", "140")
    try:
        return command()
    except Exception as error:
        facts = verdict.of_error(error)
        if not isinstance(error, LossledgerError):
            traceback.print_exc()
        if as_json:
            print(json.dumps(facts))
        else:
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"failed: {facts['error']}", markup=False)
        return int(facts["exit_code"])


def run(  # noqa: PLR0913 - the options of the command
    config: Path,
    day: str,
    *,
    engine: str,
    age: str | None = None,
    provisional: bool = False,
    overrides: Sequence[str] = (),
    as_json: bool = False,
) -> int:
    """Evaluate one day. The configuration, the date and its age are checked before an engine is started."""

    def command() -> int:
        settings = load(config, overrides)
        event_date, age_hours = parsed_date(day), None if age is None else parsed_age(age)
        ages.stamp(settings, event_date, age_hours, began=datetime.now(UTC), provisional=provisional)
        progress = Progress(nightly.STAGES, quiet=as_json)
        with session(engine, app=f"lossledger {settings.evaluation} {day}") as spark:
            outcome = nightly.evaluate(
                spark, settings, event_date, age_hours=age_hours, provisional=provisional, progress=progress
            )
            verdict.show(outcome, as_json=as_json)
        return 0

    return guarded(command, as_json=as_json)


def ready(
    config: Path, day: str, *, age: str | None = None, overrides: Sequence[str] = (), as_json: bool = False
) -> int:
    """Say whether a day can be evaluated already."""

    def command() -> int:
        settings = load(config, overrides)
        told = asked(settings, parsed_date(day), None if age is None else parsed_age(age))
        print(json.dumps({"exit_code": 0, "ready": told}) if as_json else f"ready: {told}")
        return 0

    return guarded(command, as_json=as_json)


def query(config: Path, text: str, *, engine: str, as_json: bool, overrides: Sequence[str] = ()) -> int:
    """Answer a question in SQL over the tables and views of an evaluation."""

    def command() -> int:
        settings = load(config, overrides)
        with session(engine) as spark:
            _print(answers.lines(sql.query(spark, settings, text), as_json))
        return 0

    return guarded(command, as_json=as_json)


def _print(lines: Iterable[str]) -> None:
    """Print lines for as long as somebody reads them: `| head` is no failure."""
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would fail once more at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parsed_date(text: str) -> date:
    """A date written YYYY-MM-DD.

    Raises:
        ConfigurationError: It is not one, for example a template that an orchestrator left empty (exit 2).
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 1970 <= day.year < 3000:
        problem = Problem("--date", repr(text), "a date such as 2026-11-20")
        raise ConfigurationError("the day cannot be read", [problem])
    return day


def parsed_age(text: str) -> int:
    """Whole hours, written 24h or 24.

    Raises:
        ConfigurationError: They are not (exit 2).
    """
    if not re.fullmatch("[0-9]{1,6}h?", text):
        raise ConfigurationError("the age cannot be read", [Problem("--age", repr(text), "hours such as 24h")])
    return int(text.removesuffix("h"))
