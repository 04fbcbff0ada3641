"""What each task × model goes without: rows, what they weigh, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from jobs.inputs.scorings import Scoring


@dataclass(frozen=True)
class LeftOut:
    """The rows that a task × model goes without; of a task about candidates they are groups.

    Attributes:
        task, model: Who goes without.
        rows: How many.
        row_share: Their share of the rows of the task.
        weight_share: The share of the weight, None where each row weighs 1; rows without a usable weight have none.
        reasons: How many for each reason.
        required: Whether too many of them refuse the night.
    """

    task: str
    model: str
    rows: int
    row_share: float
    weight_share: float | None
    reasons: Mapping[str, int]
    required: bool = True

    def exceeds(self, share: float) -> bool:
        """Whether they are more than a share of the rows, or of the weight."""
        return self.row_share > share or (self.weight_share or 0.0) > share

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return dict(vars(self))

    @property
    def shares(self) -> str:
        """How much it is, in words."""
        weight = "" if self.weight_share is None else f" and {self.weight_share:.2%} of the weight"
        return f"{self.row_share:.2%} of its rows{weight}"

    @property
    def sentence(self) -> str:
        """The whole in one line."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons.items())
        allowed = "" if self.required else " (required: false)"
        return f"{self.task} / {self.model}{allowed} goes without {self.rows:,} rows, {self.shares}: {reasons}"


def of_pairs(
    scorings: Sequence[Scoring], statistics: pa.Table, reasons: Sequence[Mapping[str, Any]]
) -> tuple[LeftOut, ...]:
    """What is left out of every task × model that goes without any row.

    Args:
        scorings: Every task × model.
        statistics: The rows of `statistics`, whatever the unit of their weights.
        reasons: The exact counts by source, task, model and reason.
    """
    names = ("n", "unscored", "weight", "unscored_weight")
    n, unscored, weight, unscored_weight = (by_pair(statistics, name) for name in names)
    found = []
    for s in scorings:
        pair = (s.task, s.model)
        if not unscored[pair]:
            continue
        share = _share(unscored_weight[pair], weight[pair]) if s.weighted else None
        own = {row["reason"]: row["rows"] for row in reasons if (row["task"], row["model"]) == pair}
        rows = unscored[pair]
        found.append(LeftOut(*pair, rows, _share(rows, n[pair]), share, own, not s.optional))
    return tuple(found)


def by_pair(statistics: pa.Table, name: str) -> dict[tuple[str, str], Any]:
    """One statistic of every task × model, 0 where it has no row."""
    added = statistics.group_by(["task", "model"]).aggregate([(name, "sum")])
    counts: dict[tuple[str, str], Any] = defaultdict(int)
    for row in added.to_pylist():
        counts[row["task"], row["model"]] = row[f"{name}_sum"]
    return counts


def _share(part: Any, rest: Any) -> float:
    return float(part) / float(part + rest) if part else 0.0
