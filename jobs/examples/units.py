"""The unit of each task's weights and values, found in the scan of the cells: what is heavy is summed exactly too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.errors import ContractError, Problem
from jobs.examples.cells import Asked, Largest, Of
from jobs.inputs.scorings import Scoring, label_of, weight_of
from jobs.settings import Evaluation, LabelColumn
from udfs.exact.units import DAY_LIMIT, FARTHEST, HEAVIEST, value_unit, weight_unit

SUM = "sum"  # of weights
LOG_RANGE = 745.0  # −ln of the smallest double


def asked(
    scorings: Sequence[Scoring], settings: Evaluation, bounds: Mapping[str, float] = MappingProxyType({})
) -> dict[Of, Asked]:
    """What the scan has to find besides; nothing where rows weigh 1 and no score is a value.

    Rows of the day with a usable label count, whatever else they lack; of a label that is in a log only its bound is
    known yet, 1 or what `bounds` has for it.
    """
    found: dict[Of, Asked] = {}
    for i, s in enumerate(scorings):
        own: dict[str, Column] = {}
        label = settings.label_columns.get(settings.tasks[s.task].label)
        weight = _weight(s)
        if s.weighted:
            own |= {"weight": weight, SUM: weight}
            if s.kind.of_groups and s.scales[0] == "logit":
                logit = F.when(F.abs(F.col(s.scores[0])) < float("inf"), F.col(s.scores[0]))
                own |= {"top": logit, "bottom": -logit}
        if label is not None and label.values == "number":
            own["label"] = F.abs(F.col(s.label))
        if s.kind.of_values:
            bound = F.lit(max(1.0, bounds.get(settings.tasks[s.task].label, 1.0)))
            own |= _values(s, bound if label is None else F.abs(F.col(s.label)), settings)
        inside = F.col("in_day") if label is None else F.col("in_day") & F.col(s.label).isNotNull()
        found |= {(name, i): Asked(F.when(inside, column), added=name == SUM) for name, column in own.items()}
    return found


def of_logs(scorings: Sequence[Scoring], bounds: Mapping[str, float]) -> dict[Of, float]:
    """The largest label of every scoring whose label is a number made of events, by the bounds of those labels."""
    return {("label", i): bounds[name] for i, s in enumerate(scorings) if (name := label_of(s)) in bounds}


def _values(scoring: Scoring, label: Column, settings: Evaluation) -> dict[str, Column]:
    """The size of a score that is a value, and its weighted square with what is added to it or taken from it."""
    score = F.abs(F.col(scoring.scores[0]))
    # Another model's score differs by twice the larger one at most.
    size = score + (F.greatest(label, score) if settings.keeps_pairs(scoring.task, scoring.model) else label)
    return {"score": score, "square": F.greatest(_weight(scoring), F.lit(1.0)) * (size * size)}


def _weight(scoring: Scoring) -> Column:
    """What a row weighs at most: which rows are sampled negatives is not always known yet."""
    weight = F.lit(1.0) if scoring.weight is None else F.col(scoring.weight)
    return weight if scoring.sampling is None else weight / F.coalesce(F.col(scoring.sampling), F.lit(1.0))


def scaled(scorings: Sequence[Scoring], largest: Largest, settings: Evaluation) -> tuple[Scoring, ...]:
    """Every task × model with the units of its task.

    Raises:
        ContractError: Weights or values that no unit brings into range; it names the column and the largest (exit 2).
    """
    problems = [problem for i, s in enumerate(scorings) for problem in _beyond(i, s, largest, settings)]
    if problems:
        raise ContractError("numbers are too large to be summed exactly", list(dict.fromkeys(problems)))
    weights: dict[str, float] = {}
    for i, s in enumerate(scorings):
        unit = weight_unit(largest.get(("weight", i), 0.0), _factor(i, s, largest, settings)) if s.weighted else 1.0
        weights[s.task] = max(unit, weights.get(s.task, 1.0))
    values: dict[str, float] = {}
    for i, s in enumerate(scorings):
        unit = value_unit(largest.get(("square", i), 0.0), weights[s.task])
        values[s.task] = max(unit, values.get(s.task, 1.0))
    return tuple(replace(s, weight_unit=weights[s.task], value_unit=values[s.task]) for s in scorings)


def _factor(number: int, scoring: Scoring, largest: Largest, settings: Evaluation) -> float:
    """What a term of a group has at most besides its weight: its rows × (the range of its logits + ln rows + 1)."""
    if not scoring.kind.of_groups:
        return 1.0
    reach = LOG_RANGE
    if scoring.scales[0] == "logit":
        reach = max(0.0, largest.get(("top", number), 0.0) + largest.get(("bottom", number), 0.0))
    rows = settings.limits.group_rows
    return rows * (reach + math.log(rows) + 1.0)


def _beyond(number: int, scoring: Scoring, largest: Largest, settings: Evaluation) -> Iterator[Problem]:
    """What of a task × model is too large for any unit."""
    weight, label = weight_columns(scoring, settings), settings.labels[settings.tasks[scoring.task].label]
    most, added = (largest.get((name, number), 0.0) for name in ("weight", SUM))
    mend = "give the column in a larger unit, or cap it"
    if most >= HEAVIEST:
        yield Problem(
            f"tasks.{scoring.task}: weight {weight}", f"{most:.6g}", f"weights below 2^60 ({HEAVIEST:.3g}); {mend}"
        )
    elif added > DAY_LIMIT:
        found = f"a sum of {added:.6g}, the largest {most:.6g}"
        yield Problem(
            f"tasks.{scoring.task}: weight {weight}", found, f"a sum of a day of {DAY_LIMIT:.0e} at most; {mend}"
        )
    columns = {"score": "/".join(_score_columns(scoring, settings))}
    columns["label"] = label.column if isinstance(label, LabelColumn) else label.columns.value or label.columns.id
    for name, column in columns.items():
        if (size := largest.get((name, number), 0.0)) >= FARTHEST:
            expected = f"numbers below 2^50 ({FARTHEST:.3g}) in size; {mend}"
            yield Problem(f"tasks.{scoring.task}: {name} {column!r}", f"{size:.6g}", expected)


def _score_columns(scoring: Scoring, settings: Evaluation) -> tuple[str, ...]:
    return settings.models[scoring.model][settings.factors(scoring.task)[0]].score


def weight_columns(scoring: Scoring, settings: Evaluation) -> str:
    """The user's columns that make a weight."""
    column, _ = weight_of(settings, scoring.task)
    rate = settings.impressions.columns.sampling_rate if scoring.sampling else None
    return " / ".join(repr(name) for name in (column or (1 if rate else None), rate) if name is not None)


def label_column(scoring: Scoring, settings: Evaluation) -> str:
    """The user's column of a task's label, or the name of its log."""
    name = settings.tasks[scoring.task].label
    label = settings.labels[name]
    return repr(label.column) if isinstance(label, LabelColumn) else name


def recorded(scorings: Sequence[Scoring]) -> dict[str, dict[str, float]]:
    """The units of each task, for `runs`."""
    return {s.task: {"weight": s.weight_unit, "value": s.value_unit} for s in scorings}
