"""One day again from its sums: what was made of them is made anew, by the definitions of now; no log is opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Final
from uuid import uuid4

from pyspark.sql import SparkSession

from jobs.day import Day
from jobs.inputs.scorings import scorings
from jobs.judgement.night import judged
from jobs.ledger.journal import Journal
from jobs.ledger.judgements import DERIVED
from jobs.ledger.made import made_again
from jobs.ledger.runs import Ledger
from jobs.ledger.stamp import Stamp
from jobs.ledger.turns.lease import leased
from jobs.ledger.writer import Writer
from jobs.planning.finality import Finality
from jobs.planning.history import History
from jobs.progress import Progress
from jobs.results import baselines, finish, lost
from jobs.results.outcome import Outcome, judgements
from jobs.results.recorded import OPTIONAL, Recorded, recorded, tables_of
from jobs.settings import Evaluation
from jobs.storage.change import DayAtAge

STAGES: Final = 4
PROVISIONAL: Final = "provisional, as "  # how a run that is done says why it is no more than that


@dataclass(frozen=True)
class Again:
    """A day that is made again: of which settings, by whom, and from which sums."""

    session: SparkSession
    settings: Evaluation
    writer: Writer
    journal: Journal
    sums: Recorded


def made_again_of(
    session: SparkSession, settings: Evaluation, part: DayAtAge, progress: Progress | None = None
) -> Outcome:
    """Make everything but the sums of a day at an age again: the same bits as a run of its rows would write.

    The caller knows that the sums are those of the configuration (`jobs.planning.changed.needing_rows`).

    Raises:
        ContractError: The tables do not hold all sums, of one run that was done (exit 2).
        RuntimeFailure: Another run has the day, or wrote it at the same time (exit 3), see `runs_latest`.
    """
    sums = recorded(session, settings, part)
    stamp = Stamp(*part, sums.done["as_of"].astimezone(UTC), uuid4().hex, bool(sums.done["provisional"]))
    writer = Writer(session, settings, stamp)
    writer.check_place()
    made_again(writer)
    journal = Journal(writer)
    with leased(writer, journal, sums=sums.done) as holder:
        try:
            again = Again(session, settings, holder, journal, sums)
            return _made(again, progress or Progress(STAGES, quiet=True))
        except Exception as error:
            journal.failed(error)
            raise


def _made(again: Again, progress: Progress) -> Outcome:
    settings, stamp, sums = again.settings, again.writer.stamp, again.sums
    with progress.stage("read"):
        # From here on no run that was taken for dead can change them: what was read before is asked for its run.
        again.writer.fence(tables_of(settings))
        again.writer.check_kept(sums.tables, sums.run_id)
        references = baselines.references(again.session, settings, stamp)
    with progress.stage("finish"):
        metrics = finish.metrics(sums.tables, settings, sums.slices, scorings(settings), references)
        metrics = finish.stamped(lost.put_back(metrics, sums.told), settings, stamp)
    with progress.stage("judge"):
        finality = Finality(stamp, Day(stamp.event_date, settings.day.timezone), History(), True, _reasons(sums))
        new, worst = judged(again.session, {**sums.tables, "metrics": metrics}, settings, references, finality)
    with progress.stage("write"):
        made = {name: new[name] for name in DERIVED if name in new and new[name].num_rows}
        again.writer.replace(made, kept=OPTIONAL)
        again.writer.check_kept(sums.tables, sums.run_id)
    again.journal.tell("done", stages=progress.seconds, message=sums.done["message"])
    return Outcome(
        stamp=stamp,
        ledger=Ledger.told(sums.done),
        metrics=new["metrics"],
        stages=dict(progress.seconds),
        warnings=(),
        provisional=finality.reasons,
        left_out=(),
        events={},
        **judgements(new),
        worst=worst,
    )


def _reasons(sums: Recorded) -> tuple[str, ...]:
    """Why the day is provisional, as the run of its rows has said."""
    message = str(sums.done["message"] or "")
    return (message.removeprefix(PROVISIONAL),) if sums.done["provisional"] else ()
