"""What the demo shows: the tables a person would look at first, three questions in SQL, one last sentence."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Any, Final

import pyarrow as pa
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from jobs import sql, verdict
from jobs.demo.engines import NAMES, OTHER
from jobs.demo.summary import Answer, Summary
from jobs.demo.truths import Truths
from jobs.nightly import Outcome

LEDGER: Final = ("read", "outside", "rejected", "duplicate", "scored")
METRICS: Final = ("log_loss", "normalized_entropy", "predicted_over_actual", "brier_score")

# A change counts in multiples of its error: that of ln(predicted / actual) is nearly 1 / √positives for
# either day, where all weights are 1.
MOVERS: Final = """
SELECT
  now.task, now.model, now.slice, now.n, before.value AS before, now.value AS now,
  ABS(LN(now.value / before.value)) / SQRT(1 / now.positives + 1 / before.positives) AS errors
FROM metrics AS now
JOIN metrics AS before
  ON before.task = now.task AND before.model = now.model AND before.slice = now.slice
  AND before.metric = now.metric AND before.age_hours = now.age_hours
  AND before.event_date = DATE_SUB(now.event_date, 1)
WHERE now.metric = 'predicted_over_actual' AND now.event_date = DATE '{today}' AND now.weight = now.n
  AND now.value > 0 AND before.value > 0
ORDER BY errors DESC, slice, task, model
LIMIT 6
"""

SINCE: Final = """\
SELECT event_date, model, n, positives, value AS predicted_over_actual
FROM metrics_latest
WHERE task = 'ctr' AND metric = 'predicted_over_actual' AND slice = '{slice}'
ORDER BY model, event_date"""

UNDECLARED: Final = """\
SELECT placement, model, SUM(n) AS n,
  CAST(SUM(nll) AS DOUBLE) / CAST(SUM(weight) AS DOUBLE) AS log_loss,
  CAST(SUM(score_sum) AS DOUBLE) / CAST(SUM(positive_weight) AS DOUBLE) AS predicted_over_actual
FROM statistics_priced
WHERE task = 'ctr' AND event_date BETWEEN DATE '{first}' AND DATE '{last}'
GROUP BY placement, model
ORDER BY placement, model"""

EXACT: Final = """\
SELECT model, by_cell.loss AS over_cells, by_shard.loss AS over_shards, by_cell.loss - by_shard.loss AS difference
FROM (SELECT model, SUM(negative_nll) AS loss FROM statistics WHERE task = 'ctr' GROUP BY model) AS by_cell
JOIN (SELECT model, SUM(negative_nll) AS loss FROM shard_statistics
      WHERE task = 'ctr' AND slice = '' GROUP BY model) AS by_shard USING (model)
ORDER BY model"""


def questions(truths: Truths) -> dict[str, str]:
    """Three questions with their SQL: since when, of a slice that nobody declared, and whether the sums tie out."""
    first, last = truths.days[0].date, truths.days[-1].date
    return {
        f"Since when is {truths.wrong_slice} wrong, and for whom?": SINCE.format(slice=truths.wrong_slice),
        "How good is each placement over all days? No slice of it was declared.": UNDECLARED.format(
            first=first, last=last
        ),
        "Do both tables of sums agree, to the fifteenth decimal?": EXACT,
    }


def show_days(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Where the rows went, and how good the models are."""
    found = [verdict.of_outcome(outcome) for outcome in outcomes]
    ledger = _table("Where every row went", ("day",), (*LEDGER, "seconds"))
    for day in found:
        counts = (f"{day['rows'][name]:,}" for name in LEDGER)
        ledger.add_row(day["event_date"], *counts, f"{sum(day['stages'].values()):.1f}")
    console.print(ledger)
    table = _table("How good the models are, over all impressions", ("task", "model", "day"), (*METRICS, "n"))
    for row in sorted(({**row, "day": day["event_date"]} for day in found for row in day["metrics"]), key=_of_pair):
        table.add_row(row["task"], row["model"], row["day"], *(_number(row[name]) for name in METRICS), f"{row['n']:,}")
    console.print(table)


def show_slices(console: Console, truths: Truths, movers: pa.Table) -> None:
    """The slices whose predicted / actual changed most, against what chance would do."""
    table = _table(
        f"What changed most on {truths.days[-1].date}: predicted / actual, in standard errors",
        ("task", "model", "slice"),
        ("n", "before", "now", "errors"),
    )
    for row in movers.to_pylist():
        values = (f"{row[name]:.3f}" for name in ("before", "now"))
        table.add_row(
            row["task"], row["model"], row["slice"] or "(all)", f"{row['n']:,}", *values, f"{row['errors']:.1f}"
        )
    console.print(table)


def show_rejects(console: Console, truths: Truths, outcomes: Sequence[Outcome]) -> None:
    """What was rejected, as planted and as found."""
    planted = _by_reason(row for day in truths.days for row in day.reasons)
    found = _by_reason(row for outcome in outcomes for row in outcome.ledger.reasons)
    table = _table("What was rejected, over all days", ("of", "reason"), ("planted", "found"))
    for key in sorted(planted | found):
        table.add_row(*key, f"{planted[key]:,}", f"{found[key]:,}")
    console.print(table)


def show_answers(console: Console, answers: Sequence[Answer]) -> None:
    """The questions with their SQL and their answers."""
    for number, each in enumerate(answers, 1):
        console.print(f"\n[bold]{number}. {each.question}[/bold]\n")
        console.print(Syntax(each.sql, "sql", background_color="default"))
        console.print()
        console.print(sql.rendered(each.answer, False), markup=False)


def show_verdict(console: Console, root: Path, config: Path, summary: Summary) -> None:
    """Whether the engines agree, what to try next, and the last line: the verdict."""
    console.print()
    names = NAMES[summary.engine], NAMES[OTHER[summary.engine]]
    for each in summary.comparisons:
        told = f"differ in {', '.join(each.differing)}" if each.differing else "all the same, bit for bit"
        console.print(f"{names[0]} and {names[1]}, {each.table}: {each.rows:,} rows, {each.sums:,} sums, {told}")
    if summary.reason:
        console.print(f"{names[1]} was left out, so only {names[0]} was tried: {summary.reason}", markup=False)
    place = "" if str(root) == "demo" else f"LOSSLEDGER_DEMO={shlex.quote(str(root))} "
    shown = os.path.relpath(config) if config.is_relative_to(Path.cwd()) else str(config)
    console.print(f'\nNext: {place}{_command()} sql {shown} "SELECT * FROM runs_latest"', soft_wrap=True, markup=False)
    console.print(f"      copy conf/nightly.yaml, name your own logs in it, and: {_command()} run CONFIG --date D")
    console.print(f"\n{sentence(summary)}", soft_wrap=True, markup=False)


def _command() -> str:
    """How the command is called from here, where it need not be on PATH."""
    return "lossledger" if which("lossledger") else os.path.relpath(Path(sys.executable).with_name("lossledger"))


def sentence(summary: Summary) -> str:
    """The verdict in one sentence."""
    if summary.problems:
        return f"failed: {'; '.join(summary.problems)}"
    scored = sum(outcome.ledger.scored for outcome in summary.outcomes)
    rejects = sum(row["rows"] for day in summary.truths.days for row in day.reasons)
    worst = summary.movers.slice(0, 1).to_pylist()[0]
    sums = sum(each.sums for each in summary.comparisons)
    same = f"both engines agree on {sums:,} sums bit for bit" if sums else "the other engine was left out"
    return (
        f"done: {scored:,} impressions of {len(summary.outcomes)} days scored, all {rejects:,} planted rejects found; "
        f"the candidate has the lower log loss in {summary.wins} of {len(summary.losses)} tasks × days; "
        f"the {worst['model']} went wrong in {worst['slice']} ({worst['before']:.2f} → {worst['now']:.2f}); {same}"
    )


def _by_reason(rows: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        source = row["source"] if row["task"] is None else f"{row['task']} / {row['model']}"
        counts[source, row["reason"]] += row["rows"]
    return counts


def _table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(*texts, title=f"\n{title}", title_justify="left")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _of_pair(row: dict[str, Any]) -> tuple[str, ...]:
    return row["task"], row["model"], row["day"]


def _number(value: float | str) -> str:
    return f"{value:.5f}" if isinstance(value, float) else value
