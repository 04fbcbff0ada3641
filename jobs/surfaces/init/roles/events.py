"""Label logs: of which impressions events are, when they were, and how long after the impression they still come."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from jobs.surfaces.init.logs.columns import Column
from jobs.surfaces.init.logs.samples import Log
from jobs.surfaces.init.roles.guesses import Guess, is_time, time_of
from jobs.surfaces.init.words import TOPICS, free, is_id, singular, slug, topic, words

WINDOWS: Final = {"1h": 3_600, "6h": 21_600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000, "90d": 7_776_000}
COVERED: Final = 0.97
MATCHED: Final = 0.5
SURE: Final = 0.99


@dataclass(frozen=True)
class LabelLog:
    """A log of events that is a label.

    Attributes:
        name: Of the label.
        log: Where it is.
        key: The column of the impressions' ids in it.
        time: The column of its times, with the unit of epoch numbers.
        window: How long after the impression an event counts.
        ids: The ids of impressions that have an event in the window, as text.
    """

    name: str
    log: Log
    key: str
    time: Any
    window: str
    ids: frozenset[str]

    @property
    def topic(self) -> str | None:
        """What happens in it."""
        return topic(self.name)

    @property
    def document(self) -> dict[str, Any]:
        """As a configuration has it."""
        return {
            "source": dict(self.log.source),
            "columns": {"id": self.key, "time": self.time},
            "window": self.window,
        }


def timed(column: Column) -> Any:
    """A column of times as a configuration names it."""
    return column.name if column.unit is None else {"column": column.name, "unit": column.unit}


def keys(log: Log, impressions: Log) -> list[tuple[float, str, str]]:
    """The columns by which events can be about impressions: share of events found there, key, column of the ids."""
    found = []
    for key in log.columns.values():
        for identity in impressions.columns.values():
            if _may_be_key(key) and _may_be_key(identity) and identity.unique > MATCHED:
                share = _found(key, identity)
                same = key.name == identity.name and not impressions.complete
                if share >= MATCHED or same:
                    found.append((share, key.name, identity.name))
    return sorted(found, key=lambda each: (-each[0], each[1] != each[2]))


def is_sure(pair: tuple[float, str, str], impressions: Log) -> bool:
    """Whether a key needs no look: nearly all events meet, or of a sample half, by equal names."""
    share, key, identity = pair
    return share >= SURE or (not impressions.complete and key == identity and share >= MATCHED)


def _may_be_key(column: Column) -> bool:
    return column.kind in ("text", "integer") and not is_time(column) and is_id(column.name)


def _found(key: Column, identity: Column) -> float:
    """The share of different keys that are ids of impressions."""
    events, shown = set(key.values.astype(str)), set(identity.values.astype(str))
    return len(events & shown) / max(1, len(events))


def label_log(
    log: Log, impressions: Log, identity: str, time: str, taken: Container[str] = ()
) -> tuple[LabelLog, list[Guess]] | str:
    """A log as a label of impressions with an id and a time, of a name not taken; or, as a sentence, what it lacks."""
    by_id = [each for each in keys(log, impressions) if each[2] == identity]
    if not by_id:
        return f"no column of it has the ids in {identity!r} of the impressions: {', '.join(log.columns)}"
    share, key, _ = by_id[0]
    when = time_of([each for each in log.columns.values() if each.name != key], of_events=True)
    if when is None or when.column is None:
        return f"no column of it has times: {', '.join(log.columns)}"
    events = log.columns[key], log.columns[when.column]
    joined = _joined(events, (impressions.columns[identity], impressions.columns[time]))
    window, covered = _window(joined)
    name = free(_named(log), taken)
    ids = frozenset(joined.loc[joined["lag"].between(0, WINDOWS[window], inclusive="left"), "id"])
    made = LabelLog(name, log, key, timed(log.columns[when.column]), window, ids)
    matched = f"{100.0 * share:.4g} % of its ids are those of impressions" + (
        "" if impressions.complete else " that were looked at"
    )
    place = f"labels.{name}"
    return made, [
        Guess(f"{place}.columns.id", key, matched, is_sure(by_id[0], impressions), tuple(k for _, k, _ in by_id[1:2])),
        Guess(f"{place}.columns.time", when.column, when.why, when.sure, when.others),
        Guess(f"{place}.window", window, covered, False),
    ]


def _joined(events: tuple[Column, Column], shown: tuple[Column, Column]) -> pd.DataFrame:
    """The events of impressions that were looked at, each with its seconds after the impression."""
    both = _rows(*events).merge(_rows(*shown).drop_duplicates("id"), on="id", suffixes=("", "_shown"))
    return both.assign(lag=(both["at"] - both["at_shown"]).dt.total_seconds())


def _rows(key: Column, when: Column) -> pd.DataFrame:
    """Ids as text and moments, of the rows that have both."""
    return pd.DataFrame({"id": key.values.astype(str), "at": when.moments}).dropna()


def _window(joined: pd.DataFrame) -> tuple[str, str]:
    """The shortest usual window that nearly all events lie in."""
    lags = joined["lag"][joined["lag"] >= 0].to_numpy()
    if not len(lags):
        return "1d", "no event of an impression that was looked at, so a day as is usual"
    shares = {window: float(np.mean(lags < seconds)) for window, seconds in WINDOWS.items()}
    window = next((each for each, share in shares.items() if share >= COVERED), "90d")
    return window, f"{100.0 * shares[window]:.4g} % of events come within it, the last {lags.max() / 3600:.3g} h after"


def _named(log: Log) -> str:
    """A label's name by that of its log: what happens, or the name without its ending."""
    return topic(log.name) or slug(singular(log.name), "label")


def impressions_among(logs: Sequence[Log], has_scores: Callable[[Log], bool]) -> Log:
    """The log of the impressions among several: the one with scores, else the one of most rows."""
    return max(logs, key=lambda log: (has_scores(log), "impression" in words(log.name), log.rows.num_rows, log.name))


def is_events(log: Log) -> bool:
    """Whether a log is called as one of events is."""
    return any(word in TOPICS for word in words(log.name))
