"""Every task × model, and the columns of ours that it reads: equal columns of the user are read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.settings import Evaluation
from udfs.kind import Kind
from udfs.kinds import KINDS

SAMPLING = "sampling_rate"


@dataclass(frozen=True)
class Scoring:
    """One task × model, and the columns that it reads from the frame of impressions.

    Attributes:
        task, model, kind: What it is.
        label: The column of the label; of classes it may be an array of shares.
        given: The label that has to be 1, or None.
        weight: The column of the weight, or None where each row weighs 1.
        sampling: The column of the rate at which negatives were sampled, or None.
        scores: The column of the score, one for each factor; of classes it is an array.
        scales: The scale of each.
        classes: The names of the classes.
        rate: At which the negatives were kept that the model learnt from, or None.
        required: The labels that are 1 where a product's is: those that its factors are given.
        optional: Whether the model may go without any number of rows.
        weight_unit, value_unit: The powers of two in which weights, and labels and scores of regression, are summed.
    """

    task: str
    model: str
    kind: Kind
    label: str
    given: str | None
    weight: str | None
    sampling: str | None
    scores: tuple[str, ...]
    scales: tuple[str, ...]
    classes: tuple[str, ...]
    rate: float | None
    required: tuple[str, ...]
    optional: bool
    weight_unit: float = 1.0
    value_unit: float = 1.0

    @property
    def weighted(self) -> bool:
        """Whether rows weigh something else than 1."""
        return self.weight is not None or self.sampling is not None

    @property
    def measured(self) -> tuple[str, ...]:
        """The columns of the weight, its rate and the scores; each has its reason beside it."""
        return (*(name for name in (self.weight, self.sampling) if name is not None), *self.scores)

    @property
    def reason(self) -> Column:
        """Why the task × model goes without a row of the task, or NULL."""
        reason = F.coalesce(*map(self._reason_of, self.measured), self.lacking)
        return reason if self.given is None else F.when(F.col(self.given) == 1.0, reason)

    @property
    def lacking(self) -> Column:
        """Why the label cannot be one of a product, or NULL: conversions without a click are no event of it."""
        lacks = [(F.col(self.label) > 0.0) & (F.col(name) != 1.0) for name in self.required]
        return F.when(reduce(or_, lacks, F.lit(False)), F.lit("positive_without_given"))

    def _reason_of(self, name: str) -> Column:
        reason = F.col(reason_beside(name))
        # Only negatives were sampled.
        return F.when(F.col(self.label) == 0.0, reason) if name == self.sampling else reason


def scorings(settings: Evaluation) -> tuple[Scoring, ...]:
    """Every task × model in the order of the configuration; equal columns are read once."""
    weights, scores = weight_columns(settings), score_columns(settings)
    sampling = SAMPLING if settings.impressions.columns.sampling_rate else None
    found = []
    for task_name, model_name in settings.pairs:
        task = settings.tasks[task_name]
        choices = [settings.models[model_name][factor] for factor in settings.factors(task_name)]
        found.append(
            Scoring(
                task=task_name,
                model=model_name,
                kind=KINDS[task.kind],
                label=label_named(task.label),
                given=label_named(task.given) if task.given else None,
                weight=weights.get(weight_of(settings, task_name)),
                sampling=sampling if KINDS[task.kind].sampling else None,
                scores=tuple(
                    scores[_score_key(settings, task_name, model_name, f)] for f in settings.factors(task_name)
                ),
                scales=tuple(choice.scale for choice in choices),
                classes=settings.classes(task_name),
                rate=choices[0].negatives_rate,
                required=_required(settings, task_name),
                optional=not all(choice.required for choice in choices),
            )
        )
    return tuple(found)


def label_named(name: str) -> str:
    """Our column of a label."""
    return f"label_{name}"


def label_of(scoring: Scoring) -> str:
    """The name of the label of a task × model."""
    return scoring.label.removeprefix(label_named(""))


def reason_beside(column: str) -> str:
    """Our column of the reason why a weight, a rate or a score cannot be used."""
    return f"{column}_reason"


def _required(settings: Evaluation, task: str) -> tuple[str, ...]:
    given = (settings.tasks[factor].given for factor in settings.factors(task) if factor != task)
    return tuple(dict.fromkeys(label_named(name) for name in given if name))


def weight_of(settings: Evaluation, task: str) -> tuple[str | None, float | None]:
    """The column of a task's weight, and the cap where it is a propensity."""
    own = settings.tasks[task]
    if own.propensity is not None:
        return own.propensity.column, own.propensity.cap
    return own.weight or settings.impressions.columns.weight, None


def weight_columns(settings: Evaluation) -> dict[tuple[str | None, float | None], str]:
    """Our column for each weight, by what `weight_of` gives."""
    used = dict.fromkeys(weight_of(settings, task) for task, _ in settings.pairs)
    return {key: f"weight_{i}" for i, key in enumerate(used) if key[0] is not None}


ScoreKey = tuple[tuple[str, ...], str, str | None]


def _score_key(settings: Evaluation, task: str, model: str, factor: str) -> ScoreKey:
    """What makes a column of scores: the user's columns, their scale, and the task where that bounds them."""
    choice = settings.models[model][factor]
    kind = KINDS[settings.tasks[task].kind]
    return choice.score, choice.scale, task if kind.of_values or kind.of_classes else None


def score_columns(settings: Evaluation) -> dict[ScoreKey, str]:
    """Our column for each score, by the user's columns, their scale and the task where that bounds them."""
    used = dict.fromkeys(
        _score_key(settings, task, model, factor) for task, model in settings.pairs for factor in settings.factors(task)
    )
    return {key: f"score_{i}" for i, key in enumerate(used)}
