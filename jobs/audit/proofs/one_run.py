"""That all tables hold the rows of one run, which was done, and was the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc

from jobs import process
from jobs.audit import recorded
from jobs.audit.evidence import REQUIRED, Evidence
from jobs.audit.statement import Statement, equal, sure, unknown
from jobs.ledger.judgements import DERIVED
from jobs.ledger.turns import holders

STAMPED = ("as_of", "provisional")


def one_run(of: Evidence) -> Iterator[Statement]:
    """All tables of the day hold the rows of one run, which was done and is not followed by one that did not end."""
    counting, run = recorded.counting(of.events), of.run
    yield sure("runs", "no run that was done" if run is None else "one", "a run that was done", holds=run is not None)
    for name in REQUIRED:
        rows = of.held.get(name, Counter())
        yield sure(name, f"{sum(rows.values()):,} rows", "some", holds=bool(rows))
    # A refresh makes all but the sums anew, and says whose sums they are.
    sums = {event["sums_run_id"] or event["run_id"] for event in of.events if event["run_id"] in counting}
    for names, runs in ((DERIVED, counting), (of.held.keys() - {*DERIVED}, sums)):
        held = {name: of.held[name] for name in sorted(names) if name in of.held}
        for name, rows in held.items():
            for run_id, count in rows.items():
                yield sure(f"{name}.run_id", f"{run_id} in {count:,} rows", _either(runs), holds=run_id in runs)
        seen = sorted({run_id for rows in held.values() for run_id in rows})
        yield sure("tables", f"rows of {len(seen)} runs: {', '.join(seen)}", "of one", holds=len(seen) <= 1)
    yield from _ended(of)
    if run is not None:
        yield from _stamped(of, run)


def _either(run_ids: set[str]) -> str:
    return " or ".join(sorted(run_ids)) or "no row, as no run was done"


def _ended(of: Evidence) -> Iterator[Statement]:
    """That the last run to begin has ended; of one that is under way nothing is known yet."""
    holder = holders.of(of.events, of.settings.lease.silence)
    if holder is None:
        return
    running = None if holder.process is None else process.is_running(holder.process)
    alive = running is not False and datetime.now(UTC) - holder.heard <= 2 * holder.silence
    if alive:
        yield unknown("runs", f"run {holder.run_id} is under way since {holder.since.isoformat()}")
    else:
        yield sure("runs", f"run {holder.run_id} began and never ended", "done, failed or refused", holds=False)


def _stamped(of: Evidence, run: Mapping[str, Any]) -> Iterator[Statement]:
    """That every row says of its run what the run says of itself."""
    for name, rows in of.tables.items():
        for column in STAMPED:
            if column in rows.column_names:
                said = [bool(x) if column == "provisional" else x for x in pc.unique(rows[column]).to_pylist()]
                expected = bool(run[column]) if column == "provisional" else run[column]
                yield from (equal(f"{name}.{column}", each, expected) for each in dict.fromkeys(said))
