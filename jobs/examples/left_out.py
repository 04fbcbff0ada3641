"""What each task × model goes without: rows, what they weigh, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.inputs.scorings import Scoring
from udfs.exact.decimals import UNITS
from udfs.exact.units import HEAVIEST
from udfs.scan.weighed import SENT_TYPES, Weighed

Reason = dict[str, Any]


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


def with_weights(
    reasons: Sequence[Reason], rejected: DataFrame, scorings: Sequence[Scoring], statistics: pa.Table
) -> list[Reason]:
    """The counts by reason, those of rows that no task has with what they weigh: by task the weight, and its share.

    Of tasks whose rows weigh what a column says. Which rejected rows had the label that a task is given is not known:
    it is as if all of them had, and `at_most` is true. Of groups, and where negatives were sampled, nothing is told.

    Args:
        reasons: The counts.
        rejected: The rows of the day that a key, a time or a label rejects.
        scorings: Every task × model.
        statistics: The rows of `statistics`, in the units of the pass.
    """
    tasks = {s.task: s for s in scorings if s.weight and not (s.sampling or s.kind.of_groups)}
    columns = tuple(sorted({str(s.weight) for s in tasks.values()}))
    if not columns or not any(is_of_rows(row) for row in reasons):
        return list(reasons)
    weights = (F.when(F.col(name) < F.lit(HEAVIEST), F.col(name)).alias(name) for name in columns)
    sent = rejected.select("reason", *weights).mapInArrow(Weighed(columns), SENT_TYPES).toArrow()
    found: dict[tuple[str, str], int] = defaultdict(int)
    for row in sent.to_pylist():
        found[row["reason"], row["column"]] += int(row["units"])
    scored, unscored = by_pair(statistics, "weight"), by_pair(statistics, "unscored_weight")
    told: dict[str, dict[str, Any]] = defaultdict(dict)
    for task, s in tasks.items():
        own = {reason: units for (reason, column), units in found.items() if column == s.weight}
        evaluated = int((scored[task, s.model] + unscored[task, s.model]) * UNITS) * int(s.weight_unit)
        whole = evaluated + sum(own.values())
        for reason, units in own.items():
            share = units / whole if whole else 0.0
            told[reason][task] = {"weight": units / UNITS, "share": share, "at_most": s.given is not None}
    return [{**row, "weights": told[row["reason"]]} if is_of_rows(row) else row for row in reasons]


def is_of_rows(reason: Mapping[str, Any]) -> bool:
    """Whether a reason is one for which impressions are of no task at all."""
    return reason["source"] == "impressions" and reason["task"] is None


def shares(reasons: Sequence[Mapping[str, Any]], *, at_most: bool = False) -> dict[str, float]:
    """By task the share of its weight that rejected rows have, as far as it was told; or of other tasks at most have.

    Example:
        >>> of = {"source": "impressions", "task": None, "weights": {"ctr": {"share": 0.25, "at_most": False}}}
        >>> shares([of, of])
        {'ctr': 0.5}
        >>> shares([of, of], at_most=True)
        {}
    """
    found: dict[str, float] = defaultdict(float)
    for row in filter(is_of_rows, reasons):
        for task, of in row.get("weights", {}).items():
            # Runs that were recorded before tasks with `given` were told of do not say it.
            if of.get("at_most", False) is at_most:
                found[task] += of["share"]
    return dict(found)


def of_weight(reasons: Sequence[Mapping[str, Any]]) -> str:
    """The same in words, '' where no task weighs its rows by a column."""
    known = [f"{share:.2%} of the weight of {task}" for task, share in shares(reasons).items()]
    most = [f"at most {share:.2%} of the weight of {task}" for task, share in shares(reasons, at_most=True).items()]
    return ", ".join(known + most)


def by_pair(statistics: pa.Table, name: str) -> dict[tuple[str, str], Any]:
    """One statistic of every task × model, 0 where it has no row."""
    added = statistics.group_by(["task", "model"]).aggregate([(name, "sum")])
    counts: dict[tuple[str, str], Any] = defaultdict(int)
    for row in added.to_pylist():
        counts[row["task"], row["model"]] = row[f"{name}_sum"]
    return counts


def _share(part: Any, rest: Any) -> float:
    return float(part) / float(part + rest) if part else 0.0
