"""The command `lossledger sql`: questions over the tables and views of an evaluation, answered for people and files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.errors import ConfigurationError, Problem
from jobs.settings import load
from jobs.sql import sessions
from jobs.surfaces.arguments import AskedEngine, Config, Json, Set
from jobs.surfaces.exits import guarded, printed

Query = Annotated[str | None, typer.Argument(help="SQL over the tables and views by their short names.")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="A file of statements, or - for what comes in.")]
Described = Annotated[str | None, typer.Option("--describe", help="Tell what each column of a table or view means.")]
Format = Annotated[
    str | None, typer.Option("--format", metavar="table|csv|json|parquet", help="By default a table for people.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the answer there; the name says how.")]


def sql(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    query: Query = None,
    file: File = None,
    describe: Described = None,
    engine: AskedEngine = None,
    form: Format = None,
    output: Output = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Answer a question in SQL over the tables of an evaluation."""

    def command() -> int:
        # The parser and DuckDB are of those who ask: a cluster's driver, which has this module, too, goes without.
        from jobs.sql import asking, outputs  # noqa: PLC0415

        chosen = outputs.chosen(_form(form, as_json=as_json), output)
        if output is not None:
            outputs.check_file(output)
        settings = load(config, overrides)
        every = asking.every(settings, *_text(query, file, describe))
        _check_number(len(every), chosen)
        reads_sources = any(asked.query is not None and asked.query.reads_sources for asked in every)
        with sessions.opened(sessions.chosen(engine, settings, reads_sources=reads_sources)) as session:
            found = [asking.answer(session, settings, asked) for asked in every]
        heads = [asked.statement.head for asked in every] if len(every) > 1 else []
        if output is None:
            printed(outputs.text(found, chosen, heads))
        else:
            outputs.write(found, chosen, output, heads)
        return 0

    raise typer.Exit(guarded(command, as_json=as_json))


def _form(form: str | None, *, as_json: bool) -> str | None:
    if as_json and form not in (None, "json"):
        raise ConfigurationError("the format is not clear", [Problem("--format", repr(form), "none beside --json")])
    return "json" if as_json else form


def _text(query: str | None, file: Path | None, describe: str | None) -> tuple[str, str]:
    """The SQL that is asked, and what to call it.

    Raises:
        ConfigurationError: None is given, or several; or the file cannot be read (exit 2).
    """
    if [query, file, describe].count(None) != 2:
        problem = Problem("the command", "none of them, or several", "a QUERY, --file or --describe")
        raise ConfigurationError("the question is not clear", [problem])
    if describe is not None:
        return f"DESCRIBE {describe}", "--describe"
    return (_read(file), str(file)) if file is not None else (str(query), "the query")


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        problem = Problem("--file", f"{str(file)!r}: {told}", "a file of SQL")
        raise ConfigurationError("the query cannot be read", [problem]) from error


def _check_number(statements: int, form: str) -> None:
    if statements > 1 and form in ("csv", "parquet"):
        problem = Problem("the query", f"{statements} statements", f"one for {form}; or --format table or json")
        raise ConfigurationError("the answers do not fit into one file", [problem])
