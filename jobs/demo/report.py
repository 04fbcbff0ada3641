"""What the demo shows, on two screens: its words, the tables to look at first, three questions, one last sentence."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from jobs import calling
from jobs.demo.engines import NAMES, OTHER
from jobs.demo.findings import Answer, Findings
from jobs.demo.truths import Truths
from jobs.results.outcome import Outcome
from jobs.sql.answers import rendered
from jobs.surfaces import verdict

LEDGER: Final = ("read", "outside", "rejected", "duplicate", "scored")
PAIR: Final = ("task", "model")
MOST_MOVERS: Final = 3
METRICS: Final = ("log_loss", "normalized_entropy", "predicted_over_actual", "brier_score")

WORDS: Final = (
    ("task", "what is predicted: ctr the click, ctr_by_bid the same weighted by bids, cvr a conversion of a click"),
    ("log_loss", "what a probability costs when it meets what happened, in nats per impression; lower is better"),
    (
        "normalized_entropy",
        "NE: that loss over the loss of always saying the average rate; below 1 knows more than that",
    ),
    (
        "predicted_over_actual",
        "predicted / actual: clicks expected over clicks that came; 1.07 is 7 % too many",
    ),
    ("brier_score", "the mean squared error of the probabilities; lower is better"),
    ("errors", "how many standard errors apart two days are; above 4 it is hardly chance"),
)


def show_words(console: Console) -> None:
    """What the words mean, a line each."""
    for word, meaning in WORDS:
        console.print(f"[bold]{word:<22}[/bold]{meaning}", soft_wrap=True)


def show_days(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Where the rows went, and how good the models were on the last day."""
    found = [verdict.of_outcome(outcome) for outcome in outcomes]
    ledger = _table(("day",), (*LEDGER, "seconds"))
    for day in found:
        counts = (f"{day['rows'][name]:,}" for name in LEDGER)
        ledger.add_row(day["event_date"], *counts, f"{sum(day['stages'].values()):.1f}")
    title = "Where every row went: read = outside the day + rejected + duplicate + scored"
    _print_table(console, title, ledger)
    last = found[-1]
    table = _table(PAIR, (*METRICS, "n"))
    for row in sorted(last["metrics"], key=lambda row: (row["task"], row["model"])):
        table.add_row(row["task"], row["model"], *(_number(row[name]) for name in METRICS), f"{row['n']:,}")
    _print_table(console, f"How good the models are, over all impressions of {last['event_date']}", table)


def show_slices(console: Console, truths: Truths, movers: pa.Table) -> None:
    """The slices whose predicted / actual changed most, against what chance would do."""
    table = _table((*PAIR, "slice"), ("n", "before", "now", "errors"))
    for row in movers.slice(0, MOST_MOVERS).to_pylist():
        values = (f"{row[name]:.3f}" for name in ("before", "now"))
        table.add_row(
            row["task"], row["model"], row["slice"] or "(all)", f"{row['n']:,}", *values, f"{row['errors']:.1f}"
        )
    title = f"Which slices changed most since the day before {truths.days[-1].date}, by predicted / actual"
    _print_table(console, title, table)


def show_rejects(console: Console, truths: Truths, outcomes: Sequence[Outcome]) -> None:
    """What was rejected over all days, by reason: as planted, and as found where that differs."""
    planted = _by_reason(row for day in truths.days for row in day.reasons)
    found = _by_reason(row for outcome in outcomes for row in outcome.ledger.reasons)
    told = (
        f"{reason} {found[reason]:,}" + ("" if found[reason] == planted[reason] else f" (planted {planted[reason]:,})")
        for reason in sorted(planted | found)
    )
    title = "as planted" if planted == found else "not as planted"
    console.print(f"\n[bold]Rows and scores that were rejected, {title}:[/bold] {', '.join(told)}")


def show_answers(console: Console, answers: Sequence[Answer]) -> None:
    """The questions with their SQL and their answers."""
    for number, each in enumerate(answers, 1):
        console.print(f"\n[bold]{number}. {each.question}[/bold]")
        console.print(Syntax(each.sql, "sql", background_color="default"))
        console.print(rendered(each.answer, False), markup=False)


def show_verdict(console: Console, root: Path, config: Path, findings: Findings) -> None:
    """Whether the engines agree, what to try next, and the last line: the verdict."""
    console.print()
    names = NAMES[findings.engine], NAMES[OTHER[findings.engine]]
    same = ", ".join(f"{each.sums:,} of {each.table}" for each in findings.comparisons if not each.differing)
    if same:
        console.print(f"The same sums on {names[0]} and {names[1]}, bit for bit: {same}", soft_wrap=True)
    if findings.reason:
        console.print(f"{names[1]} was left out, so only {names[0]} was tried: {findings.reason}", markup=False)
    place = "" if str(root) == "demo" else f"LOSSLEDGER_DEMO={shlex.quote(str(root))} "
    shown = _from_here(config)
    query = calling.lossledger(f'sql {shown} "SELECT * FROM runs_latest"')
    console.print(f"\nNext: {place}{query}", soft_wrap=True, markup=False)
    own = calling.lossledger("init --from YOUR_LOG")
    console.print(f"      {own}, with a log of your own", soft_wrap=True, markup=False)
    console.print(f"{sentence(findings)}; the report: {findings.page}", soft_wrap=True, markup=False)


def _from_here(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def sentence(findings: Findings) -> str:
    """The verdict in one sentence."""
    if findings.problems:
        return f"failed: {'; '.join(findings.problems)}"
    scored = sum(outcome.ledger.scored for outcome in findings.outcomes)
    rejects = sum(row["rows"] for day in findings.truths.days for row in day.reasons)
    worst = findings.movers.slice(0, 1).to_pylist()[0]
    sums = sum(each.sums for each in findings.comparisons)
    same = f"both engines agree on {sums:,} sums bit for bit" if sums else "the other engine was left out"
    return (
        f"done: {scored:,} impressions of {len(findings.outcomes)} days scored, all {rejects:,} planted rejects found; "
        f"the candidate has the lower log loss in {findings.wins} of {len(findings.losses)} tasks × days; "
        f"the {worst['model']} went wrong in {worst['slice']} ({worst['before']:.2f} → {worst['now']:.2f}); {same}"
    )


def _by_reason(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["reason"]] += row["rows"]
    return counts


def _print_table(console: Console, title: str, table: Table) -> None:
    # A title of the table's own would be broken at the table's width.
    console.print(f"\n[bold]{title}[/bold]", soft_wrap=True)
    console.print(table)


def _table(texts: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(*texts, box=None, pad_edge=False)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _number(value: float | str) -> str:
    return f"{value:.5f}" if isinstance(value, float) else value
