"""One day of logs → the tables, as the steps of the flow: read, cells, label, summarise, finish, write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.day import Day
from jobs.engines import failures
from jobs.engines.pins import engine_of
from jobs.errors import InputMissingError, LossledgerError, Problem, RefusedError
from jobs.examples import arrival, cells, groups, label, rejects, summarise, units, unmatched
from jobs.examples.cells import Cells
from jobs.examples.events import Events
from jobs.examples.left_out import of_pairs
from jobs.files import damage, pinned
from jobs.inputs import impressions as read
from jobs.inputs.scorings import Scoring
from jobs.inputs.scorings import scorings as scorings_of
from jobs.inputs.sources import Inputs, gathered
from jobs.ledger import runs, tables
from jobs.ledger.runs import Ledger
from jobs.ledger.stamp import Stamp
from jobs.ledger.writer import Writer
from jobs.planning import ages, lacking, markers
from jobs.planning.history import History, history
from jobs.progress import Progress
from jobs.results import baselines, natural, precision
from jobs.results import finish as metrics
from jobs.results import rows as finish
from jobs.results.outcome import Outcome
from jobs.settings import Evaluation
from jobs.storage import lake

STAGES = 6


def evaluate(  # noqa: PLR0913 - which day, and how
    session: SparkSession,
    settings: Evaluation,
    day: date,
    *,
    age_hours: int | None = None,
    provisional: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Evaluate one day at one label age, and replace that day in the tables.

    A run may be `provisional`: before the age is reached, or with sources that are not whole, it marks every row so.

    Raises:
        ConfigurationError, ContractError: Something does not fit; nothing was written (exit 2).
        RefusedError: The day has too many rejected rows, or events that fit no impression; only `rejects` and `runs`
            were written (exit 2).
        InputMissingError: It is too early for the age, a source is not there, the day is empty, or a label log has no
            event for it; a source is not whole, unless the run may be provisional (exit 4).
        RuntimeFailure, InputChangedError: The run failed; statistics and metrics are as before, or `runs_latest` says
            `in_doubt` (exit 3).
    """
    progress = progress or Progress(STAGES, quiet=True)
    stamp = ages.stamp(settings, day, age_hours, began=datetime.now(UTC), provisional=provisional)
    run = Run(session, settings, Day(day, settings.day.timezone), stamp, progress, provisional)
    try:
        with progress.stage("read"):
            inputs = run.prepared()
    except InputMissingError as absent:
        run.missed(absent)
        raise
    run.record("started", inputs=inputs.provenance)
    try:
        return run.completed(inputs)
    except Exception as error:
        failure = damage.explained(error, inputs.all, settings)
        run.failed(failure)
        if failure is error:
            raise
        raise failure from error


@dataclass
class Run:
    """A run under way."""

    session: SparkSession
    settings: Evaluation
    day: Day
    stamp: Stamp
    progress: Progress
    may_be_provisional: bool
    ledger: Ledger | None = None
    judged: tuple[unmatched.Judged, ...] | None = None
    arrived: Mapping[str, arrival.Arrived] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    history: History = field(default_factory=History)

    def prepared(self) -> Inputs:
        """Pin the sources, check the contract, make the tables: all that needs no dear work."""
        self.writer.check_place()
        settings, session = self.settings, self.session
        inputs = gathered(session, settings, self.day, self.stamp)
        declared = tables.declared(settings)
        lake.ensure(session, self.writer.address("runs"), declared.pop("runs"))
        done = lake.read(session, self.writer.address("runs")).where(F.col("state") == "done")
        # Before the tables get the columns of this configuration.
        runs.check_definitions(settings, runs.recorded(done))
        with ThreadPoolExecutor(len(declared)) as pool:
            list(pool.map(lambda name: lake.ensure(session, self.writer.address(name), declared[name]), declared))
        self.history = history(done, self.stamp)
        return inputs

    def completed(self, inputs: Inputs) -> Outcome:
        """Compute all numbers, then replace the tables."""
        settings, progress = self.settings, self.progress
        scorings = scorings_of(settings)
        key = read.key_type(settings, inputs.impressions, inputs.logs)
        impressions = read.impressions(inputs.impressions, settings, self.day, key)
        logs = {
            name: read.label_log(inputs.logs[name], log, self.day, self.stamp.as_of, key)
            for name, log in settings.label_logs.items()
        }
        self._check_markers(inputs)
        found = self._arrived(impressions, logs, units.asked(scorings, settings))
        scorings = units.scaled(scorings, found.largest, settings)
        with progress.stage("label"):
            examples = label.labelled(impressions, logs, settings)
            progress.note = f"{examples.duplicates:,} duplicates"
        with progress.stage("summarise"):
            assembled = groups.assembled(examples.frame, settings, found, scorings)
            whole = None if assembled is None else assembled.frame
            summary = summarise.summarised(examples.frame, whole, settings, found, scorings)
            progress.note = f"{summary.rows:,} examples"
        # Before anything is written: sums of two states of a file would be blamed on its rows.
        pinned.verify(inputs.all)
        mixed = None if assembled is None else assembled.mixed
        counts = {"duplicate": examples.duplicates, "scored": summary.rows}
        self.ledger = Ledger.of(found.read, found.outside, **counts, mixed=mixed)
        with progress.stage("finish"):
            rejected = self.ledger.rejected > 0
            self.judged = unmatched.judged(impressions, logs, settings, self.day, rejected=rejected)
            rows = rejects.Rows(impressions, logs, examples.frame, whole, scorings, self.arrived)
            new = self._finished(summary.sums, found, rows)
            pinned.verify(inputs.all)
        with progress.stage("write"):
            self.writer.replace(new)
        self._done(inputs, scorings)
        return self._outcome(new, rows, found, inputs)

    def _done(self, inputs: Inputs, scorings: Sequence[Scoring]) -> None:
        """Say in `runs` that the tables are written."""
        why = f"provisional, as {'; '.join(self.lacking)}" if self.lacking else None
        facts = {"inputs": inputs.provenance, "stages": self.progress.seconds, "units": units.recorded(scorings)}
        self.record("done", **facts, message=why)

    def _outcome(self, new: Mapping[str, pa.Table], rows: rejects.Rows, found: Cells, inputs: Inputs) -> Outcome:
        """What was done, and what of it looks wrong."""
        assert self.ledger is not None
        left_out = of_pairs(rows.scorings, new["statistics"], self.ledger.reasons)
        limit = self.settings.limits.rejected_share
        partial = [each.sentence for each in left_out if not each.required and each.exceeds(limit)]
        imprecise = precision.warnings(new["shard_statistics"], rows.scorings, found.largest, self.settings)
        told = [*inputs.warnings(self.settings)]
        told += [told for log in self.judged or () for told in unmatched.warnings(log)]
        told += unmatched.copies(rows.impressions, self.ledger.duplicate, found.in_day)
        outcome = self.stamp, self.ledger, new["metrics"], dict(self.progress.seconds)
        return Outcome(*outcome, (*told, *partial, *imprecise), self.lacking, left_out, self._events or {})

    @property
    def _events(self) -> dict[str, Events] | None:
        """What became of the events of each label log, once that is known."""
        return None if self.judged is None else {log.name: log.found for log in self.judged}

    def _check_markers(self, inputs: Inputs) -> None:
        """Ask the sources what they say of themselves; before its age no day is whole."""
        if self._early:
            self._mark(ages.early(self.stamp, self.settings))
        self._judge(markers.lacking(self.session, inputs, self.settings, self.day, self.stamp))

    def _arrived(self, impressions: DataFrame, logs: Mapping[str, DataFrame], asked: Mapping[str, Column]) -> Cells:
        """The cells of the day, after checking that it is there, and its sources whole."""
        with self.progress.stage("cells"):
            found = cells.scanned(impressions, self.settings, asked)
            self.arrived = arrival.counted(impressions, logs, found, self.settings, self.day)
            self.progress.note = f"{found.in_day:,} rows of the day, {len(found.cells):,} cells"
        arrival.check_day(impressions, found, self.arrived[arrival.IMPRESSIONS], self.day)
        self._judge(lacking.sources(self.arrived, self.history, self.settings, self.day))
        return found

    @property
    def _early(self) -> bool:
        """Whether the run began before its age was reached: no source needs to be whole then."""
        return self.stamp.as_of < self.day.as_of(self.stamp.age_hours)

    def _judge(self, problems: Iterable[Problem]) -> None:
        """Go on with sources that are whole; with others only where the run may be provisional."""
        found = [] if self._early else list(problems)
        if not self.may_be_provisional:
            lacking.check(self.day, found)
        elif found:
            self._mark(*map(str, found))

    def _mark(self, *reasons: str) -> None:
        """Make the run a provisional one, unless it would take the place of a better one."""
        if self.history.complete:
            raise InputMissingError(
                f"{self.day.date} is in the tables as it was when it was whole, and no provisional run replaces that: "
                f"{'; '.join(reasons)} (exit code 4)"
            )
        self.stamp = replace(self.stamp, provisional=True)
        self.lacking += reasons

    def _finished(self, sums: pa.Table, found: Cells, rows: rejects.Rows) -> dict[str, pa.Table]:
        """The rows of the tables, after the rejected rows are kept and everything ties out."""
        declared = tables.declared(self.settings)
        parts = (sums, found, rows.scorings, self.stamp)
        statistics = finish.statistics(*parts, declared["statistics"])
        by_shard = finish.shard_statistics(*parts, declared["shard_statistics"])
        self._reject(rows, statistics)
        if statistics.num_rows == 0:
            raise RefusedError(f"{self.day.date}: no row of the day can be evaluated, and nothing never replaces a day")
        finish.audit(statistics, by_shard, self.settings)
        new = {"statistics": statistics, "shard_statistics": by_shard}
        if "score_bins" in declared:
            new["score_bins"] = finish.score_bins(*parts, self.settings)
        if "class_statistics" in declared:
            new["class_statistics"] = finish.class_statistics(*parts)
        new = natural.natural(new, rows.scorings, tables.every_statistic(self.settings))
        references = baselines.references(self.session, self.settings, self.writer.address("statistics"), self.stamp)
        values = metrics.metrics(new, self.settings, found, rows.scorings, references)
        new = natural.narrowed(new)
        new["metrics"] = metrics.stamped(values, self.settings, self.stamp)
        return {name: rows for name, rows in new.items() if rows.num_rows}

    @property
    def writer(self) -> Writer:
        """The tables, as this run changes them."""
        return Writer(self.session, self.settings, self.stamp)

    def record(self, state: str, **facts: Any) -> None:
        """Append an event to `runs`, with the counts that are known by then."""
        arrived = {name: arrived.plain for name, arrived in self.arrived.items()} or None
        events = None if self._events is None else {name: found.counts for name, found in self._events.items()}
        counts = {"ledger": self.ledger, "events": events, "arrived": arrived}
        row = runs.event(state, self.stamp, self.settings, engine_of(self.session), **counts, **facts)
        self.writer.append("runs", row)

    def missed(self, failure: InputMissingError) -> None:
        """Say in `runs` that a source is not there, in a table made for it if need be."""
        with _noted(failure):
            lake.ensure(self.session, self.writer.address("runs"), tables.RUNS)
            self.record("started")
            self.record("refused", message=failures.told(failure, whole=False))

    def failed(self, failure: Exception) -> None:
        """Say in `runs` why the run ended; where that fails too, the failure itself says so."""
        refused = isinstance(failure, LossledgerError) and failure.exit_code in (2, 4)
        message = failures.told(failure, whole=False)
        with _noted(failure):
            self.record("refused" if refused else "failed", message=message)

    def _reject(self, rows: rejects.Rows, statistics: pa.Table) -> None:
        """Count and keep what was rejected, and refuse the day if that is too much of it."""
        assert self.ledger is not None
        parts, kept = rejects.parts(rows, self.ledger, statistics), None
        if parts:
            reasons, kept = rejects.collected(parts, self.settings.limits.stored_rejects)
            self.ledger = replace(self.ledger, reasons=reasons)
            self.writer.append("rejects", finish.stamped_rejects(kept, self.stamp))
        rejects.check(self.ledger, rows, statistics, self.settings.limits.rejected_share, kept)
        for log in self.judged or ():
            unmatched.check(log)


@contextmanager
def _noted(failure: Exception) -> Iterator[None]:
    """Let a failure say what fails on telling it in `runs`: most likely for the same cause, which must not be lost."""
    try:
        yield
    except Exception as error:
        failure.add_note(f"`runs` could not be told: {failures.told(error, whole=False)}")
