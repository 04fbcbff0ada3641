"""Where fixed point holds a sum to too few digits: weights that are tiny, or one that dwarfs all others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.examples import units
from jobs.examples.cells import Largest
from jobs.inputs.scorings import Scoring
from jobs.results.rows import summed
from jobs.results.slice_sums import KEYS, doubles
from jobs.settings import Evaluation
from udfs.catalog import statistics_of
from udfs.exact.decimals import UNITS

TOLERANCE = 1e-9
HALF_A_UNIT = 0.5 / UNITS  # what a row's rounding costs at most


@dataclass(frozen=True)
class _Held:
    """A sum of a task over a slice, and the bound of its relative error."""

    error: float
    column: str
    unit: float
    slice: str


def warnings(
    shard_statistics: pa.Table, scorings: Sequence[Scoring], largest: Largest, settings: Evaluation
) -> Iterator[str]:
    """A sentence for each task of which a published slice has a sum that is not held to a relative error of 10⁻⁹."""
    worst: dict[str, _Held] = {}
    for number, scoring in enumerate(scorings):
        if not (scoring.weighted or scoring.kind.of_values):
            continue
        heaviest = largest.get(("weight", number), 0.0)
        for held in _held(shard_statistics, scoring, heaviest, settings):
            if held.error > max(TOLERANCE, worst[scoring.task].error if scoring.task in worst else 0.0):
                worst[scoring.task] = held
    return (_sentence(task, held) for task, held in worst.items())


def _held(table: pa.Table, scoring: Scoring, heaviest: float, settings: Evaluation) -> Iterator[_Held]:
    """The sums of weights and of losses of every slice that is published."""
    own = table.filter(pc.and_(pc.equal(table["task"], scoring.task), pc.equal(table["model"], scoring.model)))
    names = scoring.kind.loss_sums
    added = summed(own, list(KEYS), ["n", "weight", *names])
    rows, weight = doubles(added["n"]), doubles(added["weight"])
    losses = np.sum([doubles(added[name]) for name in names], axis=0)
    weight_column, label_column = units.weight_columns(scoring, settings), units.label_column(scoring, settings)
    degree = statistics_of(scoring.kind.name)[names[0]].value_degree
    of_loss = scoring.weight_unit * scoring.value_unit**degree
    column = label_column if degree else weight_column
    for text, n, w, loss in zip(added["slice"].to_pylist(), rows, weight, losses, strict=True):
        if n < max(1, settings.limits.min_rows):
            continue
        if scoring.weighted and (w > 0.0 or heaviest > 0.0):
            # Of weights that all vanish, not even the largest is held.
            mean = w / n if w > 0.0 else heaviest
            yield _Held(HALF_A_UNIT * scoring.weight_unit / mean, weight_column, scoring.weight_unit, text)
        if loss > 0.0:
            yield _Held(HALF_A_UNIT * of_loss * n / loss, column, of_loss, text)


def _sentence(task: str, held: _Held) -> str:
    where = f"slice {held.slice!r}" if held.slice else "the total"
    mend = "its largest value dwarfs the rest, cap it"
    if held.unit == 1.0:
        mend = f"multiply it by {10 ** math.ceil(math.log10(held.error / TOLERANCE)):,} or more"
    return (
        f"tasks.{task}: sums that column {held.column} weighs are held to a relative error of {held.error:.0e} only, "
        f"in {where}: {mend}"
    )
