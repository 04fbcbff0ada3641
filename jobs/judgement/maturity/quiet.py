"""What labels that lag take with them: models are not judged by them, and no number that rests on them is final.

A slice is touched by another one that it can have impressions in common with, if as many positives are lacking there
as are a hundredth of what it should have itself. Where it is on time itself, one that it is a part of touches it not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from jobs.ledger.judgements import ARRIVING, COMPLETE, LATE, MISSING, OTHERWISE
from jobs.settings import Evaluation

TOUCHES = 0.01
OF_LAG = [
    *("label", "slice", "verdict", "positives", "expected_positives", "event_date", "lasting_days", "arrival_shape"),
    "retracted",
]
WORDS = {LATE: "are late", MISSING: "are missing"}


@dataclass(frozen=True)
class Lag:
    """Labels that lag in a slice.

    Attributes:
        label: Which.
        slice: Where.
        verdict: `labels_late` or `labels_missing`.
        positives: How many there are, by weight.
        expected: How many earlier days let expect.
        day: The day.
        lasting: On how many days in a row they lag at one level, the day among them; None below a week.
        shape: How labels arrive on those days, as `label_arrival` has it.
        retracted: How many of those that were there at the next younger age were taken back, at least.
    """

    label: str
    slice: str
    verdict: str
    positives: float
    expected: float
    day: date | None = None
    lasting: int | None = None
    shape: str | None = None
    retracted: float | None = None

    @property
    def sentence(self) -> str:
        """The same for people."""
        where = f" in {self.slice}" if self.slice else ""
        found = f"{self.positives:,.6g} of {self.expected:,.4g} expected positives"
        back = f", {self.retracted:,.6g} or more were taken back" if self.retracted else ""
        return f"labels of {self.label} {WORDS[self.verdict]}{where}: {found}{back}{self._lasting}"

    @property
    def _lasting(self) -> str:
        """What can be said where it is so day after day; whether the rate has fallen, people know."""
        if self.lasting is None or self.day is None:
            return ""
        first = self.day - timedelta(days=self.lasting - 1)
        so = f"; it is this part on each of {self.lasting} days since {first}"
        if self.shape == OTHERWISE:
            return f"{so}, and they do not arrive as always"
        if self.shape is None:
            return so
        why = "either the rate has fallen, or as many are lost every day"
        return f"{so}, arriving as always: {why}. If it has fallen, say labels.{self.label}.level_since: {first}"


@dataclass(frozen=True)
class Lags:
    """The labels of a day that lag, those that lack most first.

    Attributes:
        of: Every one.
        labels: By task the labels that it rests on; by joint loss those of all its tasks.
        expected: By label and slice the positives that are expected.
        on_time: The labels and slices that are judged and do not lag.
    """

    of: Sequence[Lag] = ()
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expected: Mapping[tuple[str, str], float | None] = field(default_factory=dict)
    on_time: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def in_rows(cls, rows: pa.Table | None, settings: Evaluation) -> Lags:
        """Those in the rows of `label_arrival` of a day, which may be absent."""
        if rows is None or not rows.num_rows:
            return cls()
        found = lags_in(rows)
        if not found:
            return cls()
        keys = list(zip(rows["label"].to_pylist(), rows["slice"].to_pylist(), strict=True))
        expected = dict(zip(keys, rows["expected_positives"].to_pylist(), strict=True))
        said = zip(keys, rows["verdict"].to_pylist(), strict=True)
        on_time = frozenset(key for key, verdict in said if verdict in (ARRIVING, COMPLETE))
        tasks = {name: [of for of in (task.label, task.given) if of] for name, task in settings.tasks.items()}
        joint = {name: [label for task in weights for label in tasks[task]] for name, weights in settings.joint.items()}
        return cls(found, {**tasks, **joint}, expected, on_time)

    def touching(self, task: str, text: str) -> Lag | None:
        """The one that lacks most of those that a slice of a task, or of a joint loss, rests on."""
        labels = self.labels.get(task, ())
        return next((lag for lag in self.of if lag.label in labels and self._touches(lag, text)), None)

    def _touches(self, lag: Lag, text: str) -> bool:
        own, other = _values(text), _values(lag.slice)
        if any(own[name] != value for name, value in other.items() if name in own):
            return False
        if (lag.label, text) in self.on_time and own.items() >= other.items():
            return False
        expected = self.expected.get((lag.label, text))
        return lag.slice == text or expected is None or lag.expected - lag.positives >= TOUCHES * expected


def lags_in(rows: pa.Table | None) -> list[Lag]:
    """The labels that are late or missing in the rows of `label_arrival` of a day, those that lack most first."""
    if rows is None:
        return []
    lags = rows.filter(pc.is_in(rows["verdict"], value_set=pa.array([LATE, MISSING])))
    found = [Lag(*row.values()) for row in lags.select(OF_LAG).to_pylist()]
    return sorted(found, key=lambda lag: (lag.positives - lag.expected, lag.label, lag.slice))


def not_final(metrics: pa.Table, lags: Lags) -> pa.Table:
    """The rows of `metrics`, none of them final that rests on labels that lag."""
    if not lags.of:
        return metrics
    keys = list(zip(metrics["task"].to_pylist(), metrics["slice"].to_pylist(), strict=True))
    touched = {key: lags.touching(*key) is not None for key in set(keys)}
    final = pc.and_(metrics["is_final"], pa.array([not touched[key] for key in keys]))
    return metrics.set_column(metrics.column_names.index("is_final"), metrics.schema.field("is_final"), final)


@cache
def _values(text: str) -> Mapping[str, str]:
    """The dimensions of a slice and their values, in which no comma and no equals sign stands."""
    return dict(part.split("=", 1) for part in text.split(",") if part)
