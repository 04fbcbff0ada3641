"""The demo's days as they were logged: impressions, clicks and conversions, with the faults of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from jobs.demo.faults import DAY, HOUR, Faulty, Untouched, faulty, rejected, with_wrong_slice
from jobs.demo.world import Rng, Shown, World, shown
from udfs.exact.arrays import BoolArray, IntArray

WINDOWS: Final = {"click": HOUR, "conversion": DAY}


@dataclass(frozen=True)
class Events:
    """Label events of one day's impressions.

    Attributes:
        impression: The impression's number, (events,); −1 is NULL.
        time: µs from the day's start, (events,).
        timeless: Whether the time is NULL, (events,).
        outside: Impressions whose only event lies outside the window.
        repeated: Events beyond the first of an impression.
    """

    impression: IntArray
    time: IntArray
    timeless: BoolArray
    outside: int
    repeated: int

    @property
    def nameless(self) -> int:
        """Events that name no impression."""
        return int((self.impression < 0).sum())


@dataclass(frozen=True)
class Logs:
    """One day: what was, what the impression log says of it, and the events by label."""

    number: int
    date: date
    truth: Shown
    log: Faulty
    events: dict[str, Events]

    @property
    def scored(self) -> BoolArray:
        """The impressions that a run of the day scores, (size,)."""
        scored = ~rejected(self.log, self.truth.size)
        scored[self.log.lost] = False
        return scored


def logged(where: World, seed: int, number: int, day: date, size: int) -> Logs:
    """The logs of one day, numbered from 1; the last goes wrong. Nothing but `date` depends on the date."""
    rng = np.random.Generator(np.random.PCG64([seed, number]))
    truth = shown(where, rng, size)
    columns = with_wrong_slice(truth.columns) if number == where.days else truth.columns
    untouched = Untouched(rng, size)
    log = faulty(truth, columns, rng, untouched)
    # By the log's own times: what was logged at the end of the day is clicked after that.
    shown_at = log.columns["ts"][:size]
    events = {
        "click": _clicks(truth, shown_at, rng, untouched),
        "conversion": _conversions(truth, shown_at, rng, untouched),
    }
    return Logs(number, day, truth, log, events)


def _clicks(day: Shown, shown_at: IntArray, rng: Rng, untouched: Untouched) -> Events:
    """Minutes after the impression; some twice, some outside the hour, some without id or time."""
    clicked = np.flatnonzero(day.clicked)
    delay = np.minimum(rng.exponential(120e6, clicked.size).astype(np.int64) + 1_000_000, HOUR - 1)
    again = rng.random(clicked.size) < 0.05
    outside, timeless = untouched.take(1e-3, ~day.clicked), untouched.take(2e-5, ~day.clicked)
    parts = [
        (clicked, shown_at[clicked] + delay),
        (clicked[again], shown_at[clicked[again]] + delay[again] + 500_000),
        (outside, shown_at[outside] + _outside(outside.size, WINDOWS["click"])),
        (timeless, shown_at[timeless]),
        _nameless(rng, day.size // 20_000),
    ]
    impression, time = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Events(impression, time, np.isin(impression, timeless), int(outside.size), int(again.sum()))


def _conversions(day: Shown, shown_at: IntArray, rng: Rng, untouched: Untouched) -> Events:
    """Hours after the impression; some outside the day, some of impressions never clicked, some without id."""
    converted = np.flatnonzero(day.converted)
    delay = np.minimum(rng.exponential(3.0 * HOUR, converted.size).astype(np.int64) + 60_000_000, DAY - 1)
    outside, unclicked = untouched.take(5e-4, day.clicked & ~day.converted), untouched.take(2e-4, ~day.clicked)
    parts = [
        (converted, shown_at[converted] + delay),
        (outside, shown_at[outside] + _outside(outside.size, WINDOWS["conversion"])),
        (unclicked, shown_at[unclicked] + HOUR),
        _nameless(rng, day.size // 40_000),
    ]
    impression, time = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Events(impression, time, np.zeros(impression.size, dtype=np.bool_), int(outside.size), 0)


def _nameless(rng: Rng, size: int) -> tuple[IntArray, IntArray]:
    """At least one event that names no impression, well inside the day."""
    nobody = np.full(max(1, size), -1)
    return nobody, rng.integers(2 * HOUR, 20 * HOUR, nobody.size)


def _outside(size: int, window: int) -> IntArray:
    """Delays outside [0, window): exactly its end, later, and every fourth before the impression."""
    delay = window + np.arange(size) * 1_000_000
    delay[3::4] = -1
    return delay
