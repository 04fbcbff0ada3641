"""What a kind of task is: one value, for which the pass, pricing, settings, tables, docs and laws are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.kernels import STRICT, Kernel
from udfs.measure import Measure, Over, Statistic

SHARED = frozenset({"scored", "unusable", "unusable_weight", "weight"})  # columns of every example


@dataclass(frozen=True)
class Arrays:
    """The columns of a batch that the examples of a task × model are made of.

    Attributes:
        labels: One column, (n,); of classes whose labels are shares one for each; of groups their rows, (rows,).
        weight: (n,); of groups (groups,).
        scores: One column, (n,) or (rows,); of several factors or classes one for each.
        scales: The scale of each factor, `probability` or `logit`.
        starts: Group g has the rows starts[g] to starts[g + 1], (groups + 1,); None where an example is a row.
        rate: At which the negatives were kept that the model learnt from.
        kernel: The logarithms to use.
    """

    labels: tuple[FloatArray, ...]
    weight: FloatArray
    scores: tuple[FloatArray, ...]
    scales: tuple[str, ...]
    starts: IntArray | None = None
    rate: float | None = None
    kernel: Kernel = STRICT


@dataclass(frozen=True)
class Hard:
    """How hard rows are priced: those whose loss would be infinite, or is exactly 0.

    Attributes:
        losses: The columns of examples that are 0 in hard rows: a statistic that reads one of them is priced.
        weights: The statistics that hold the weight of the hard rows.
        units: For a clip the columns of one clipped example of unit weight for each of `weights`; without it
            a unit of weight costs −ln clip, and of squared losses its square.
    """

    losses: frozenset[str]
    weights: tuple[str, ...]
    units: Callable[[float], dict[str, FloatArray]] | None = None

    def prices(self, statistic: Statistic, clip: float) -> Iterator[tuple[str, float]]:
        """What a unit of each of `weights` adds to a statistic, by their names; nothing where it reads no loss."""
        if self.losses & set(statistic.inputs):
            dear = clipped(clip)[0]
            each = [dear**statistic.loss_degree] if self.units is None else statistic.of(self.units(clip))
            yield from zip(self.weights, each, strict=True)


@dataclass(frozen=True)
class MeanLoss:
    """A mean of losses, Σ w·ℓ / Σ w, whose squares are summed too: so it has a variance over rows in every cell.

    Attributes:
        metric: Its name.
        total: The statistics that add up to Σ w·ℓ.
        squares: The statistic of Σ w·ℓ².
        weight: The statistic of Σ w, over the examples that have a loss.
    """

    metric: str
    total: tuple[str, ...]
    squares: str
    weight: str = "weight"


def clipped(clip: float) -> tuple[float, float]:
    """The losses −ln clip and −ln(1 − clip) of a clipped score, surely wrong and surely right.

    A clip of 0 makes a wrong one infinitely dear.
    """
    end = np.array([clip])
    with np.errstate(divide="ignore"):
        dear = float(-STRICT.log(end)[0])
    return dear, float(-STRICT.log1p(-end)[0])


@dataclass(frozen=True)
class Kind:
    """A kind of task.

    Attributes:
        name: As configured.
        title: As the documentation calls it.
        families: The modules of its measures.
        columns: What its statistics may read of an example.
        examples: Makes the examples of a batch: `columns`, each (n,) or as its file says.
        labels: What its labels may hold, as a label declares its `values`.
        loss: The metric that joint losses are made of.
        loss_sums: The statistics whose sum has to be held to enough digits.
        searched: The loss by which crosses of dimensions are searched for the worst; without it they are not.
        positives: The statistic of the weight of the positives, where there are any.
        hard: How its hard rows are priced.
        of_groups: An example is a group of impressions, a label the relevance of one of them: 0 or more.
        of_classes: A label is one of several classes, and each class has a score.
        of_values: Labels and scores are values in a unit, not probabilities.
        logarithms: Losses are made of logarithms, so their last digit depends on the kernel.
        peers: The numbers of other libraries are computed.
        products: A score may be the product of the scores of two of its tasks.
        sampling: Negatives may be a sample, of the rows or of what a model learnt from.
        row_losses: The metrics that are the loss of a row where there is one. They are registered as functions of a
            label and a score in [0, 1], and its other metrics as aggregates of them.
        views: The views that read columns which only its statistics have, and in which losses are whole.
        width: How many numbers an example stands for at least, more or less.
    """

    name: str
    title: str
    families: tuple[ModuleType, ...]
    columns: frozenset[str]
    examples: Callable[[Arrays], dict[str, Any]]
    labels: tuple[str, ...]
    loss: str
    loss_sums: tuple[str, ...]
    searched: MeanLoss | None = None
    positives: str | None = None
    hard: tuple[Hard, ...] = ()
    of_groups: bool = False
    of_classes: bool = False
    of_values: bool = False
    logarithms: bool = True
    peers: bool = False
    products: bool = False
    sampling: bool = False
    row_losses: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    width: int = 1

    def __post_init__(self) -> None:
        """Refuse what the pass does not tell apart: parts of a key are bins or classes."""
        if self.bins and self.of_classes:
            raise TypeError(f"{self.name}: score bins are of one score, classes have several")

    @property
    def bins(self) -> bool:
        """Whether its scores are binned, as some metric is over score bins."""
        return self._has("bins")

    @property
    def baselines(self) -> bool:
        """Whether it is measured against baselines, such as a reference rate."""
        return self._has("baseline")

    @property
    def pairs(self) -> bool:
        """Whether two models' scores of a row can be compared with each other."""
        return self._has("pairs")

    def _has(self, over: Over) -> bool:
        measures = (value for family in self.families for value in vars(family).values())
        return any(measure.over == over for measure in measures if isinstance(measure, Measure))

    @property
    def losses(self) -> frozenset[str]:
        """The columns of examples that are 0 in hard rows."""
        return frozenset[str]().union(*(hard.losses for hard in self.hard))
