"""What label logs say of impressions, found the long way: every impression with every event, in plain Python."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.world.night import document, parquet

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 18, tzinfo=UTC)
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)
END = START + 24 * HOUR
CLICK_WINDOW, WINDOW = HOUR, 3 * HOUR
# How ids are spelled, those of impressions and those of clicks.
SPELLED = {"integers": (int, int), "texts": ("i{}".format, "c{}".format), "integers and texts": (int, "c{}".format)}
BILLION = 10**9

Impression = tuple[int, datetime]


@dataclass(frozen=True)
class Row:
    """A row of a label log; of conversions that are about clicks `about` is the click's own id."""

    about: int
    time: datetime
    event: int = 0
    ingested: datetime = START
    retracted: datetime | None = None
    value: float = 1.0


Night = tuple[Sequence[Impression], Sequence[Row], Sequence[Row]]


@dataclass(frozen=True)
class Rule:
    """How conversions become a label: `keyed` by impression, or by click with a window post_click or post_view."""

    events: str
    keyed: str = "impression"
    own_ids: bool = True

    @property
    def name(self) -> str:
        """A name for the label."""
        return f"{self.events}_{self.keyed}"


@dataclass(frozen=True)
class Event:
    """An event as it is held against an impression: `at` lies in [impression, impression + span)."""

    about: int | None
    at: datetime
    span: timedelta
    first: Row
    misses: str | None = None
    retracted: bool = False


def is_known(row: Row, as_of: datetime) -> bool:
    return row.time < as_of and row.ingested < as_of


def in_range(row: Row, until: datetime) -> bool:
    return START <= row.time < until


def events(
    rows: Sequence[Row], as_of: datetime, until: datetime, rule: Rule, *, every: bool = False
) -> list[tuple[Row, bool]]:
    """Each event with a row of the day (or every one) once, by its earliest such row, and whether it is taken back.

    With ids of their own any known row takes an event back, of whichever day it is.
    """
    copies: dict[Any, list[Row]] = {}
    for row in rows:
        if is_known(row, as_of) and (rule.own_ids or in_range(row, until)):
            value = row.value if rule.events in ("first", "sum") else None
            copies.setdefault(row.event if rule.own_ids else (row.about, row.time, value), []).append(row)
    found = []
    for some in copies.values():
        first = min(some, key=lambda row: (not in_range(row, until), row.time, row.about, -row.value))
        undone = any(row.retracted is not None and row.retracted < as_of for row in some)
        if every or in_range(first, until):
            found.append((first, undone))
    return found


def attributed(clicks: Sequence[Row], conversions: Sequence[Row], rule: Rule, as_of: datetime) -> Iterator[Event]:
    reach = WINDOW + (CLICK_WINDOW if rule.keyed == "post_click" else 0 * HOUR)
    found = events(conversions, as_of, END + reach, rule)
    every = events(clicks, as_of, END + CLICK_WINDOW, Rule("any"), every=True)
    by_id = {click.event: (click, undone) for click, undone in every}
    for row, undone in found:
        if rule.keyed == "impression":
            yield Event(row.about, row.time, WINDOW, row, None, undone)
            continue
        click, click_undone = by_id.get(row.about, (None, False))
        if click is None:
            yield Event(None, row.time, WINDOW, row, None, undone)
        elif rule.keyed == "post_view":
            yield Event(click.about, row.time, WINDOW, row, None, undone)
        else:
            late = "after" if row.time >= click.time + WINDOW else None
            misses = "before" if row.time < click.time else late
            yield Event(click.about, click.time, CLICK_WINDOW, row, misses, undone or click_undone)


def counts_for(event: Event, impression: Impression) -> bool:
    identity, shown = impression
    mine = event.about == identity and event.misses is None and not event.retracted
    return mine and shown <= event.at < shown + event.span


def summed(values: Sequence[float]) -> float:
    """The sum in units of 10⁻⁹, each value rounded once."""
    whole = 0
    for value in values:
        floor = Fraction(value).__floor__()
        whole += floor * BILLION + round((value - float(floor)) * BILLION)
    return float(whole // BILLION) + float(whole % BILLION) / BILLION


def label(impression: Impression, found: Sequence[Event], rule: Rule) -> float:
    mine = [event for event in found if counts_for(event, impression)]
    if rule.events == "any":
        return float(bool(mine))
    if rule.events == "count":
        return float(len(mine))
    if rule.events == "sum":
        return summed([event.first.value for event in mine])
    return min(((e.at, e.first.time, -e.first.value) for e in mine), default=(0, 0, -0.0))[-1] * -1.0 + 0.0


def classes(
    shown: Sequence[Impression], clicks: Sequence[Row], conversions: Sequence[Row], rule: Rule, as_of: datetime
) -> Counter[str]:
    """What became of each conversion, where all impressions are usable and their copies are removed."""
    reach = WINDOW + (CLICK_WINDOW if rule.keyed == "post_click" else 0 * HOUR)
    found: Counter[str] = Counter(read=len(conversions))
    of_day = [row for row in conversions if in_range(row, END + reach)]
    found["other_days"] = len(conversions) - len(of_day)
    found["after_age"] = sum(not is_known(row, as_of) for row in of_day)
    every = list(attributed(clicks, conversions, rule, as_of))
    found["duplicate"] = len(conversions) - found["other_days"] - found["after_age"] - len(every)
    first = {identity: min(time for other, time in shown if other == identity) for identity, _ in shown}
    for event in every:
        found[_class(event, first, reach)] += 1
    return found


def _class(event: Event, first: dict[int, datetime], reach: timedelta) -> str:
    if event.retracted:
        return "retracted"
    if event.about is None or event.about not in first:
        own = event.first.time
        return "orphan" if own - reach >= START - TICK and own < END else "unknown"
    shown = first[event.about]
    if not START <= shown < END:
        return "other_impression"
    if event.misses is not None:
        return event.misses
    if event.at < shown:
        return "before"
    return "inside" if event.at < shown + event.span else "after"


def written(folder: Path, night: Night, rules: Sequence[Rule], ids: str = "integers") -> dict[str, Any]:
    """A night of these logs with a label by each rule; the click log has `click` for its label."""
    folder.mkdir(parents=True)
    shown, clicks, conversions = night

    def keys(values: Sequence[int], of: int = 0) -> pa.Array:
        spelled = SPELLED[ids][of]
        return pa.array([spelled(value) for value in values], pa.int64() if spelled is int else pa.string())

    def times(values: Sequence[datetime | None]) -> pa.Array:
        return pa.array(values, pa.timestamp("us", tz="UTC"))

    rows = {"id": keys([i for i, _ in shown]), "ts": times([t for _, t in shown]), "p": [0.5] * len(shown)}
    paths = {"impressions": parquet(folder / "impressions", {**rows, "seen": [0] * len(shown)})}
    for name, log in (("clicks", clicks), ("conversions", conversions)):
        columns = {
            "about": keys([row.about for row in log]),
            "click": keys([row.about for row in log], 1),
            "event": keys([row.event for row in log], 1),
            "value": pa.array([row.value for row in log], pa.float64()),
            **{each: times([getattr(row, each) for row in log]) for each in ("time", "ingested", "retracted")},
        }
        paths[name] = parquet(folder / name, columns)
    sources = {name: {"format": "parquet", "path": str(path)} for name, path in paths.items()}
    clocks = {"time": "time", "ingested": "ingested", "retracted": "retracted"}
    labels: dict[str, Any] = {
        "click": {"source": sources["clicks"], "columns": {"id": "about", "event": "event", **clocks}, "window": "1h"},
        **{rule.name: _label(rule, sources["conversions"], clocks) for rule in rules},
    }
    kinds = {name: "binary" if name == "click" or name.startswith("any") else "regression" for name in labels}
    return document(
        folder,
        impressions={
            "source": sources["impressions"],
            "columns": {"id": "id", "time": "ts"},
            "duplicates": "remove",
        },
        labels=labels,
        tasks={name: {"label": name, "kind": kind} for name, kind in kinds.items()},
        models={"m": {name: {"score": "p"} for name in labels}},
        ages=["0h", "24h"],
    )


def _label(rule: Rule, source: dict[str, Any], clocks: dict[str, str]) -> dict[str, Any]:
    columns = {"id": "about" if rule.keyed == "impression" else "click", **clocks}
    columns |= {"event": "event"} if rule.own_ids else {}
    columns |= {"value": "value"} if rule.events in ("first", "sum") else {}
    made = {"source": source, "columns": columns, "window": "3h", "events": rule.events}
    return made if rule.keyed == "impression" else {**made, "via": "click", "attribution": rule.keyed}
