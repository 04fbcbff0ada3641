"""A run made once more: of the same inputs, by the same configuration and code, in a place of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs import nightly
from jobs.audit import at_version, recorded
from jobs.audit.digests import OF_THE_RUN, digest, of_rejects
from jobs.audit.earlier import Earlier, in_ledger, laid_out
from jobs.audit.inputs import GoneError, found_again
from jobs.audit.proofs.keys import KEYS
from jobs.audit.same import same
from jobs.audit.statement import NOT_PROVEN, WRONG, Statement, Verdict, equal, unknown, verdict
from jobs.day import Day
from jobs.engines.identity import engine_of
from jobs.errors import ConfigurationError, Problem, nearest_match
from jobs.ledger import tables
from jobs.ledger.runs import code_hash
from jobs.planning import changed
from jobs.progress import Progress
from jobs.settings import Evaluation
from jobs.storage import lake
from jobs.storage.change import DayAtAge

# What `runs` says of a run besides when and where it was.
TOLD: Final = (
    *("rows_read", "rows_outside", "rows_rejected", "rows_duplicate", "rows_scored", "groups_mixed", "rejected"),
    *("label_events", "units", "definitions", "arrived", "as_of", "provisional"),
)
# What rests on earlier days, too: whole tables, columns, and metrics by how their names end.
OF_EARLIER_DAYS: Final = ("changes", "label_arrival", "gate_results")
COLUMNS: Final = {
    "metrics": ("is_final",),
    "comparisons": ("running_value", "running_low", "running_high", "running_since"),
}
ENDS: Final = (r"\[nowcast\]$", r"\[reference\]$")


@dataclass(frozen=True)
class Reproduced:
    """What became of a run that was made once more.

    Attributes:
        run_id: The run.
        part: Its day and age.
        verdicts: One of every table, and of what `runs` says of the run.
        digests: By table the SHA-256 of its rows, as they are and as they were made now.
        notes: What is other than it was without a say in the numbers.
    """

    run_id: str
    part: DayAtAge
    verdicts: tuple[Verdict, ...]
    digests: Mapping[str, tuple[str, str]]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where a table differs, 4 where one could not be held against anything, else 0."""
        states = {each.state for each in self.verdicts}
        return 1 if WRONG in states else 4 if NOT_PROVEN in states else 0

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "exit_code": self.exit_code,
            "run_id": self.run_id,
            "event_date": self.part.event_date.isoformat(),
            "age_hours": self.part.age_hours,
            "tables": [{**each.facts, "sha256": list(self.digests.get(each.proof, ()))} for each in self.verdicts],
            "notes": list(self.notes),
        }


def reproduced(
    session: SparkSession,
    settings: Evaluation,
    run_id: str,
    *,
    code: bool = False,
    progress: Progress | None = None,
) -> Reproduced:
    """Make a run once more, and hold every table of it against what is there; nothing of the ledger is written.

    Args:
        session: Of the engine.
        settings: What is configured: where the tables are. The run is made by its own configuration.
        run_id: Which run.
        code: Whether another version of the code may make it.
        progress: Told of its stages.

    Raises:
        ConfigurationError: There is no such run, or it was not done (exit 2).
        GoneError: Its rows, a source, its configuration or its code are not there any more: it says which (exit 4).
    """
    runs = _runs(session, settings)
    run = _run(runs, run_id)
    own = recorded.configured(settings, run)
    part = DayAtAge(run["event_date"], run["age_hours"])
    found = found_again(session, own, _present(session, own, run, part, code=code))
    with tempfile.TemporaryDirectory(prefix="lossledger-") as folder:
        earlier = laid_out(session, own, runs, run, Path(folder) / "tables")
        again = at_version.pinned(session, earlier.settings, found, Path(folder) / "sources")
        moment = Day(part.event_date, own.day.timezone).as_of(part.age_hours)
        nightly.evaluate(
            session,
            again,
            part.event_date,
            age_hours=part.age_hours,
            provisional=bool(run["provisional"]),
            began=run["as_of"] if run["as_of"] < moment else None,
            progress=progress,
        )
        return _compared(session, (own, again), run, earlier, [*_notes(settings, run)])


def _runs(session: SparkSession, settings: Evaluation) -> pa.Table:
    where = lake.address(settings, "runs", engine_of(session))
    there = lake.exists(session, where)
    return lake.rows(session, where, tables.RUNS.schema) if there else tables.RUNS.schema.empty_table()


def _run(runs: pa.Table, run_id: str) -> dict[str, Any]:
    """How a run ended."""
    events = runs.filter(pc.equal(runs["run_id"], run_id)).to_pylist()
    ends = [event for event in events if event["state"] == "done"]
    if ends:
        return dict(ends[-1])
    known = list(dict.fromkeys(runs.filter(pc.equal(runs["state"], "done"))["run_id"].to_pylist()))
    state = f"{run_id!r}, which is {events[-1]['state']}" if events else repr(run_id)
    newest = f"a run that was done, as {', '.join(known[-3:])}" if known else "a run that was done: there is none"
    raise ConfigurationError("there is no such run", [Problem("RUN_ID", state, newest, nearest_match(run_id, known))])


def _present(
    session: SparkSession, own: Evaluation, run: dict[str, Any], part: DayAtAge, *, code: bool
) -> dict[str, Any]:
    """The run, if its rows and its code are there.

    Raises:
        GoneError: They are not (exit 4).
    """
    gone = []
    rows = in_ledger(session, own, part, ["statistics", "metrics"])
    held = {run_id for each in rows.values() for run_id in each["run_id"].unique().to_pylist()}
    if held != {run["run_id"]}:
        of_sums = run["sums_run_id"]
        made = f", and it was made of the sums of {of_sums} by lossledger refresh: audit proves it" if of_sums else ""
        gone.append(f"its rows: the tables hold those of {' and '.join(sorted(held)) or 'no run'}{made}")
    if run["code_hash"] != code_hash() and not code:
        gone.append(f"its code: it was made by {run['code_hash'][:12]}, this is {code_hash()[:12]} (--code: go on)")
    if gone:
        raise GoneError(f"run {run['run_id']} of {part.event_date} cannot be made again, as gone is {'; '.join(gone)}")
    return run


def _notes(settings: Evaluation, run: Mapping[str, Any]) -> Iterator[str]:
    """What is other than it was."""
    if sections := changed.sections(settings, run["config"], run["config_hash"]):
        yield f"the configuration is another one now, in {', '.join(sections)}: the run was made by its own"
    if run["code_hash"] != code_hash():
        yield "made by another version of the code than then"


def _compared(
    session: SparkSession,
    sides: tuple[Evaluation, Evaluation],
    run: Mapping[str, Any],
    earlier: Earlier,
    notes: Sequence[str],
) -> Reproduced:
    """Every table of the run beside what was made now."""
    part = DayAtAge(run["event_date"], run["age_hours"])
    names = [name for name in tables.declared(sides[0]) if name != "runs"]
    before, now = (in_ledger(session, side, part, names) for side in sides)
    before["rejects"] = before["rejects"].filter(pc.equal(before["rejects"]["run_id"], run["run_id"]))
    event = _run(_runs(session, sides[1]), str(now["statistics"]["run_id"][0].as_py()))
    found = [verdict("runs", (equal(f"runs.{name}", event[name], run[name]) for name in TOLD))]
    for name in names:
        if before[name].num_rows or now[name].num_rows:
            found.append(verdict(name, _of_table(name, sides[0], (before[name], now[name]), earlier)))
    digests = {
        name: (digest(before[name], own := _keys(name, sides[0])), digest(now[name], own))
        for name in names
        if before[name].num_rows
    }
    return Reproduced(run["run_id"], part, tuple(found), digests, tuple(notes))


def _of_table(
    name: str, settings: Evaluation, sides: tuple[pa.Table, pa.Table], earlier: Earlier
) -> Iterator[Statement]:
    """That a table made now is the one that is there; what rests on days that have moved is not held against it."""
    if name == "rejects":
        yield from of_rejects(settings, sides)
        return
    before, now = (rows.drop([each for each in OF_THE_RUN if each in rows.column_names]) for rows in sides)
    if earlier.moved or not earlier.whole:
        rests = name in OF_EARLIER_DAYS or (name in COLUMNS and before.num_rows)
        if rests:
            yield unknown(name, _why(name, earlier))
        if name in OF_EARLIER_DAYS:
            return
        before, now = (_of_this_day(name, rows) for rows in (before, now))
    yield from same(name, now, before, _keys(name, settings))


def _keys(name: str, settings: Evaluation) -> list[str]:
    """What tells the rows of a table apart; of `rejects` nothing does."""
    return [*KEYS.get(name, ()), *(settings.dimensions if name == "statistics" else ())]


def _why(name: str, earlier: Earlier) -> str:
    what = f"{', '.join(COLUMNS[name])}" if name in COLUMNS else "its rows"
    if not earlier.whole:
        return f"{what} rest on earlier days, which are not on this machine"
    days = ", ".join(f"{part.event_date} at {part.age_hours}h" for part in earlier.moved)
    return f"{what} rest on earlier days, of which these were evaluated anew since: {days}"


def _of_this_day(name: str, rows: pa.Table) -> pa.Table:
    """What of a table rests on the day alone."""
    if name in COLUMNS:
        for end in ENDS:
            rows = rows.filter(pc.invert(pc.match_substring_regex(rows["metric"], end)))
    return rows.drop([each for each in COLUMNS.get(name, ()) if each in rows.column_names])
