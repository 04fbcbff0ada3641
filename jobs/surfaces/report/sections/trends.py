"""Trends: the loss over that of the base rate, and predicted over actual, day by day; young days with their nowcast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jobs.settings.judgement.changing import ENTROPY
from jobs.surfaces.report.charts.lines import Line, Panel, Value, panel
from jobs.surfaces.report.night import Night, Row, texts
from jobs.surfaces.report.section import Section
from jobs.surfaces.report.sections.models import NO_TOTAL, title
from udfs.kinds import KINDS

TITLE = "Day by day"
LEAD = (
    "This day at its own label age, those before at the one at which their labels no longer change, or at the newest "
    "that there is. Hatched: labels can still change; a diamond is what the number is expected to be once all labels "
    "are in, with its interval."
)
NO_VALUE = "No loss of all impressions has a value on any of these days: `reason` in the view metrics_latest says why."
CALIBRATION = "predicted_over_actual"
NOWCAST = "[nowcast]"
AIMS = {CALIBRATION: 1.0}
PANELS = 16


class Trends(NamedTuple):
    """Panels, by task; their rows as a table; and how many panels were left out."""

    panels: list[Panel]
    rows: Sequence[Row]
    more: int


def sql(night: Night, metrics: Sequence[str]) -> str:
    """The query for some metrics of all impressions over the days."""
    named = texts([*metrics, *(f"{name}{NOWCAST}" for name in metrics)])
    return (
        "SELECT m.task, m.model, m.metric, m.event_date, m.age_hours, m.value, m.ci_low, m.ci_high, m.is_final\n"
        "FROM metrics AS m\n"
        "JOIN chosen_age AS chosen ON chosen.event_date = m.event_date AND chosen.task = m.task\n"
        f"WHERE m.slice = '' AND m.event_date {night.lately}\n"
        f"  AND m.age_hours = {night.age_of_day}\n"
        f"  AND m.metric IN ({named})\n"
        "  AND m.value IS NOT NULL\n"
        "ORDER BY m.task, m.metric, m.model, m.event_date"
    )


def made(night: Night) -> Section:
    """A panel for each task and number, or why there is none."""
    query = sql(night, [*dict.fromkeys((*night.losses, ENTROPY, CALIBRATION))])
    rows = night.rows(query)
    panels = [found for task in night.settings.tasks for found in _panels(night, task, rows)]
    if not panels:
        return Section("trends", TITLE, LEAD, NO_VALUE if () in night.settings.slices else NO_TOTAL)
    shown = panels[:PANELS]
    drawn = {(each.key.split("/")[1], each.metric) for each in shown}
    of_shown = [row for row in rows if (row["task"], row["metric"].removesuffix(NOWCAST)) in drawn]
    return Section("trends", TITLE, LEAD, None, Trends(shown, of_shown, len(panels) - len(shown)), query)


def _panels(night: Night, task: str, rows: Sequence[Row]) -> Iterator[Panel]:
    own = [row for row in rows if row["task"] == task]
    there = {row["metric"] for row in own}
    loss = KINDS[night.settings.tasks[task].kind].loss
    for metric in (ENTROPY if ENTROPY in there else loss, CALIBRATION):
        by_model = {name: _line(name, i, metric, own) for i, name in enumerate(night.settings.models)}
        lines = [line for line in by_model.values() if line.values]
        if lines:
            named = f"{task}: {title(metric).lower()}", metric
            yield panel(f"trend/{task}/{metric}", named, lines, night.every_day, AIMS.get(metric))


def _line(model: str, number: int, metric: str, rows: Sequence[Row]) -> Line:
    own = [row for row in rows if row["model"] == model]
    young = {row["event_date"] for row in own if row["metric"] == metric and not row["is_final"]}
    values = tuple(_value(row) for row in own if row["metric"] == metric)
    expected = tuple(_value(row) for row in own if row["metric"] == metric + NOWCAST and row["event_date"] in young)
    return Line(model, number, values, expected)


def _value(row: Row) -> Value:
    return Value(row["event_date"], row["value"], row["ci_low"], row["ci_high"], bool(row["is_final"]))
