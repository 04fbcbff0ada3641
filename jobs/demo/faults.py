"""What goes wrong with the demo's log on purpose, and exact counts of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from jobs.demo.world import VALUES, Rng, Shown
from udfs.exact.arrays import BoolArray, IntArray
from udfs.exact.units import LOGIT_LIMIT

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
DECADE: Final = 3_653 * DAY

# Task, model, and the columns of its score and its weight in the log.
PAIRS: Final = (
    ("ctr", "champion", "p_click", None),
    ("ctr", "candidate", "z_click", None),
    ("ctr_by_bid", "champion", "p_click", "bid"),
    ("ctr_by_bid", "candidate", "z_click", "bid"),
    ("cvr", "champion", "p_conv", None),
    ("cvr", "candidate", "z_conv", None),
    ("viewability", "champion", "p_view", None),
    ("viewability", "candidate", "z_view", None),
)
# Column, reason, share of the rows, and the values that stand there; None is NULL.
ROWS: Final = (
    ("impression_id", "null_id", 5e-4, (None,)),
    ("ts", "null_time", 3e-4, (None,)),
    ("viewed", "null_label", 3e-4, (None,)),
    ("viewed", "bad_label", 3e-4, (2, -1)),
)
SCORES: Final = (
    *((name, "null_score", 3e-4, (None,)) for name in ("p_click", "z_click", "p_view", "z_view")),
    *((name, "nan_score", 2e-4, (np.nan,)) for name in ("p_click", "z_click", "p_view", "z_view")),
    *((name, "bad_score", 4e-4, (1.5, -0.25, np.inf)) for name in ("p_click", "p_view")),
    *((name, "out_of_range", 2e-4, (LOGIT_LIMIT, -LOGIT_LIMIT)) for name in ("z_click", "z_view")),
    ("bid", "null_weight", 3e-4, (None,)),
    ("bid", "bad_weight", 5e-4, (-1.0, np.nan, np.inf)),
)
# These count for clicked rows only.
CONVERSION_SCORES: Final = (
    *((name, "null_score", 1e-4, (None,)) for name in ("p_conv", "z_conv")),
    *((name, "nan_score", 1e-4, (np.nan,)) for name in ("p_conv", "z_conv")),
    ("p_conv", "bad_score", 1e-4, (1.0000001, -0.0000001)),
    ("z_conv", "out_of_range", 1e-4, (LOGIT_LIMIT,)),
)
# What a score of exactly 0 or 1 is counted as: whether it is 1, and whether the label is positive.
HARD: Final = {
    "hard_wrong_positive_weight": (False, True),
    "hard_wrong_negative_weight": (True, False),
    "hard_right_positive_weight": (True, True),
    "hard_right_negative_weight": (False, False),
}
ENDS: Final = {"p_click": (0.0, 1.0), "z_click": (-np.inf, np.inf)}
WRONG: Final = {"country": "BR", "device": "android"}


@dataclass(frozen=True)
class Faulty:
    """A day's log, faults and all.

    Attributes:
        columns: As in `Shown`; behind its rows come the copies.
        nulls: For a column the rows that are NULL.
        source: For every row the impression that it shows, (rows,).
        faults: For a column and a reason the impressions that have it.
        hard: For every kind of hard row how many there are, the same for both models.
        strays: Impressions that were written a day late; those of another decade are `lost`.
    """

    columns: dict[str, Any]
    nulls: dict[str, BoolArray]
    source: IntArray
    faults: dict[tuple[str, str], IntArray]
    hard: dict[str, int]
    strays: IntArray
    lost: IntArray


class Untouched:
    """Impressions that have no fault yet: each gets one at most, so counts by reason are exact."""

    def __init__(self, rng: Rng, size: int) -> None:
        """Start with all of them, in random order."""
        self.order = rng.permutation(size)
        self.free = np.ones(size, dtype=np.bool_)

    def take(self, share: float, among: BoolArray | None = None) -> IntArray:
        """Take a share of all impressions, at least one, out of those `among` which it must be."""
        open_ = self.free[self.order] if among is None else (self.free & among)[self.order]
        count = max(1, round(share * self.order.size))
        taken = self.order[open_][:count]
        if taken.size < count:
            raise ValueError(f"{self.order.size:,} impressions a day are too few for the demo's faults")
        self.free[taken] = False
        return taken


def with_wrong_slice(columns: dict[str, Any]) -> dict[str, Any]:
    """The champion says twice as many clicks as before for one country on one device."""
    inside = np.ones(columns["p_click"].size, dtype=np.bool_)
    for name, value in WRONG.items():
        inside &= columns[name] == VALUES[name].index(value)
    doubled = np.minimum(2.0 * columns["p_click"], 0.999)
    return {**columns, "p_click": np.where(inside, doubled, columns["p_click"])}


def faulty(day: Shown, columns: dict[str, Any], rng: Rng, untouched: Untouched) -> Faulty:
    """The log of a day with every fault planted; `columns` are left as they are."""
    columns = {name: values.copy() for name, values in columns.items()}
    columns["impression_id"] = np.arange(day.size)
    nulls = {name: np.zeros(day.size, dtype=np.bool_) for name in columns}
    nulls["campaign"] = rng.random(day.size) < 0.02
    nulls["user"] = rng.random(day.size) < 0.005
    faults = {}
    for kinds, among in ((CONVERSION_SCORES, day.clicked), ((*ROWS, *SCORES), None)):
        for name, reason, share, values in kinds:
            rows = faults[name, reason] = untouched.take(share, among)
            _put(columns, nulls, name, rows, values)
    hard = {kind: _hard(columns, day, untouched, *what) for kind, what in HARD.items()}
    strays, lost = untouched.take(5e-4), untouched.take(2e-4)
    # The last microseconds of the day still belong to it.
    columns["ts"][strays] = DAY - 1 - np.arange(strays.size)
    columns["ts"][lost] -= DECADE
    return _with_copies(Faulty(columns, nulls, np.arange(day.size), faults, hard, strays, lost), rng, untouched)


def reasons(log: Faulty, day: Shown, scored: BoolArray) -> Counter[tuple[str, str, str]]:
    """Rows that a task × model goes without: exact counts by task, model and reason."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for task, model, score, weight in PAIRS:
        inside = scored & day.clicked if task == "cvr" else scored
        for (name, reason), rows in log.faults.items():
            if name in (score, weight):
                counts[task, model, reason] += int(inside[rows].sum())
    return +counts


def unusable(log: Faulty, size: int, score: str, weight: str | None) -> BoolArray:
    """The impressions whose score or weight cannot be used, (size,)."""
    bad = np.zeros(size, dtype=np.bool_)
    for (name, _), rows in log.faults.items():
        if name in (score, weight):
            bad[rows] = True
    return bad


def rejected(log: Faulty, size: int) -> BoolArray:
    """The impressions of which no copy can be used, (size,)."""
    bad = np.zeros(size, dtype=np.bool_)
    for name, reason, _, _ in ROWS:
        bad[log.faults[name, reason]] = True
    return bad


def _put(
    columns: dict[str, Any], nulls: dict[str, BoolArray], name: str, rows: IntArray, values: tuple[float | None, ...]
) -> None:
    for number, value in enumerate(values):
        chosen = rows[number :: len(values)]
        if value is None:
            nulls[name][chosen] = True
        else:
            columns[name][chosen] = value


def _hard(columns: dict[str, Any], day: Shown, untouched: Untouched, is_one: bool, positive: bool) -> int:
    """Put scores of exactly 0 or 1 on clicked or other rows, as many in each model; return how many."""
    for name, ends in ENDS.items():
        rows = untouched.take(2e-5, day.clicked if positive else ~day.clicked)
        columns[name][rows] = ends[is_one]
    return int(rows.size)


def _with_copies(log: Faulty, rng: Rng, untouched: Untouched) -> Faulty:
    """Copies of impressions: as they are, once and twice; with other scores; and some time later."""
    exact, twice, rescored, later = (untouched.take(1e-3) for _ in range(4))
    copies = np.concatenate([exact, twice, twice, rescored, later])
    columns = {name: np.concatenate([values, values[copies]]) for name, values in log.columns.items()}
    nulls = {name: np.concatenate([mask, mask[copies]]) for name, mask in log.nulls.items()}
    size = log.source.size
    other = slice(size + exact.size + 2 * twice.size, size + copies.size - later.size)
    columns["p_click"][other] *= rng.uniform(0.5, 0.9, rescored.size)
    columns["z_click"][other] -= 1.0
    columns["ts"][size + copies.size - later.size :] += rng.integers(1, 60_000_000, later.size)
    return replace(log, columns=columns, nulls=nulls, source=np.concatenate([log.source, copies]))
