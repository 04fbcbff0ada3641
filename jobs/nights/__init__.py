"""The nights of one call: days at label ages, one after the other in one session, each with its own verdict."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs import nightly
from jobs.engines import failures
from jobs.engines.session import session
from jobs.errors import LossledgerError
from jobs.nights import embedded
from jobs.planning import ages, due
from jobs.progress import Progress
from jobs.results.outcome import Outcome
from jobs.safe_text import printable
from jobs.settings import Evaluation, load
from jobs.settings.durations import age_text
from jobs.storage.change import DayAtAge
from jobs.surfaces import alerts, verdict
from jobs.surfaces.arguments import parsed_age, parsed_date
from jobs.surfaces.screen.following import next_steps

# Of several nights the one that has to be looked at most decides: a failure, what is wrong, a gate, what is not there.
WORST_FIRST = (3, 2, 1, 4, 0)
HOW = {0: "done", 1: "done, a gate fails", 2: "refused", 3: "failed", 4: "not there yet"}


@dataclass(frozen=True)
class Ended:
    """How one night ended: with what it did, or with why it did not.

    Attributes:
        part: The day and its age.
        outcome: What the run did, or None.
        error: Why it did not end well, or None.
    """

    part: DayAtAge
    outcome: Outcome | None = None
    error: Exception | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Its verdict as plain values, with its day and age whatever it is."""
        if self.outcome is not None:
            return verdict.of_outcome(self.outcome)
        assert self.error is not None
        of_part = {"event_date": self.part.event_date.isoformat(), "age_hours": self.part.age_hours}
        return {**verdict.of_error(self.error), **of_part}

    @property
    def exit_code(self) -> int:
        """Its own exit code."""
        return int(self.facts["exit_code"])


def worst(codes: Iterable[int]) -> int:
    """The exit code of several nights.

    Example:
        >>> worst([0, 4]), worst([4, 1, 0]), worst([1, 2, 3]), worst([])
        (4, 1, 3, 0)
    """
    return min(codes, key=WORST_FIRST.index, default=0)


def evaluate_due(
    session: SparkSession, settings: Evaluation, day: date, *, provisional: bool = False, quiet: bool = True
) -> Iterator[Ended]:
    """Evaluate a day at the youngest age, and at each older age the earlier day that reaches it now.

    Of those only days that a run has done at a younger age: others are left to `lossledger backfill`. A night that
    fails, or that is not there yet, does not stop the others.

    Args:
        session: Of the engine.
        settings: What is configured.
        day: The newest day.
        provisional: Whether nights may be.
        quiet: Whether nothing is told of their stages.
    """
    parts = due.falling_due(day, settings.hours)
    youngest = ended(session, settings, parts[0], provisional=provisional, quiet=quiet)
    if youngest.outcome is None:
        # Told before anything else may fail.
        yield youngest
    known = due.begun(session, settings, parts)
    older = due.older(settings, day, known)
    if youngest.outcome is not None:
        missing = due.never_ran(parts, known.and_now(older))
        yield replace(youngest, outcome=with_warnings(youngest.outcome, missing))
    for part in older:
        yield ended(session, settings, part, provisional=provisional, quiet=quiet)


def with_warnings(outcome: Outcome, sentences: Iterable[str]) -> Outcome:
    """The same with more that should be looked at."""
    return replace(outcome, warnings=(*outcome.warnings, *sentences))


def ended(
    session: SparkSession, settings: Evaluation, part: DayAtAge, *, provisional: bool = False, quiet: bool = True
) -> Ended:
    """Evaluate one day at one age; what goes wrong is kept, to be told when its turn comes."""
    if not quiet:
        print(named(part), file=sys.stderr)
    progress = Progress(nightly.STAGES, quiet=quiet)
    hours = part.age_hours
    try:
        outcome = nightly.evaluate(
            session, settings, part.event_date, age_hours=hours, provisional=provisional, progress=progress
        )
    except Exception as error:
        return Ended(part, error=failures.explained(error))
    return Ended(part, outcome)


def evaluated(  # noqa: PLR0913 - the options of the command
    config: Path,
    day: str,
    age: str | None = None,
    provisional: bool = False,
    overrides: Sequence[str] = (),
    *,
    engine: str | None = None,
    accelerator: str = "none",
    as_json: bool = False,
) -> int:
    """Evaluate one day. The configuration, the date and its age are checked before an engine is started.

    Where no engine is named, it is chosen by where the logs are and how large.
    """
    settings = load(config, overrides)
    event_date, age_hours = parsed_date(day), parsed_age(age)
    ages.stamp(settings, event_date, age_hours, began=datetime.now(UTC), provisional=provisional)
    app = f"lossledger {settings.evaluation} {day}"
    chosen = engine or embedded.on(settings, (event_date,), accelerator, quiet=as_json)
    following = next_steps(config, settings, event_date, age_hours, overrides)
    with _told(settings, event_date), session(chosen, app=app, accelerator=accelerator) as spark:
        if age_hours is None and len(settings.ages) > 1:
            every = evaluate_due(spark, settings, event_date, provisional=provisional, quiet=as_json)
            return shown(spark, settings, every, as_json=as_json, following=following)
        outcome = nightly.evaluate(
            spark,
            settings,
            event_date,
            age_hours=age_hours,
            provisional=provisional,
            progress=Progress(nightly.STAGES, quiet=as_json),
        )
        part = DayAtAge(event_date, outcome.stamp.age_hours)
        outcome = with_warnings(outcome, due.never_ran([part], due.begun(spark, settings, [part])))
        verdict.show(outcome, as_json=as_json, following=following)
        _warn(alerts.told(spark, settings, outcome))
    return verdict.exit_code(outcome)


def shown(
    spark: SparkSession,
    settings: Evaluation,
    nights: Iterable[Ended],
    *,
    as_json: bool,
    following: Iterable[str] = (),
) -> int:
    """Show each night as it ends, alert whom it may concern, and return the exit code of all.

    As JSON they are one object: `exit_code`, and `nights` with a verdict of each, as one night alone has it.
    """
    told = []
    for night in nights:
        told.append(night)
        _show(night, as_json=as_json)
        _alert(spark, settings, night)
    code = worst(night.exit_code for night in told)
    if as_json:
        print(json.dumps({"exit_code": code, "nights": [night.facts for night in told]}))
    else:
        print(*following, sep="\n")
        print(f"nights: {', '.join(map(_standing, told))}")
    return code


def _show(night: Ended, *, as_json: bool) -> None:
    complain(night)
    if night.outcome is not None and not as_json:
        verdict.show(night.outcome, as_json=False)


def complain(night: Ended) -> None:
    """Tell what went wrong in a night, as a command does that fails."""
    if night.error is None:
        return
    if not isinstance(night.error, LossledgerError):
        print(failures.stack(night.error), file=sys.stderr)
    print(f"failed: {named(night.part)}: {night.facts['error']}", file=sys.stderr)


def named(part: DayAtAge) -> str:
    """A day at an age, as people are told of it."""
    return f"{part.event_date} at age {age_text(part.age_hours)}"


def _standing(night: Ended) -> str:
    return f"{named(night.part)} {HOW[night.exit_code]}"


def _alert(spark: SparkSession, settings: Evaluation, night: Ended) -> None:
    if night.outcome is not None:
        _warn(alerts.told(spark, settings, night.outcome))
    elif night.error is not None:
        _warn(alerts.told_failure(settings, night.part.event_date, night.error))


@contextmanager
def _told(settings: Evaluation, day: date) -> Iterator[None]:
    """Alert whom it may concern of a run that does not end well."""
    try:
        yield
    except Exception as error:
        _warn(alerts.told_failure(settings, day, error))
        raise


def _warn(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(printable(f"warning: {sentence}"), file=sys.stderr)
