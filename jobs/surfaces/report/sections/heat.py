"""Slices by day: where and since when a slice is off, as a table whose cells are coloured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from jobs.settings.judgement.changing import ENTROPY
from jobs.surfaces.report.night import Night, Row, texts
from jobs.surfaces.report.section import Section
from jobs.surfaces.report.sections.models import title
from jobs.surfaces.report.sections.trends import CALIBRATION
from udfs.kinds import KINDS

TITLE = "Slices by day"
LEAD = (
    "In percent: predicted / actual how far it is from 1, other numbers how far they are from their mean over the days "
    "shown. Orange is too much predicted or a larger loss, blue the contrary. Shown are the slices that were off most, "
    "by their deviation times their rows."
)
# Cells of all maps together, and the slices that a map has at least and at most.
CELLS, LEAST, MOST = 7000, 4, 14
# From these deviations on a cell has the next deeper colour.
STEPS = (0.02, 0.05, 0.1, 0.2)


class Cell(NamedTuple):
    """A slice on a day: how far off it is, and its colour from −4 to 4."""

    row: Row
    shade: int


class Map(NamedTuple):
    """The slices of a task, model and number."""

    task: str
    model: str
    metric: str
    name: str
    days: list[date]
    slices: list[tuple[str, list[Cell | None]]]
    judged: int


def sql(metrics: Iterable[str], night: Night) -> str:
    """The query for how far every declared slice is off, day by day."""
    return (
        "SELECT task, model, metric, slice, event_date, value, n, is_final,\n"
        f"  CASE WHEN metric = '{CALIBRATION}' THEN value - 1 WHEN mean = 0 THEN 0 ELSE value / mean - 1 END AS off\n"
        "FROM (\n"
        "  SELECT m.task, m.model, m.metric, m.slice, m.event_date, m.value, m.n, m.is_final,\n"
        "    AVG(m.value) OVER (\n"
        "      PARTITION BY m.task, m.model, m.metric, m.slice ORDER BY m.event_date\n"
        "      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING\n"
        "    ) AS mean\n"
        "  FROM metrics AS m\n"
        "  JOIN chosen_age AS chosen ON chosen.event_date = m.event_date AND chosen.task = m.task\n"
        f"  WHERE m.slice <> '' AND m.event_date {night.lately}\n"
        f"    AND m.age_hours = {night.age_of_day}\n"
        f"    AND m.metric IN ({texts(metrics)})\n"
        "    AND m.value IS NOT NULL\n"
        ") AS days\n"
        "ORDER BY task, model, metric, slice, event_date"
    )


def made(night: Night) -> Section:
    """The maps, or why there are none."""
    if not any(night.settings.slices):
        why = "No slice is declared: `slices` in the configuration says by which dimensions metrics are cut."
        return Section("heat", TITLE, LEAD, why)
    query = sql(dict.fromkeys((*night.losses, ENTROPY, CALIBRATION)), night)
    rows = night.rows(query)
    wanted = [*_wanted(night, rows)]
    days = [day for day in night.every_day if day in {row["event_date"] for row in rows}]
    if not wanted:
        return Section("heat", TITLE, LEAD, "No declared slice has a number on any of these days.")
    most = max(LEAST, min(MOST, CELLS // (len(days) * len(wanted))))
    shown = [_map(key, own, days, most) for key, own in wanted[: CELLS // (len(days) * LEAST)]]
    return Section("heat", TITLE, LEAD, None, shown, query)


def _wanted(night: Night, rows: Sequence[Row]) -> Iterator[tuple[tuple[str, str, str], list[Row]]]:
    """Of each task and model predicted / actual, where it has that, and normalized entropy or else its loss."""
    by_key: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        by_key.setdefault((row["task"], row["model"], row["metric"]), []).append(row)
    for task, model in night.settings.pairs:
        loss = KINDS[night.settings.tasks[task].kind].loss
        for metric in (CALIBRATION, ENTROPY if (task, model, ENTROPY) in by_key else loss):
            if (task, model, metric) in by_key:
                yield (task, model, metric), by_key[task, model, metric]


def _map(key: tuple[str, str, str], rows: Sequence[Row], days: Sequence[date], most: int) -> Map:
    by_slice: dict[str, dict[date, Row]] = {}
    for row in rows:
        by_slice.setdefault(row["slice"], {})[row["event_date"]] = row
    worst = sorted(by_slice, key=lambda text: (-max(_weight(row) for row in by_slice[text].values()), text))[:most]
    slices = [(text, [_cell(by_slice[text].get(day)) for day in days]) for text in worst]
    return Map(*key, title(key[2]), [*days], slices, len(by_slice))


def _weight(row: Row) -> float:
    # Each engine adds a mean's floats in an order of its own; their last digits decide nothing.
    return float(round(abs(row["off"]), 12) * row["n"])


def _cell(row: Row | None) -> Cell | None:
    return None if row is None else Cell(row, shade(row["off"]))


def shade(off: float) -> int:
    """The colour of a deviation, from −4 to 4.

    >>> shade(0.01), shade(0.07), shade(-0.5)
    (0, 2, -4)
    """
    deep = sum(abs(off) >= step for step in STEPS)
    return deep if off > 0.0 else -deep
