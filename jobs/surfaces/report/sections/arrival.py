"""Label arrival: how much of each label is there, day by day, beside what earlier days let expect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobs.surfaces.report.charts.lines import Line, Panel, Value, panel
from jobs.surfaces.report.night import Night, Row
from jobs.surfaces.report.section import Section

TITLE = "Label arrival"
LEAD = (
    "Weight of the positives of each day's impressions at this label age. Diamonds with whiskers are what the days "
    "before let expect, with the interval of a single day. Labels that lag by more than chance and the shortfall "
    "that is configured are late, or missing."
)
LAGGING = ("labels_late", "labels_missing")
MOST = 20


class Arrival(NamedTuple):
    """A panel for each label, the labels of the night, and slices where they lag, the first of `found`."""

    panels: list[Panel]
    labels: Sequence[Row]
    lagging: Sequence[Row]
    found: int
    rows: Sequence[Row]


def sql(night: Night) -> str:
    """The query for the labels of all impressions over the days, and for the slices where they lag on this one."""
    return (
        "SELECT label, slice, event_date, verdict, reason, positives, expected_positives, expected_low,\n"
        "  expected_high, expected_days, share, share_low, share_high, share_days, retracted\n"
        f"FROM label_arrival\nWHERE age_hours = {night.age_hours} AND event_date {night.lately}\n"
        f"  AND (slice = '' OR event_date = DATE '{night.day}' AND verdict IN ('labels_late', 'labels_missing'))\n"
        "ORDER BY label, slice, event_date"
    )


def made(night: Night) -> Section:
    """The labels, or why there is nothing to tell of them."""
    if not night.settings.label_logs:
        why = "Every label is a column of the impressions: it is there as soon as they are."
        return Section("arrival", TITLE, LEAD, why)
    if "label_arrival" not in night.made:
        return Section("arrival", TITLE, LEAD, "No night was evaluated with a look at its labels yet.")
    query = sql(night)
    rows = night.rows(query)
    whole = [row for row in rows if row["slice"] == ""]
    labels = [row for row in whole if row["event_date"] == night.day]
    if not rows:
        return Section("arrival", TITLE, LEAD, "This night was evaluated without a look at its labels.")
    late = [row for row in rows if row["slice"] != "" and row["verdict"] in LAGGING]
    late.sort(key=lambda row: row["positives"] - row["expected_positives"])
    panels = [found for name in night.settings.label_logs if (found := _panel(night, name, whole)) is not None]
    return Section("arrival", TITLE, LEAD, None, Arrival(panels, labels, late[:MOST], len(late), whole), query)


def _panel(night: Night, label: str, rows: Sequence[Row]) -> Panel | None:
    own = [row for row in rows if row["label"] == label and row["positives"] is not None]
    if not own:
        return None
    values = tuple(Value(row["event_date"], row["positives"]) for row in own)
    expected = tuple(
        Value(row["event_date"], row["expected_positives"], row["expected_low"], row["expected_high"])
        for row in own
        if row["expected_positives"] is not None
    )
    line = Line("positives", 0, values, expected)
    return panel(f"arrival/{label}", (f"{label}: positives by day", "positives"), [line], night.every_day, None)
