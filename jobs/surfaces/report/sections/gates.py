"""Gates: every one in every slice, what fails first, its interval beside where it has to lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jobs.surfaces.report.charts.glyphs import Whisker, allowed, shared, whisker
from jobs.surfaces.report.charts.scale import Scale
from jobs.surfaces.report.night import Night, Row
from jobs.surfaces.report.section import Section

TITLE = "Gates"
LEAD = (
    "What the night has to meet, judged by the whole 95 % interval: passed where it lies inside the grey band, failed "
    "where it lies outside, undecided where it does both."
)
MOST = 40
ORDER = {"failed": 0, "undecided": 1, "not_judged": 2, "passed": 3}


class Judged(NamedTuple):
    """A gate in a slice."""

    row: Row
    mark: Whisker | None


class Gates(NamedTuple):
    """The gates that are shown, how many there are of each verdict, and how many are left out."""

    rows: list[Judged]
    counts: dict[str, int]
    more: int


def sql(night: Night) -> str:
    """The query for all of them."""
    return (
        "SELECT gate, slice, verdict, fails, sentence, value, low, high, least, most\n"
        f"FROM gate_results\nWHERE {night.itself}\nORDER BY gate, slice"
    )


def made(night: Night) -> Section:
    """The gates of the night, or why there are none."""
    if "gate_results" not in night.made:
        why = "No gates are declared: `gates` in the configuration says what a night has to meet."
        return Section("gates", TITLE, LEAD, "No night was judged by the gates yet." if night.settings.gates else why)
    query = sql(night)
    rows = night.rows(query)
    if not rows:
        why = "This night was evaluated before there were gates; `lossledger gate` judges it from its tables."
        return Section("gates", TITLE, LEAD, why)
    ordered = sorted(rows, key=lambda row: (not row["fails"], ORDER[row["verdict"]], row["gate"], row["slice"]))
    scales = {name: _scale([row for row in rows if row["gate"] == name]) for name in {row["gate"] for row in rows}}
    shown = [Judged(row, _mark(row, scales[row["gate"]])) for row in ordered[:MOST]]
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ORDER}
    return Section("gates", TITLE, LEAD, None, Gates(shown, counts, len(rows) - len(shown)), query)


def _scale(rows: Sequence[Row]) -> Scale:
    return shared([row[name] for row in rows for name in ("value", "low", "high", "least", "most")])


def _mark(row: Row, scale: Scale) -> Whisker | None:
    if row["value"] is None:
        return None
    found = whisker(scale, (row["value"], row["low"], row["high"]))
    return found._replace(allowed=allowed(scale, row["least"], row["most"]))
