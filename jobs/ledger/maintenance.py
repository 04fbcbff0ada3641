"""The upkeep of an evaluation's tables: which days are closed, which files nobody reads, which rejects may go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.errors import ConfigurationError, ContractError, Problem
from jobs.ledger import tables
from jobs.ledger.tables import RUNS
from jobs.ledger.turns import holders
from jobs.ledger.turns.lease import OURS
from jobs.settings import Evaluation
from jobs.settings.durations import duration_text
from jobs.storage import lake
from jobs.storage.schema import KEYS
from jobs.storage.upkeep.door import WEEK, kept_up
from jobs.storage.upkeep.told import Upkeep

MARGIN: Final = timedelta(hours=1)  # by which the clock of another host may be behind
EVENTS: Final = pa.schema([*(RUNS.schema.field(key) for key in KEYS), *holders.EVENTS])


def maintained(
    session: SparkSession,
    settings: Evaluation,
    older_than: timedelta,
    *,
    dry_run: bool = False,
    now: datetime | None = None,
) -> dict[str, Upkeep]:
    """Keep every table up that is there; days are those of the configured time zone.

    Args:
        session: Of the engine.
        settings: What is configured.
        older_than: Days that ended so long ago are closed, and files that were taken out so long ago are deleted; never
            those that a run which is under way may read.
        dry_run: Whether nothing is done, and all is told.
        now: The moment from which is counted; that of the call, unless it is said.

    Raises:
        ContractError: There is no table (exit 2).
    """
    now = now or datetime.now(UTC)
    today = now.astimezone(ZoneInfo(settings.day.timezone)).date()
    places = {name: lake.address(settings, name, engine_of(session)) for name in tables.declared(settings)}
    there = {name: where for name, where in places.items() if lake.exists(session, where)}
    if "runs" not in there:
        problem = Problem("tables", f"none of {settings.evaluation}", "those that a run has made")
        raise ContractError("there is nothing to maintain", [problem])
    retention = max(older_than, now - _oldest_start(session, settings, there["runs"], now))

    def one(name: str) -> Upkeep:
        kept = settings.limits.rejects_kept if name == "rejects" else None
        forget = None if kept is None else today - kept
        return kept_up(
            session, there[name], closed=today - older_than, retention=retention, forget=forget, dry_run=dry_run
        )

    with ThreadPoolExecutor(len(there)) as pool:
        return dict(zip(there, pool.map(one, there), strict=True))


def checked(older_than: timedelta, *, unsafe: bool) -> timedelta:
    """Return how far back is safe.

    Raises:
        ConfigurationError: It is less than a week, and nobody has said that no reader is under way (exit 2).
    """
    if older_than < WEEK and not unsafe:
        expected = f"{duration_text(WEEK)} or more, as queries under way may read older files; or --unsafe, if none are"
        problem = Problem("--older-than", duration_text(older_than), expected)
        raise ConfigurationError("files would be deleted that may be read", [problem])
    return older_than


def _oldest_start(session: SparkSession, settings: Evaluation, runs: lake.Address, now: datetime) -> datetime:
    """When the run began that is under way for the longest time; now, where there is none."""
    by_part: Mapping[tuple[date, int], list[dict[str, Any]]] = defaultdict(list)
    for event in lake.rows(session, runs, EVENTS).to_pylist():
        by_part[event["event_date"], event["age_hours"]].append(event)
    found = [holders.of(events, settings.lease.silence) for events in by_part.values()]
    watch = holders.Watch()
    living = [holder.since for holder in found if holder is not None and not watch.is_dead(holder, OURS)]
    return min([now, *(since - MARGIN for since in living)])
