"""Why a metric changed: mix, within and interaction over the cells; calibration and discrimination from score bins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.bins.corp import Bins, Corp, corp_of_brier_score, corp_of_log_loss
from jobs.judgement.changes.decomposition import (
    Change,
    Entropies,
    Mean,
    change_of_mean,
    change_of_normalized_entropy,
)
from jobs.judgement.slices.crosses import Crosses, aligned, cells, cut
from jobs.judgement.slices.recorded import recorded
from jobs.ledger.tables import statistics_of_kind
from jobs.results.rows import summed
from jobs.results.slice_sums import doubles
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import ENTROPY, SQUARES, changing
from udfs.exact.arrays import FloatArray
from udfs.kind import Kind
from udfs.kinds import KINDS
from udfs.measure import Metric, Statistic
from udfs.pricing import priced

CORPS = {"log_loss": corp_of_log_loss, SQUARES: corp_of_brier_score}
WEIGHTS = ("positive_weight", "negative_weight")


class Causes(NamedTuple):
    """Of the difference of one metric and slice, what came of what."""

    mix: float
    within: float
    interaction: float


class Skill(NamedTuple):
    """Of the difference of one metric and slice: calibration + discrimination + uncertainty, and what bins hide.

    Each is above 0 where it makes the score worse; of the first two the exact ones are within `half_width`.
    """

    calibration: float
    discrimination: float
    uncertainty: float
    half_width: float


def causes(before: pa.Table, now: pa.Table, kind: str, settings: Evaluation) -> dict[tuple[str, str], Causes]:
    """By metric and slice, of the loss and of normalized entropy; not where a slice has no difference.

    Cells are those of the dimensions that both days have recorded.

    Args:
        before: Rows of `statistics` of one task and model on the earlier day.
        now: Those of the day.
        kind: The kind of the task.
        settings: What is configured.
    """
    named, metrics = _summed(kind, settings)
    dimensions = recorded([before, now], settings.dimensions)
    every = aligned(cells([before, now], dimensions, list(named)))
    of_cells = _priced(every, KINDS[kind], named, settings)
    found: dict[tuple[str, str], Causes] = {}
    for declared in (names for names in settings.slices if {*names}.issubset(dimensions)):
        of, slices = cut(every, declared)
        sides = [of_cells, _priced(slices, KINDS[kind], named, settings)]
        for metric in metrics:
            change = _change(metric, sides, of)
            found |= {(metric.name, slices.text(i)): Causes(*parts) for i, parts in _known(change)}
    return found


def _summed(kind: str, settings: Evaluation) -> tuple[dict[str, Statistic], list[Metric]]:
    """The statistics that the loss and normalized entropy are made of, and both."""
    every, of_kind = changing(kind, settings), KINDS[kind]
    metrics = [every[name] for name in (of_kind.loss, ENTROPY) if name in every]
    needed = {name for metric in metrics for name in metric.inputs} | {w for hard in of_kind.hard for w in hard.weights}
    return {name: s for name, s in statistics_of_kind(settings, kind).items() if name in needed}, metrics


def _priced(
    found: Crosses, kind: Kind, named: Mapping[str, Statistic], settings: Evaluation
) -> list[dict[str, FloatArray]]:
    """The sums of each day."""
    sums = {name: found.nearest(name) for name in named}
    both = priced(kind.name, sums, named, settings.loss.clip)
    return [{name: values[day] for name, values in both.items()} for day in range(found.sides)]


def _change(metric: Metric, sides: Sequence[Sequence[Mapping[str, FloatArray]]], of: np.ndarray) -> Change:
    """Sums of cells and of slices, before and now each, to the change of a loss or of normalized entropy."""
    if metric.name == ENTROPY:
        cell, whole = ([Entropies(s["positive_nll"] + s["negative_nll"], *(s[w] for w in WEIGHTS)) for s in each]
                       for each in sides)  # fmt: skip
        return change_of_normalized_entropy(cell, whole, of)
    # A loss is the sum of all that it reads, over the last.
    *terms, weight = metric.inputs
    mean, of_all = ([Mean(sum((s[t] for t in terms[1:]), s[terms[0]]), s[weight]) for s in each] for each in sides)
    return change_of_mean(mean, of_all, of)


def _known(change: Change) -> Iterator[tuple[int, tuple[float, float, float]]]:
    for i, reason in enumerate(change.reasons):
        if reason is None:
            yield i, (float(change.parts.mix[i]), float(change.parts.within[i]), float(change.parts.interaction[i]))


def skills(
    before: pa.Table, now: pa.Table, values: Mapping[tuple[str, str], tuple[float, float]]
) -> dict[tuple[str, str], Skill]:
    """By metric and slice, of log loss and Brier score; not where bins of a day are not kept or it has one class.

    Args:
        before: Rows of `score_bins` of one task and model on the earlier day.
        now: Those of the day.
        values: By metric and slice the published values, before and now.
    """
    bins = [by_slice(table) for table in (before, now)]
    found = {}
    for (metric, text), pair in values.items():
        if metric in CORPS and all(text in of for of in bins):
            then, here = (CORPS[metric](of[text], value) for of, value in zip(bins, pair, strict=True))
            if then.reason is None and here.reason is None:
                found[metric, text] = _skill(then, here)
    return found


def _skill(then: Corp, here: Corp) -> Skill:
    # The exact parts are in [part, part + hidden], both more by the same.
    middle = 0.5 * (here.hidden - then.hidden)
    calibration = here.miscalibration - then.miscalibration + middle
    discrimination = then.discrimination - here.discrimination - middle
    half_width = 0.5 * (here.hidden + then.hidden)
    return Skill(calibration, discrimination, here.uncertainty - then.uncertainty, half_width)


def by_slice(table: pa.Table) -> dict[str, Bins]:
    """The score bins of every slice."""
    rows = summed(table, ["slice", "bin"], list(WEIGHTS)).sort_by([("slice", "ascending"), ("bin", "ascending")])
    counts, weights = pc.value_counts(rows["slice"]), [doubles(rows[name]) for name in WEIGHTS]
    ends = np.cumsum(counts.field("counts").to_numpy())
    parts = zip(*(np.split(weight, ends[:-1]) for weight in weights), strict=True)
    texts = counts.field("values").to_pylist()
    # Of no rows there is one part, which is empty.
    return {text: Bins(*part) for text, part in zip(texts, parts, strict=False)}
