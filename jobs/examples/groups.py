"""Impressions of one request become one row, their lists in the order of the impression ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.examples.cells import Cells, code
from jobs.examples.units import LOG_RANGE
from jobs.inputs.scorings import Scoring
from jobs.settings import Evaluation
from udfs.exact.units import TERM_LIMIT
from udfs.scan.recipes import Recipe


@dataclass(frozen=True)
class GroupColumns:
    """The columns of a task × model in the frame of groups."""

    labels: str
    scores: str
    weight: str
    reason: str

    @property
    def sent(self) -> tuple[str, ...]:
        """Those that go to the workers."""
        return self.labels, self.scores, self.weight

    def recipe(self, scoring: Scoring) -> Recipe:
        """How the workers make examples of it."""
        return Recipe(scoring.kind.name, (self.labels,), self.weight, (self.scores,), scoring.scales)


def columns_of(number: int) -> GroupColumns:
    """The columns of the task × model of this number."""
    return GroupColumns(*(f"{name}_of_{number}" for name in ("labels", "scores", "weight", "reason")))


@dataclass(frozen=True)
class Assembled:
    """The groups of a day, and how many of them have rows that differ in a dimension."""

    frame: DataFrame
    mixed: int


def assembled(examples: DataFrame, settings: Evaluation, cells: Cells, scorings: Sequence[Scoring]) -> Assembled | None:
    """One row per group for the tasks that are about groups; None where there is no such task.

    Columns: `group`; `code` and `shard` of the smallest impression id; for every scoring, as `columns_of` its number
    names them, `labels` and `scores`, lists in the order of the ids, the `weight` of the smallest id, and the `reason`
    why the group cannot be used, or NULL: its lists are one NaN then. The rows of a group above `limits.group_rows` are
    never brought together.
    """
    own = [(i, scoring) for i, scoring in enumerate(scorings) if scoring.kind.of_groups]
    if not own:
        return None
    coded = code(settings, cells.salt).alias("code")
    fields = {name: F.col(name) for _, s in own for name in (s.label, *s.measured)}
    fields |= {columns_of(i).reason: s.reason for i, s in own}
    rows = examples.select("group", "id", coded, "shard", *(c.alias(n) for n, c in fields.items()))
    sizes = rows.groupBy("group").agg(F.count(F.lit(1)).alias("size"), F.count_distinct("code").alias("codes"))
    limit = settings.limits.group_rows
    counted = sizes.agg(F.count_if(F.col("codes") > 1), F.count_if(F.col("size") > limit)).collect()[0]
    large = F.broadcast(sizes.where(F.col("size") > limit).select("group", F.lit(True).alias("large")))
    # Of the few on the left Sail makes the table in memory.
    told = large.join(rows, on="group", how="right")
    kept = told.where(F.col("large").isNull()).drop("large") if counted[1] else rows
    members = F.sort_array(F.collect_list(F.struct("id", "code", "shard", *fields))).alias("members")
    frame = _lists(kept.groupBy("group").agg(members), own)
    if counted[1]:
        frame = frame.unionByName(_diverted(told.where("large").drop("large"), own))
    return Assembled(frame, int(counted[0]))


def _lists(groups: DataFrame, own: Sequence[tuple[int, Scoring]]) -> DataFrame:
    first = F.element_at("members", 1)
    selected = [F.col("group"), first["code"].alias("code"), first["shard"].alias("shard")]
    for i, scoring in own:
        weight, scores = _weight(scoring, first), _listed(scoring.scores[0])
        reason = F.coalesce(_first_reason(columns_of(i).reason), _range_reason(scores, weight, scoring.scales[0]))
        selected += _named(i, reason, (_listed(scoring.label), scores, weight))
    return groups.select(*selected)


def _diverted(rows: DataFrame, own: Sequence[tuple[int, Scoring]]) -> DataFrame:
    """Groups that are too large, as one row that cannot be used."""
    weights = sorted({s.weight for _, s in own if s.weight is not None})
    groups = rows.groupBy("group").agg(F.min(F.struct("id", "code", "shard", *weights)).alias("first"))
    first = F.col("first")
    selected = [F.col("group"), first["code"].alias("code"), first["shard"].alias("shard")]
    for i, scoring in own:
        lists = F.array(F.lit(0.0)), F.array(F.lit(0.0)), _weight(scoring, first)
        selected += _named(i, F.lit("group_too_large"), lists)
    return groups.select(*selected)


def _weight(scoring: Scoring, first: Column) -> Column:
    """What a group weighs, in the unit of its task: as much as its first row."""
    return (F.lit(1.0) if scoring.weight is None else first[scoring.weight]) / F.lit(scoring.weight_unit)


def _named(number: int, reason: Column, lists: tuple[Column, Column, Column]) -> list[Column]:
    labels, scores, weight = lists
    unusable, names = F.array(F.lit(float("nan"))), columns_of(number)
    return [
        F.when(reason.isNull(), labels).otherwise(unusable).alias(names.labels),
        F.when(reason.isNull(), scores).otherwise(unusable).alias(names.scores),
        weight.alias(names.weight),
        reason.alias(names.reason),
    ]


def _listed(name: str) -> Column:
    return F.transform("members", lambda member: member[name])


def _first_reason(name: str) -> Column:
    """The reason of the first row that has one."""
    return F.get(F.filter(_listed(name), lambda reason: reason.isNotNull()), F.lit(0))


def _range_reason(scores: Column, weight: Column, scale: str) -> Column:
    """Why the losses of a group cannot be summed: weight × rows × (the range of its logits + ln rows + 1) ≥ 2³⁹."""
    finite = F.filter(scores, lambda score: F.abs(score) != float("inf"))
    rows = F.size("members").cast("double")
    reach = F.coalesce(F.array_max(finite) - F.array_min(finite), F.lit(0.0)) if scale == "logit" else F.lit(LOG_RANGE)
    largest = reach + F.log(rows) + 1.0
    return F.when(weight * rows * largest >= TERM_LIMIT / 2, F.lit("out_of_range"))
