"""What was planted into the demo's logs: exact counts, kept beside the data as `truths.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from jobs.demo.faults import PAIRS, ROWS, WRONG, reasons, unusable
from jobs.demo.logs import Logs

FILE: Final = "truths.json"
KEYS: Final = ("source", "task", "model", "reason")
Key = tuple[str, str | None, str | None, str]


@dataclass(frozen=True)
class DayTruth:
    """What a run of one day must find.

    Attributes:
        date: The day, YYYY-MM-DD.
        rows: The row ledger: read = outside + rejected + duplicate + scored.
        reasons: What is rejected, as in `runs.rejected` but for the weights: source, task, model, reason, rows.
        n: Rows scored, by `task / model`.
        positives: Rows of those whose label is positive.
        hard: Weight in each `hard_…` statistic of ctr, the same for both models.
        outside: Impressions whose only click or conversion lies outside its window.
        repeated: Further clicks on an impression that has one.
    """

    date: str
    rows: dict[str, int]
    reasons: list[dict[str, Any]]
    n: dict[str, int]
    positives: dict[str, int]
    hard: dict[str, int]
    outside: int
    repeated: int


@dataclass(frozen=True)
class Truths:
    """All that was planted. On the last day `wrong_model` says too much in `wrong_slice`."""

    seed: int
    rows_per_day: int
    wrong_slice: str
    wrong_model: str
    days: tuple[DayTruth, ...]

    @property
    def dates(self) -> list[date]:
        """The days, in order."""
        return [date.fromisoformat(day.date) for day in self.days]


def of_days(days: Sequence[Logs], seed: int) -> Truths:
    """Count what was planted, in the plan of the faults and not in what a run finds."""
    wrong = ",".join(f"{name}={value}" for name, value in WRONG.items())
    return Truths(seed, days[0].truth.size, wrong, "champion", tuple(_of_day(days, day) for day in days))


def save(truths: Truths, folder: Path) -> None:
    """Write the truths beside the data."""
    (folder / FILE).write_text(json.dumps(asdict(truths), indent=1) + "\n")


def load(folder: Path) -> Truths | None:
    """The truths beside the data, or None where there are none."""
    file = folder / FILE
    if not file.is_file():
        return None
    saved = json.loads(file.read_text())
    return Truths(**{**saved, "days": tuple(DayTruth(**day) for day in saved["days"])})


def _of_day(days: Sequence[Logs], day: Logs) -> DayTruth:
    counts = _rejected(days, day)
    rejected = sum(rows for (source, task, _, _), rows in counts.items() if source == "impressions" and task is None)
    n, positives = _scored(day)
    return DayTruth(
        date=day.date.isoformat(),
        rows=_ledger(days, day, rejected),
        reasons=sorted(
            ({**dict(zip(KEYS, key, strict=True)), "rows": rows} for key, rows in counts.items()),
            key=lambda row: [str(row[name]) for name in KEYS],
        ),
        n=n,
        positives=positives,
        hard=day.log.hard,
        outside=sum(events.outside for events in day.events.values()),
        repeated=sum(events.repeated for events in day.events.values()),
    )


def _ledger(days: Sequence[Logs], day: Logs, rejected: int) -> dict[str, int]:
    """A run reads the partitions of the neighbouring dates too, as a row may be logged there."""
    near = [each for each in days if abs(each.number - day.number) <= 1]
    read = sum(each.log.source.size for each in near)
    # What the last partition of those owes to the next one, and the first got from the one before.
    read += sum(each.log.strays.size for each in days if each.number == near[0].number - 1)
    read -= near[-1].log.strays.size if near[-1] is not days[-1] else 0
    duplicate, scored = day.log.source.size - day.truth.size, int(day.scored.sum())
    outside = read - rejected - duplicate - scored
    return {"read": read, "outside": outside, "rejected": rejected, "duplicate": duplicate, "scored": scored}


def _rejected(days: Sequence[Logs], day: Logs) -> Counter[Key]:
    counts: Counter[Key] = Counter()
    for name, reason, _, _ in ROWS:
        # Without a time a row is of the day whose partition it is in.
        counts["impressions", None, None, reason] = day.log.faults[name, reason].size
    for (task, model, reason), rows in reasons(day.log, day.truth, day.scored).items():
        counts["impressions", task, model, reason] = rows
    for each in days:
        # The window of a conversion reaches into the next day, and events without a time into every day.
        later = each.number - day.number
        counts["click", None, None, "null_id"] += each.events["click"].nameless * (later == 0)
        counts["click", None, None, "null_time"] += int(each.events["click"].timeless.sum())
        counts["conversion", None, None, "null_id"] += each.events["conversion"].nameless * (later in (0, 1))
    return counts


def _scored(day: Logs) -> tuple[dict[str, int], dict[str, int]]:
    n, positives = {}, {}
    viewed = day.truth.columns["viewed"] == 1
    labels = {"ctr": day.truth.clicked, "ctr_by_bid": day.truth.clicked, "cvr": day.truth.converted}
    for task, model, score, weight in PAIRS:
        inside = day.scored & ~unusable(day.log, day.truth.size, score, weight)
        if task == "cvr":
            inside &= day.truth.clicked
        n[f"{task} / {model}"] = int(inside.sum())
        positives[f"{task} / {model}"] = int((inside & labels.get(task, viewed)).sum())
    return n, positives
