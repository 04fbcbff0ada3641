"""What people are told without asking: rarely enough that they read it.

A gate that fails once may be chance, so it has to fail in k of the last n nights. Where labels are late or the day is
provisional the models are not judged: that itself is told, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from jobs.settings.judgement.alerts import Alerts

Row = Mapping[str, Any]


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
    """

    evaluation: str
    day: date
    results: Sequence[Row]
    earlier: Sequence[Row] = ()
    lacking: Sequence[str] = ()


def of_night(night: Night, asked: Alerts) -> list[Alert]:
    """The alerts of a night that is done."""
    found = []
    if night.lacking and "labels" in asked.of:
        found.append(_alert(night, "labels", f"{night.day} is not whole", "; ".join(night.lacking)))
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
        if row["fails"] and failed[row["gate"], row["slice"]] + 1 >= asked.nights:
            by_gate.setdefault(row["gate"], []).append(row)
    for gate, rows in by_gate.items():
        often = f"{asked.nights} of {asked.of_last} nights" if asked.of_last > 1 else "tonight"
        yield f"gate {gate} fails ({often})", "\n".join(_sentences(rows))


def _sentences(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield f"{row['slice'] or 'total'}: {row['sentence']}"


def _alert(night: Night, of: str, title: str, text: str) -> Alert:
    return Alert(of, night.evaluation, night.day.isoformat(), f"{night.evaluation} {night.day}: {title}", text)
