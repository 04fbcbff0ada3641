"""The demo: generated logs, three nights of evaluation, what a person would look at first, the same bits twice."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession
from rich.console import Console

from jobs import nightly
from jobs.demo import questions, report
from jobs.demo.data import generated, newest_day
from jobs.demo.engines import NAMES, OTHER, Comparison, compared, left_out, repeated
from jobs.demo.findings import Answer, Findings
from jobs.engines.identity import engine_of
from jobs.engines.pins import conf_file
from jobs.engines.session import session
from jobs.progress import Progress
from jobs.results.outcome import Outcome
from jobs.settings import Evaluation, load
from jobs.sql.query import answered
from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import report as written
from jobs.surfaces.report.page import write

ROWS_PER_DAY: Final = 100_000
ROOT: Final = "LOSSLEDGER_DEMO"


def run(folder: Path, *, engine: str = "sail", as_json: bool = False) -> int:
    """The command: show the demo, return its exit code."""
    # With --json the same goes to programs, so people are shown nothing.
    findings = demo(folder, engine, console=Console(highlight=False, quiet=as_json))
    if as_json:
        sys.stdout.write(json.dumps(findings.document(), default=str) + "\n")
    return findings.exit_code


def demo(
    root: Path,
    engine: str = "sail",
    rows_per_day: int = ROWS_PER_DAY,
    *,
    last_day: date | None = None,
    console: Console | None = None,
) -> Findings:
    """Generate the logs if they are not there, evaluate them, show what came out.

    Args:
        root: Gets the logs and the tables.
        engine: The engine of the three days; the last one is repeated on the other, if that can be had.
        rows_per_day: Impressions a day.
        last_day: The last of the three; by default the newest whose labels are all in.
        console: Where tables are shown; by default nowhere. Progress goes to stderr.
    """
    console = console or Console(quiet=True)
    other = OTHER[engine]
    reason = left_out(other)
    progress = Progress(4 if reason else 5, quiet=console.quiet)
    with _rooted(root):
        settings = load(_config())
    with progress.stage("logs") as stage:
        truths = generated(root / "data", last_day or newest_day(), rows_per_day=rows_per_day)
        stage.note = f"{truths.rows_per_day:,} impressions a day from {truths.days[0].date}, in {root}"
    first, *days = truths.dates
    with ThreadPoolExecutor(1) as beside, session(engine, app="lossledger demo") as spark:
        outcomes = [_evaluated(spark, settings, first, progress)]
        # The other engine mostly starts, and does so beside the other days; not before one day went well.
        again = None if reason else beside.submit(_repeated, days[-1], other, root)
        outcomes += [_evaluated(spark, settings, day, progress) for day in days]
        movers = answered(spark, settings, questions.MOVERS.format(today=days[-1]))
        asked = questions.questions(truths).items()
        answers = tuple(Answer(question, text, answered(spark, settings, text)) for question, text in asked)
        report.show_words(console)
        report.show_days(console, outcomes)
        report.show_slices(console, truths, movers)
        report.show_rejects(console, truths, outcomes)
        report.show_answers(console, answers)
        page = root / "report.html"
        write(written(opened(spark, settings, days[-1], None)).html, page)
        comparisons = () if again is None else _compared(settings, days[-1], other, again, progress)
    findings = Findings(engine, truths, tuple(outcomes), movers, answers, comparisons, reason, page)
    report.show_verdict(console, root, _config(), findings)
    return findings


def _evaluated(spark: SparkSession, settings: Evaluation, day: date, progress: Progress) -> Outcome:
    with progress.stage(f"{day} on {NAMES[engine_of(spark)]}"):
        return nightly.evaluate(spark, settings, day)


def _repeated(day: date, engine: str, root: Path) -> str:
    """Run a day in a process of its own; returns the folder of its tables."""
    tables = str(root / f"warehouse-{engine}")
    repeated(_config(), day, engine=engine, tables=tables, environment={ROOT: str(root)})
    return tables


def _compared(
    settings: Evaluation, day: date, engine: str, again: Future[str], progress: Progress
) -> tuple[Comparison, ...]:
    """The tables of a day beside those of its repetition, once that has ended."""
    with progress.stage(f"{day} again, on {NAMES[engine]}"):
        tables = again.result()
    return compared(settings, (str(settings.tables.path), tables), day)


def _config() -> Path:
    return Path(str(conf_file("demo.yaml")))


@contextmanager
def _rooted(root: Path) -> Iterator[None]:
    """Let the configuration see the folder, as `LOSSLEDGER_DEMO` lets it see it in a shell."""
    before = os.environ.get(ROOT)
    os.environ[ROOT] = str(root)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ROOT]
        else:
            os.environ[ROOT] = before
