"""What changed: of each loss how much came from within, from the mix, from calibration and from discrimination."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jobs.settings.judgement.changing import ENTROPY
from jobs.surfaces.report.charts.glyphs import Bar, bar, shared
from jobs.surfaces.report.charts.scale import Scale
from jobs.surfaces.report.night import Night, Row, texts
from jobs.surfaces.report.section import Section

TITLE = "What changed"
LEAD = (
    "Of all impressions, against earlier days at the same label age. within: the same traffic became better or worse; "
    "mix: traffic moved; interaction: it moved to what became better or worse. They add up to the difference, and so "
    "do calibration, discrimination and uncertainty of log loss, but for what bins hide. Orange: the loss grows."
)
CAUSES = ("within", "mix", "interaction")
SKILLS = ("calibration", "discrimination", "uncertainty")


class Change(NamedTuple):
    """A change with its parts as bars: name, number, bar."""

    row: Row
    difference: Bar | None
    causes: list[tuple[str, float | None, Bar | None]]
    skills: list[tuple[str, float | None, Bar | None]]


class Changes(NamedTuple):
    """The changes of a task and metric, drawn on one scale."""

    task: str
    metric: str
    rows: list[Change]


class Told(NamedTuple):
    """The changes, and of what earlier days there are none, and why."""

    changes: list[Changes]
    absent: list[tuple[str, str]]


def sql(night: Night) -> str:
    """The query for the changes of all impressions."""
    return (
        "SELECT task, model, metric, against, before, now, difference, ci_low, ci_high, relative_difference,\n"
        "  within, mix, interaction, calibration, discrimination, uncertainty, half_width, first_bad_day, reason,\n"
        "  ci_reason\n"
        f"FROM changes\nWHERE {night.itself} AND slice = ''\n"
        f"  AND metric IN ({texts(dict.fromkeys((*night.losses, ENTROPY)))})\n"
        "ORDER BY task, metric, against, model"
    )


def made(night: Night) -> Section:
    """The changes, or why there are none."""
    if not night.settings.changes.names:
        why = "Days are not held against earlier ones: `changes` in the configuration says against which."
        return Section("changes", TITLE, LEAD, why)
    query = sql(night)
    rows = night.rows(query) if "changes" in night.made else []
    if not rows:
        return Section("changes", TITLE, LEAD, "This night was evaluated without `changes` of all impressions.")
    if all(row["difference"] is None for row in rows):
        why = "None of the earlier days is in the tables at this label age: there is nothing to hold this one against."
        return Section("changes", TITLE, LEAD, why)
    there = [row for row in rows if row["difference"] is not None]
    absent = dict.fromkeys((row["against"], row["reason"]) for row in rows if row["difference"] is None)
    return Section("changes", TITLE, LEAD, None, Told([*_by_task(night, there)], [*absent]), query)


def _by_task(night: Night, rows: Sequence[Row]) -> Iterator[Changes]:
    for task in night.settings.tasks:
        for metric in dict.fromkeys(row["metric"] for row in rows):
            own = [row for row in rows if (row["task"], row["metric"]) == (task, metric)]
            if own:
                scale = shared([0.0, *(row[name] for row in own for name in ("difference", *CAUSES, *SKILLS))])
                yield Changes(task, metric, [_change(row, scale) for row in own])


def _change(row: Row, scale: Scale) -> Change:
    causes, skills = ([(name, row[name], bar(scale, row[name])) for name in names] for names in (CAUSES, SKILLS))
    return Change(row, bar(scale, row["difference"]), causes, skills)
