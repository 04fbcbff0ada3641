"""Data health: where every row went, what was rejected and why, and what became of the events of label logs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jobs.surfaces.report.charts.lines import Line, Panel, Value, panel
from jobs.surfaces.report.night import Night, Row
from jobs.surfaces.report.section import Section

TITLE = "Data health"
LEAD = "Every row that was read ends in one place: read = outside the day + rejected + duplicate + scored."
ENDS = ("scored", "duplicate", "rejected", "outside")


class Part(NamedTuple):
    """Where rows went: how many, their share, and where their part of the bar is, in percent."""

    name: str
    rows: int
    share: float
    start: float


class Health(NamedTuple):
    """The ledger of the rows of the night, rejects, label events, and the rows of all days."""

    parts: list[Part]
    read: int
    ties_out: bool
    rejected: list[dict[str, Any]]
    events: list[tuple[str, dict[str, int]]]
    panels: list[Panel]
    rows: Sequence[Row]


def sql(night: Night) -> str:
    """The query for the rows of the days."""
    return (
        "SELECT event_date, state, in_doubt, rows_read, rows_outside, rows_rejected, rows_duplicate, rows_scored\n"
        f"FROM runs_latest\nWHERE age_hours = {night.age_hours} AND event_date {night.lately}\n"
        "ORDER BY event_date"
    )


def made(night: Night, run: Row) -> Section:
    """The rows of the night, of which `run` is the event."""
    query = sql(night)
    rows = night.rows(query)
    read = run.get("rows_read") or 0
    if not read:
        return Section("health", TITLE, LEAD, "The run has not noted the rows that it read.")
    parts = _parts(run, read)
    events = [(name, _counts(found)) for name, found in json.loads(run.get("label_events") or "{}").items()]
    days = tuple(Value(row["event_date"], float(row["rows_scored"])) for row in rows if row["rows_scored"] is not None)
    line = Line("rows scored", 0, days)
    named = ("Rows scored, by day", "rows_scored")
    panels = [panel("health/rows", named, [line], night.every_day, None)] if days else []
    ties_out = read == sum(part.rows for part in parts)
    rejected = json.loads(run.get("rejected") or "[]")
    return Section("health", TITLE, LEAD, None, Health(parts, read, ties_out, rejected, events, panels, rows), query)


def _counts(found: Mapping[str, Any]) -> dict[str, int]:
    """The events of each class; those rejected are counted by reason, and are a class together."""
    return {name: sum(of.values()) if isinstance(of, dict) else of for name, of in found.items()}


def _parts(run: Row, read: int) -> list[Part]:
    rows: Sequence[int] = [run[f"rows_{name}"] or 0 for name in ENDS]
    return [
        Part(name, count, count / read, 100.0 * sum(rows[:i]) / read)
        for i, (name, count) in enumerate(zip(ENDS, rows, strict=True))
    ]
