"""What `lossledger init` does: it looks at logs, writes a configuration, and says what it was unsure of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs import calling
from jobs.errors import ConfigurationError, ContractError, Problem, nearest_match, one_of
from jobs.inputs import contract
from jobs.safe_text import printable
from jobs.settings import Evaluation, load, parse
from jobs.surfaces.arguments import Json
from jobs.surfaces.exits import guarded
from jobs.surfaces.first_rows.glimpse import glimpse
from jobs.surfaces.first_rows.plausible import implausible
from jobs.surfaces.init.configuration import GUESS, NO_TIME, document, first_day, remarks
from jobs.surfaces.init.found import ROLES, Proposal
from jobs.surfaces.init.logs.samples import logs_in
from jobs.surfaces.init.proposal import proposed
from jobs.surfaces.init.yaml_lines import lines

From = Annotated[
    str, typer.Option("--from", help="Your impressions: a file or folder of Parquet or CSV, or a Delta table.")
]
Labels = Annotated[list[str], typer.Option("--labels", help="A log of events, as clicks. Repeatable.", metavar="PATH")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The configuration that is written.")]
Columns = Annotated[
    list[str],
    typer.Option("--column", metavar="ROLE=NAME", help=f"What you know better: {', '.join(ROLES)}. Repeatable."),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


@dataclass(frozen=True)
class Written:
    """A configuration that was written.

    Attributes:
        path: Where it is.
        proposal: What was found, and guessed.
        settings: The evaluation that it describes.
        day: A day to begin with.
        told: Whether the rows tell that day.
        ripe: Whether the labels of that day are all in.
    """

    path: Path
    proposal: Proposal
    settings: Evaluation
    day: date
    told: bool
    ripe: bool

    @property
    def next(self) -> str:
        """The command that evaluates the day."""
        provisional = "" if self.ripe else " --provisional"
        return calling.lossledger(f"run {self.path} --date {self.day}{provisional}")

    @property
    def facts(self) -> dict[str, Any]:
        """It as plain values."""
        return {
            "exit_code": 0,
            "config": str(self.path),
            "date": self.day.isoformat(),
            "next": self.next,
            "rows": self.proposal.impressions.rows.num_rows,
            "guesses": [guess.facts for guess in self.proposal.guesses],
            "passed_over": self.proposal.passed,
        }


def init(  # noqa: PLR0913, PLR0917 - the options of the command
    source: From,
    labels: Labels = [],  # noqa: B006 - typer copies it
    output: Output = Path("lossledger.yaml"),
    columns: Columns = [],  # noqa: B006 - typer copies it
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Look at your logs and write the configuration that evaluates them; what is a guess is marked in it."""

    def command() -> int:
        found = written(source, labels, output, columns, force=force)
        if as_json:
            print(json.dumps(found.facts))
        else:
            show(found)
        return 0

    raise typer.Exit(guarded(command, as_json=as_json))


def written(
    source: str, labels: Sequence[str], output: Path, columns: Sequence[str] = (), *, force: bool = False
) -> Written:
    """Look at logs and write a configuration of them.

    Raises:
        ConfigurationError: The file is there already, or a role is unknown (exit 2).
        ContractError: There is nothing to evaluate, as there is no log, no label or no score (exit 2).
    """
    given = _given(columns)
    if output.exists() and not force:
        problem = Problem(str(output), "a file that is there", "a name for a new one (-o FILE), or --force")
        raise ConfigurationError("the configuration is not written", [problem])
    events = [log for path in labels for log in logs_in(path)]
    made = proposed(logs_in(source), events, given)
    found = document(made, "warehouse")
    settings = parse(found)
    day, ripe = first_day(made, settings, datetime.now(UTC))
    output.write_text("\n".join(_text(made, found, source, output)) + "\n", encoding="utf-8")
    _check(output)
    # Without times a row is of the day that is named: of none whose labels could still change.
    named = day or (datetime.now(UTC) - timedelta(days=1)).date()
    return Written(output, made, settings, named, day is not None, ripe)


def _given(columns: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in columns:
        role, _, name = each.partition("=")
        if role not in ROLES or not name:
            problem = Problem("--column", repr(each), f"ROLE=NAME, ROLE {one_of(ROLES)}", nearest_match(role, ROLES))
            raise ConfigurationError("what was said of a column cannot be understood", [problem])
        found.setdefault(role, []).append(name)
    return found


def _text(made: Proposal, found: dict[str, Any], source: str, output: Path) -> list[str]:
    beside = {place: printable(told) for place, told in remarks(made, found).items()}
    count = sum(told.count(GUESS) for told in beside.values())
    look = f" Guesses are marked {GUESS.strip()} {count} to look at." if count else ""
    return [
        f"# Made by `lossledger init` after a look at {_looked(made)} of {printable(source)}.{look}",
        f"# conf/nightly.yaml explains every key; `lossledger doctor {output}` checks this file.",
        "",
        *lines(found, beside),
    ]


def _looked(made: Proposal) -> str:
    rows = f"{made.impressions.rows.num_rows:,} rows"
    return f"all {rows}" if made.impressions.complete else f"the first {rows} of its files"


def _check(output: Path) -> None:
    """Hold the configuration against the first rows of its sources, as `doctor` does.

    Raises:
        ContractError: They do not have what it says (exit 2).
    """
    settings = load(output)
    seen = {name: found for name, of in settings.sources.items() if (found := glimpse(name, of)) is not None}
    logs = {name.removeprefix("labels."): each for name, each in seen.items() if name.startswith("labels.")}
    contract.check(seen.get("impressions"), logs, settings)
    if problems := implausible(settings, seen.get("impressions"), logs):
        raise ContractError(f"{output} is written, but the first rows do not look like it", problems)


def show(found: Written) -> None:
    """Tell what was taken for what, what is a guess, and what to do next."""
    console = Console(highlight=False)
    made = found.proposal
    source = printable(made.impressions.source["path"])
    console.print(f"looked at {_looked(made)} of {source}", soft_wrap=True, markup=False)
    table = Table("what", "is", "", "why", show_lines=False)
    for guess in made.guesses:
        told = (guess.role, str(guess.column), guess.told)
        role, column, why = (escape(printable(text)) for text in told)
        table.add_row(role, column, "" if guess.sure else "[yellow]guess[/]", why)
    console.print(table)
    for name, why in made.passed.items():
        console.print(printable(f"passed over: {name}: {why}"), soft_wrap=True, markup=False)
    for line in _endings(found):
        console.print(line, soft_wrap=True, markup=False)


def _endings(found: Written) -> list[str]:
    guessed = any(not guess.sure for guess in found.proposal.guesses)
    told = [f"wrote {found.path}" + ("; what is a guess is marked GUESS in it: look at that" if guessed else "")]
    if not found.told:
        told.append(f"{NO_TIME}: here yesterday")
    if not found.ripe:
        hours = found.settings.age_hours
        told.append(
            f"no day of it is {hours} h over, after which its labels are all in, so the first run is provisional"
        )
    return [*told, f"next: {found.next}"]
