"""How a command ends: an error becomes its message and its exit code, an answer goes to whoever still reads it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable

import typer
from rich.console import Console
from typer.exceptions import TyperException

from jobs.engines import failures
from jobs.errors import LossledgerError
from jobs.surfaces import verdict


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
            print(failures.stack(error), file=sys.stderr)
        if as_json:
            print(json.dumps(facts))
        else:
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"failed: {facts['error']}", markup=False)
        return int(facts["exit_code"])


def printed(lines: Iterable[str]) -> None:
    """Print lines for as long as somebody reads them: `| head` is no failure."""
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would fail once more at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
