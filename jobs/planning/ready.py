"""Whether a day can be evaluated already, asked as a run asks it, but on the embedded engine and without a table.

An orchestrator asks again and again: that costs a second or two of one core, and no Apache Spark.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import SparkSession

from jobs import paths
from jobs.day import Day
from jobs.engines import failures
from jobs.engines.session import session
from jobs.errors import InputMissingError
from jobs.examples import arrival, cells
from jobs.inputs.frames import framed
from jobs.inputs.sources import gathered
from jobs.ledger.stamp import Stamp
from jobs.planning import ages, lacking, markers
from jobs.planning.history import History
from jobs.settings import Evaluation, Source


def asked(settings: Evaluation, day: date, age_hours: int | None) -> str:
    """Return one sentence about a day that can be evaluated, as far as that can be told here.

    Raises:
        ConfigurationError: The age is not configured (exit 2).
        InputMissingError: The day is not there yet, or its age is not reached (exit 4).
    """
    stamp = ages.stamp(settings, day, age_hours, began=datetime.now(UTC))
    elsewhere = [name for name, source in settings.sources.items() if _far(source)]
    if elsewhere:
        return f"{day} has reached its age; only the run can look at {', '.join(elsewhere)}"
    try:
        with session("sail", app=f"lossledger ready {settings.evaluation} {day}") as spark:
            _check(spark, settings, stamp)
    except InputMissingError:
        raise
    except Exception as error:
        # Other than that it is not there yet, the run tells better: on its own engine, and in `runs`.
        return f"{day} is there, and a run of it may fail: {failures.told(error, whole=False)}"
    return f"{day} is there"


def _far(source: Source) -> bool:
    return source.path is None or paths.local_path(source.path) is None


def _check(spark: SparkSession, settings: Evaluation, stamp: Stamp) -> None:
    """Raise what a run would before its dear work: a source that is missing or not whole, a day without rows."""
    day = Day(stamp.event_date, settings.day.timezone)
    inputs = gathered(spark, settings, day, stamp)
    frames = framed(inputs, settings, day, stamp.as_of)
    found = cells.scanned(frames.impressions, settings)
    arrived = arrival.counted(frames.impressions, frames.logs, found, settings, day)
    arrival.check_day(frames.impressions, found, arrived[arrival.IMPRESSIONS], day)
    # Earlier days are in the tables, which only a run looks at.
    said = markers.lacking(spark, inputs, settings, day, stamp)
    lacking.check(day, [*said, *lacking.sources(arrived, History(), settings, day)])
