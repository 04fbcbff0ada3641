"""What a task × model sends to the workers: numbers as they are used, NULL where the task goes without a row.

A column is named by how it is made, so that equal ones are sent once. Its parts are the names of columns, which are
words: no two columns have one name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.inputs.scorings import Scoring
from jobs.settings import Evaluation
from udfs.examples.bins import Binning
from udfs.scan.recipes import Recipe

Named = list[tuple[str, Column]]


@dataclass(frozen=True)
class Sent:
    """What a task about rows sends, each column with its name; without a weight each row weighs 1."""

    labels: Named
    weight: Named
    scores: Named

    @property
    def columns(self) -> dict[str, Column]:
        """All of it by name."""
        return dict([*self.labels, *self.weight, *self.scores])

    def recipe(self, scoring: Scoring, settings: Evaluation) -> Recipe:
        """How the workers make examples of it."""
        labels, weight, scores = (tuple(name for name, _ in each) for each in (self.labels, self.weight, self.scores))
        own = next(iter(weight), None)
        return Recipe(scoring.kind.name, labels, own, scores, scoring.scales, binning(scoring, settings), scoring.rate)


def sent(scoring: Scoring, types: Mapping[str, str]) -> Sent:
    """What a task about rows sends; an array of classes becomes a column for each.

    Labels are NULL outside of the task, and a weight is what the row weighs in the end.
    """
    unit = scoring.value_unit
    labels = _given(scoring, _parts(scoring, scoring.label, types))
    scores = [part for name in scoring.scores for part in _parts(scoring, name, types)]
    return Sent(_in_unit(labels, unit), _weight(scoring), _in_unit(_possible(scoring, scores), unit))


def _parts(scoring: Scoring, name: str, types: Mapping[str, str]) -> Named:
    if not types[name].startswith("array"):
        return [(name, F.col(name))]
    return [(f"{name}[{k}]", F.element_at(name, k + 1)) for k in range(len(scoring.classes))]


def _given(scoring: Scoring, labels: Named) -> Named:
    """Labels of the rows of the task only."""
    if scoring.given is None:
        return labels
    inside = F.col(scoring.given) == 1.0
    return [(f"{name} given {scoring.given}", F.when(inside, label)) for name, label in labels]


def _weight(scoring: Scoring) -> Named:
    """The weight; where negatives were sampled, one of them stands for as many as there were."""
    if not scoring.weighted:
        return []
    own = ("1", F.lit(1.0)) if scoring.weight is None else (scoring.weight, F.col(scoring.weight))
    ((name, weight),) = _in_unit([own], scoring.weight_unit)
    if scoring.sampling is None:
        return [(name, weight)]
    stands_for = F.when(F.col(scoring.label) == 0.0, weight / F.col(scoring.sampling)).otherwise(weight)
    return [(f"{name} / {scoring.sampling} of {scoring.label}", stands_for)]


def _possible(scoring: Scoring, scores: Named) -> Named:
    """Scores, the first NULL where the label cannot be one of a product: the row keeps its weight so."""
    if not scoring.required:
        return scores
    (name, first), *others = scores
    named = f"{name} of {scoring.label} given {' and '.join(scoring.required)}"
    return [(named, F.when(scoring.lacking.isNull(), first)), *others]


def _in_unit(columns: Named, unit: float) -> Named:
    """Columns divided by a power of two, which is exact."""
    return columns if unit == 1.0 else [(f"{name} / {unit:.0f}", column / F.lit(unit)) for name, column in columns]


def binning(scoring: Scoring, settings: Evaluation) -> Binning | None:
    """The score bins of a task, where any are kept."""
    if not scoring.kind.bins or not settings.bins.slices:
        return None
    # What is made of several scores, or moved by a rate, is binned as the probability that comes of it.
    own = len(scoring.scores) == 1 and scoring.rate is None
    bins = settings.bins
    scale = scoring.scales[0] if own else "probability"
    return Binning(scale, bins.bits, tuple(bins.thresholds), bins.calibration_bins)
