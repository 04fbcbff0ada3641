"""What people are told without asking: rarely enough that they read it.

A gate that fails once may be chance, so it has to fail in k of the last n nights. Of many slices some fail by chance
every night: only discoveries are told, and only where they are large enough to matter. Where labels are late or the day
is provisional the models are not judged: that itself is told, and nothing else.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from jobs.judgement.gates import FAILED, NOT_JUDGED
from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.discoveries import RATE, adjusted
from jobs.judgement.uncertainty.shards import LEAST_SHARDS
from jobs.settings.judgement.alerts import Alerts

Row = Mapping[str, Any]
SLICES = 20  # that one alert tells


@dataclass(frozen=True)
class Alert:
    """One thing to look at.

    Attributes:
        of: `gates`, `labels` or `runs`.
        evaluation: Of which evaluation.
        event_date: Of which day.
        title: In a few words.
        text: In sentences.
    """

    of: str
    evaluation: str
    event_date: str
    title: str
    text: str

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Night:
    """What there is to tell of a night.

    Attributes:
        evaluation: Its name.
        day: The day.
        results: The rows of `gate_results` of the night.
        earlier: Rows of `gate_results` of earlier nights at the same age, in any order.
        lacking: Why the day is provisional.
        shards: How many there are of units, as intervals are made of them.
        labels: Which labels are late or missing, as sentences.
    """

    evaluation: str
    day: date
    results: Sequence[Row]
    earlier: Sequence[Row] = ()
    lacking: Sequence[str] = ()
    shards: int = LEAST_SHARDS
    labels: Sequence[str] = ()


def of_night(night: Night, asked: Alerts) -> list[Alert]:
    """The alerts of a night that is done."""
    found = []
    if night.lacking and "labels" in asked.of:
        found.append(_alert(night, "labels", f"{night.day} is not whole", "; ".join(night.lacking)))
    if night.labels and "labels" in asked.of and not night.lacking:
        more = [f"and in {len(night.labels) - SLICES:,} more slices"] if len(night.labels) > SLICES else []
        found.append(_alert(night, "labels", "labels are late or missing", "\n".join([*night.labels[:SLICES], *more])))
    if "gates" in asked.of and not night.lacking:
        found += [_alert(night, "gates", *told) for told in _gates(night, asked)]
    return found


def of_failure(evaluation: str, day: date, message: str, asked: Alerts) -> list[Alert]:
    """The alert of a run that failed or was refused."""
    if "runs" not in asked.of:
        return []
    return [Alert("runs", evaluation, day.isoformat(), f"{evaluation}: the run of {day} did not end well", message)]


def _gates(night: Night, asked: Alerts) -> Iterator[tuple[str, str]]:
    """Gates that fail tonight and have failed often enough, one alert for all slices of each."""
    nights = sorted({row["event_date"] for row in night.earlier if row["event_date"] < night.day})
    recent = set(nights[len(nights) - asked.of_last + 1 :] if asked.of_last > 1 else [])
    failed = Counter(
        (row["gate"], row["slice"]) for row in night.earlier if row["fails"] and row["event_date"] in recent
    )
    by_gate: dict[str, list[Row]] = {}
    for row in night.results:
        # What is not judged as labels are late is told of the labels.
        if not (night.labels and row.get("verdict") == NOT_JUDGED):
            by_gate.setdefault(row["gate"], []).append(row)
    often = f"{asked.nights} of {asked.of_last} nights" if asked.of_last > 1 else "tonight"
    for gate, rows in by_gate.items():
        effect = asked.least_effect.get(gate)
        told = worth_telling(rows, 0.0 if effect is None else effect.size, night.shards)
        told = [row for row in told if failed[gate, row["slice"]] + 1 >= asked.nights]
        if told:
            more = [f"and {len(told) - SLICES:,} more slices, which gates_latest has"] if len(told) > SLICES else []
            yield f"gate {gate} fails ({often})", "\n".join([*_sentences(told[:SLICES]), *more])


def worth_telling(rows: Sequence[Row], effect: float, shards: int = LEAST_SHARDS) -> list[Row]:
    """The slices of a gate that fail by more than chance over all of them, and by so much at least.

    Chance is Benjamini-Hochberg at 5 % over the slices that have intervals, from one-sided p values that a number lies
    at the bound, as if each had rows in all shards. What fails by the policy of its gate, or because it is not there,
    is no matter of chance: it is told.

    Args:
        rows: The rows of `gate_results` of one gate in one night.
        effect: How far beyond its bound a number has to be, in its own unit.
        shards: Of units.
    """
    beyond, reach = np.array([_beyond(row) for row in rows], dtype=np.float64).T
    p = student.by_reach(beyond, reach, max(shards, LEAST_SHARDS) - 1.0) / 2.0
    little = (adjusted(np.where(beyond == 0.0, 1.0, p)) > RATE) | (beyond < effect)
    told = zip(rows, little.tolist(), strict=True)
    return [row for row, is_little in told if row["fails"] and not (row.get("verdict") == FAILED and is_little)]


def _beyond(row: Row) -> tuple[float, float]:
    """By how much the number lies beyond a bound, 0 for none, and how far its interval reaches back to it."""
    value, low, high, least, most = (row.get(name) for name in ("value", "low", "high", "least", "most"))
    if value is None or low is None or high is None:
        return math.nan, math.nan
    if most is not None and value > most:
        return value - most, value - low
    return (least - value, high - value) if least is not None and value < least else (0.0, high - value)


def _sentences(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield f"{row['slice'] or 'total'}: {row['sentence']}"


def _alert(night: Night, of: str, title: str, text: str) -> Alert:
    return Alert(of, night.evaluation, night.day.isoformat(), f"{night.evaluation} {night.day}: {title}", text)
