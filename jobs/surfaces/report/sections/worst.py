"""Worst slices: what harms most, as the run told it, and what became worse by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jobs.judgement.slices.declared import worst_declared
from jobs.judgement.uncertainty.discoveries import RATE
from jobs.ledger.stamp import Stamp
from jobs.surfaces.report.charts.glyphs import Bar, bar, shared
from jobs.surfaces.report.night import Night, Row, texts
from jobs.surfaces.report.section import Section
from jobs.surfaces.report.words import reason

TITLE = "Worst slices"
LEAD = (
    f"Beyond what chance allows, at a false discovery rate of {RATE:.0%}. Harm is the loss added times the weight: "
    "what the slice has cost since then, in the unit of the loss."
)
NOT_ASKED = "Days are not held against earlier ones: `changes` in the configuration says against which."
NO_NIGHT = "No night was held against earlier days yet."
MOST = 12


class Worse(NamedTuple):
    """A slice that became worse, and its harm as a bar."""

    row: Row
    mark: Bar | None


class Worst(NamedTuple):
    """The worst slices of each task as the run told them, those that became worse, and why there are none of those."""

    told: list[dict[str, Any]]
    worse: list[Worse]
    found: int
    why: str | None


def sql(night: Night) -> str:
    """The query for the slices that became worse, those of a task and earlier day beside each other."""
    return (
        "SELECT task, model, metric, against, slice, before, now, difference, ci_low, ci_high, within, mix, harm,\n"
        "  first_bad_day, n, weight, p_adjusted\n"
        f"FROM changes\nWHERE {night.itself} AND slice <> ''\n"
        f"  AND metric IN ({texts(night.losses)})\n"
        f"  AND harm > 0 AND p_adjusted <= {RATE}\n"
        "ORDER BY harm DESC, task, model, against, slice"
    )


def made(night: Night) -> Section:
    """The worst slices, or why none are known."""
    if not any(night.settings.slices):
        return Section("worst", TITLE, LEAD, "No slice is declared: see `slices` in the configuration.")
    told = _told(night)
    if "changes" not in night.made:
        why = NO_NIGHT if night.settings.changes.names else NOT_ASKED
        return Section("worst", TITLE, LEAD, None, Worst(told, [], 0, why))
    query = sql(night)
    rows = night.rows(query)
    if rows:
        return Section("worst", TITLE, LEAD, None, Worst(told, _drawn(rows[:MOST]), len(rows), None), query)
    query = judged_sql(night)
    return Section("worst", TITLE, LEAD, None, Worst(told, [], 0, none_worse(night.rows(query))), query)


def judged_sql(night: Night) -> str:
    """The query for how many slices were judged, and why the others were not."""
    return (
        "SELECT p_adjusted IS NOT NULL AS judged, CASE WHEN p_adjusted IS NULL THEN ci_reason END AS reason,\n"
        "  COUNT(*) AS slices\n"
        f"FROM changes\nWHERE {night.itself} AND slice <> ''\n"
        f"  AND metric IN ({texts(night.losses)})\n"
        "GROUP BY 1, 2\nORDER BY slices DESC, reason"
    )


def none_worse(counts: Sequence[Row]) -> str:
    """Why no slice is told as worse: of those that were judged none is, or none could be judged.

    Args:
        counts: How many `slices` were `judged`, of each model and against each earlier day, and the `reason` of others.
    """
    judged = sum(row["slices"] for row in counts if row["judged"])
    others = [row for row in counts if not row["judged"]]
    whys = "; ".join(f"{reason(row['reason'])} ({row['slices']:,})" for row in others)
    if not counts:
        return "This night was evaluated without `changes` of declared slices: none could be judged."
    if not judged:
        return f"No declared slice could be judged against an earlier day: {whys}."
    told = f"No declared slice has become worse by more than chance allows; changes that were judged: {judged:,}"
    return f"{told}, not judged: {whys}." if others else f"{told}."


def _told(night: Night) -> list[dict[str, Any]]:
    """The worst slices as the run's verdict has them."""
    metrics = night.table(f"SELECT * FROM metrics WHERE {night.itself}")
    tables = {"metrics": metrics}
    if "changes" in night.made:
        tables["changes"] = night.table(f"SELECT * FROM changes WHERE {night.itself}")
    first = metrics.slice(0, 1).to_pylist()[0]
    stamp = Stamp(night.day, night.age_hours, first["as_of"], first["run_id"], bool(first["provisional"]))
    return worst_declared(tables, night.settings, stamp)


def _drawn(rows: Sequence[Row]) -> list[Worse]:
    scale = shared([0.0, *(row["harm"] for row in rows)])
    return [Worse(row, bar(scale, row["harm"])) for row in rows]
