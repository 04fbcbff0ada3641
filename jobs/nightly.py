"""One day of logs → the tables, step by step: read, cells, label, summarise, reject, finish, judge, write.

All numbers are computed before the first table is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.day import Day
from jobs.errors import InputMissingError, RefusedError
from jobs.examples import arrival, cells, events, groups, label, rejects, summarise, units, unmatched
from jobs.examples.cells import Cells
from jobs.examples.labels import amounts
from jobs.examples.left_out import LeftOut, of_pairs
from jobs.files import damage, pinned
from jobs.inputs.frames import Frames, framed
from jobs.inputs.scorings import Scoring, scorings
from jobs.inputs.sources import Inputs, gathered
from jobs.judgement.night import judged
from jobs.ledger.journal import Journal
from jobs.ledger.made import made
from jobs.ledger.runs import Ledger
from jobs.ledger.turns.lease import leased, missed
from jobs.ledger.writer import Writer
from jobs.planning import ages, lacking, markers
from jobs.planning.finality import Finality
from jobs.planning.history import history
from jobs.progress import Progress
from jobs.results import baselines, precision
from jobs.results.new_rows import new_rows
from jobs.results.outcome import Outcome, judgements
from jobs.results.rows import Combined, stamped_rejects
from jobs.settings import Evaluation

STAGES = 8


@dataclass(frozen=True)
class Night:
    """What is evaluated, and what is written: the same in every step."""

    session: SparkSession
    settings: Evaluation
    day: Day
    writer: Writer
    journal: Journal


@dataclass(frozen=True)
class Scanned:
    """The day as its first scans show it: its cells, what has arrived of each source, the units of every scoring."""

    cells: Cells
    arrived: Mapping[str, arrival.Arrived]
    scorings: Sequence[Scoring]


@dataclass(frozen=True)
class Summed:
    """The combined sums, the frames of the rows that they lack, and where rows and events have ended in the pass."""

    sums: pa.Table
    rows: rejects.Rows
    ledger: Ledger
    examples: label.Labelled
    passed: events.Passed


@dataclass(frozen=True)
class Left:
    """What is left out, and why: of the rows, of each task × model, of the events of each label log."""

    ledger: Ledger
    pairs: tuple[LeftOut, ...]
    logs: tuple[unmatched.Judged, ...]


def evaluate(  # noqa: PLR0913 - which day, and how
    session: SparkSession,
    settings: Evaluation,
    day: date,
    *,
    age_hours: int | None = None,
    provisional: bool = False,
    began: datetime | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Evaluate one day at one label age, and replace that day in the tables.

    A run before its age, or of sources not whole, may be `provisional`. Labels are known up to when it `began`.

    Raises:
        ConfigurationError, ContractError: Something does not fit; nothing was written (exit 2).
        RefusedError: Too many rows are rejected, or events fit no impression; `rejects` and `runs` say so (exit 2).
        InputMissingError: It is too early, a source or its events are not there or whole, the day is empty (exit 4).
        RuntimeFailure, InputChangedError: Another run has the day, or this one failed (exit 3), see `runs_latest`.
    """
    stamp = ages.stamp(settings, day, age_hours, began=began or datetime.now(UTC), provisional=provisional)
    writer = Writer(session, settings, stamp)
    night = Night(session, settings, Day(day, settings.day.timezone), writer, Journal(writer))
    progress = progress or Progress(STAGES, quiet=True)
    try:
        with progress.stage("read"):
            inputs, finality = _read(night, provisional=provisional)
    except InputMissingError as absent:
        missed(writer, night.journal, absent)
        raise
    with leased(writer, night.journal, inputs=inputs.provenance) as holder:
        try:
            return _evaluated(replace(night, writer=holder), inputs, finality, progress)
        except Exception as error:
            failure = damage.explained(error, inputs.all, settings)
            night.journal.failed(failure)
            if failure is error:
                raise
            raise failure from error


def _evaluated(night: Night, inputs: Inputs, finality: Finality, progress: Progress) -> Outcome:
    """All steps but the first, which has told `runs` that the night began."""
    finality = _asked(night, inputs, finality)
    frames = framed(inputs, night.settings, night.day, finality.stamp.as_of)
    with progress.stage("cells"):
        scanned = _scanned(night, frames)
        progress.note = f"{scanned.cells.in_day:,} rows of the day, {len(scanned.cells.cells):,} cells"
    finality = _arrived(night, frames, scanned, finality)
    with progress.stage("label"):
        examples = label.labelled(frames.impressions, frames.logs, night.settings, night.day)
        progress.note = f"{examples.duplicates:,} duplicates"
    with progress.stage("summarise"):
        summed = _summed(night, frames, scanned, examples)
        progress.note = f"{summed.ledger.scored:,} examples"
    # Before anything is written: sums of two states of a file would be blamed on its rows.
    pinned.verify(inputs.all)
    combined = Combined(summed.sums, scanned.cells, scanned.scorings, finality.stamp, night.settings)
    with progress.stage("reject"):
        statistics = combined.statistics()
        left = _rejected(night, summed, statistics)
    with progress.stage("finish"):
        references = baselines.references(night.session, night.settings, finality.stamp)
        new = new_rows(combined, statistics, references)
        pinned.verify(inputs.all)
    with progress.stage("judge"):
        new, worst = judged(night.session, new, night.settings, references, finality)
    with progress.stage("write"):
        night.writer.replace(new)
    _tell_done(night, inputs, scanned, finality, progress)
    doubts = _doubts(night, scanned, frames, left, new)
    return Outcome(
        stamp=finality.stamp,
        ledger=left.ledger,
        metrics=new["metrics"],
        stages=dict(progress.seconds),
        warnings=(*finality.history.evolved, *inputs.warnings(night.settings), *doubts),
        provisional=finality.reasons,
        left_out=left.pairs,
        events={log.name: log.events for log in left.logs},
        **judgements(new),
        worst=worst,
    )


def _read(night: Night, *, provisional: bool) -> tuple[Inputs, Finality]:
    """Pin the sources, check the contract, make the tables: all that needs no dear work."""
    stamp = night.writer.stamp
    night.writer.check_place()
    inputs = gathered(night.session, night.settings, night.day, stamp)
    return inputs, Finality(stamp, night.day, history(made(night.writer), night.settings, stamp), provisional)


def _asked(night: Night, inputs: Inputs, finality: Finality) -> Finality:
    """Ask the clock, and the sources for what they say of themselves."""
    finality = finality.of_age(night.settings)
    night.journal.know(stamp=finality.stamp)
    finality = finality.judged(markers.lacking(night.session, inputs, night.settings, night.day, finality.stamp))
    night.journal.know(stamp=finality.stamp)
    return finality


def _scanned(night: Night, frames: Frames) -> Scanned:
    """The two narrow scans of the day: the dimensions with the largest weights, and the times."""
    settings, every = night.settings, scorings(night.settings)
    bounds = amounts.largest(frames.logs, settings)
    found = cells.scanned(frames.impressions, settings, units.asked(every, settings, bounds))
    arrived = arrival.counted(frames.impressions, frames.logs, found, settings, night.day)
    night.journal.know(arrived={name: of.plain for name, of in arrived.items()})
    return Scanned(found, arrived, units.scaled(every, {**found.largest, **units.of_logs(every, bounds)}, settings))


def _arrived(night: Night, frames: Frames, scanned: Scanned, finality: Finality) -> Finality:
    """Check that the day is there, and its sources whole."""
    arrival.check_day(frames.impressions, scanned.cells, scanned.arrived[arrival.IMPRESSIONS], night.day)
    finality = finality.judged(lacking.sources(scanned.arrived, finality.history, night.settings, night.day))
    night.journal.know(stamp=finality.stamp)
    return finality


def _summed(night: Night, frames: Frames, scanned: Scanned, examples: label.Labelled) -> Summed:
    """The one pass over the examples."""
    parts = (night.settings, scanned.cells, scanned.scorings)
    assembled = groups.assembled(examples.frame, *parts)
    whole, mixed = (None, None) if assembled is None else (assembled.frame, assembled.mixed)
    summary = summarise.summarised(examples.frame, whole, *parts)
    rows = rejects.Rows(*(frames.impressions, frames.logs, examples.frame, whole), scanned.scorings, scanned.arrived)
    ends = {"duplicate": examples.duplicates, "scored": summary.rows}
    ledger = Ledger.of(scanned.cells.read, scanned.cells.outside, **ends, mixed=mixed)
    night.journal.know(ledger=ledger)
    return Summed(summary.sums, rows, ledger, examples, events.Passed.of(ledger, summary.met))


def _rejected(night: Night, summed: Summed, statistics: pa.Table) -> Left:
    """Count and keep what is left out, and refuse the day where that is too much of it."""
    rows, settings, ledger = summed.rows, night.settings, summed.ledger
    label.check(summed.examples, ledger.scored)
    logs = unmatched.judged(rows.impressions, rows.logs, settings, night.day, summed.passed)
    night.journal.know(events={log.name: log.events.counts for log in logs})
    reasons, kept = rejects.counted(rows, ledger, statistics, settings.limits.stored_rejects)
    ledger = replace(ledger, reasons=reasons)
    night.journal.know(ledger=ledger)
    if kept is not None:
        night.writer.append("rejects", stamped_rejects(kept, night.journal.stamp))
    rejects.check(ledger, rows, statistics, settings.limits.rejected_share, kept)
    for log in logs:
        unmatched.check(log)
    if statistics.num_rows == 0:
        raise RefusedError(f"{night.day.date}: no row of the day can be evaluated, and nothing never replaces a day")
    return Left(ledger, of_pairs(rows.scorings, statistics, ledger.reasons), logs)


def _tell_done(night: Night, inputs: Inputs, scanned: Scanned, finality: Finality, progress: Progress) -> None:
    """Say in `runs` that the tables are written."""
    why = f"provisional, as {'; '.join(finality.reasons)}" if finality.reasons else None
    facts = {"inputs": inputs.provenance, "stages": progress.seconds, "units": units.recorded(scanned.scorings)}
    night.journal.tell("done", **facts, message=why)


def _doubts(night: Night, scanned: Scanned, frames: Frames, left: Left, new: Mapping[str, pa.Table]) -> Iterator[str]:
    """What should be looked at before the numbers are believed, as sentences."""
    for log in left.logs:
        yield from unmatched.warnings(log)
    yield from unmatched.copies(frames.impressions, left.ledger.duplicate, scanned.cells.in_day)
    limit = night.settings.limits.rejected_share
    yield from (each.sentence for each in left.pairs if not each.required and each.exceeds(limit))
    yield from precision.warnings(new["shard_statistics"], scanned.scorings, scanned.cells.largest, night.settings)
