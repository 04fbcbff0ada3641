"""Gates: every one in every slice, what fails first, its interval beside where it has to lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

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
    """The gates of the night.

    Attributes:
        rows: Those shown, of every gate that fails one at the least.
        counts: How many there are of each verdict, each slice counted.
        failing: The names of all gates by which the night fails.
        unseen: How many of those that fail are not shown.
        more: How many others are not.
    """

    rows: list[Judged]
    counts: dict[str, int]
    failing: list[str]
    unseen: int
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
    return Section("gates", TITLE, LEAD, None, of_rows(rows), query)


def of_rows(rows: Sequence[Row]) -> Gates:
    """The gates of which these are the rows: all are counted, however many are shown."""
    failing = sorted((row for row in rows if row["fails"]), key=_place)
    others = sorted((row for row in rows if not row["fails"]), key=_place)
    names = [*dict.fromkeys(row["gate"] for row in failing)]
    shown = [*_first_of_each(failing), *others][: max(MOST, len(names))]
    scales = {name: _scale([row for row in rows if row["gate"] == name]) for name in {row["gate"] for row in shown}}
    judged = [Judged(row, _mark(row, scales[row["gate"]])) for row in sorted(shown, key=_place)]
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ORDER}
    unseen = max(0, len(failing) - len(shown))
    return Gates(judged, counts, names, unseen, len(rows) - len(shown) - unseen)


def _place(row: Row) -> tuple[Any, ...]:
    return not row["fails"], ORDER[row["verdict"]], row["gate"], row["slice"]


def _first_of_each(rows: Sequence[Row]) -> list[Row]:
    """The first slice of every gate, then the second of each: of no gate is there none among the first."""
    places: defaultdict[str, count[int]] = defaultdict(count)
    return sorted(rows, key=lambda row: next(places[row["gate"]]))


def _scale(rows: Sequence[Row]) -> Scale:
    return shared([row[name] for row in rows for name in ("value", "low", "high", "least", "most")])


def _mark(row: Row, scale: Scale) -> Whisker | None:
    if row["value"] is None:
        return None
    found = whisker(scale, (row["value"], row["low"], row["high"]))
    return found._replace(allowed=allowed(scale, row["least"], row["most"]))
