"""What a task × model sends to the workers: numbers only, under names that both sides know."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.inputs.scorings import Scoring
from jobs.settings import Evaluation
from udfs.examples.bins import Binning
from udfs.scan.pairs import Pair


def of_rows(scoring: Scoring, types: Mapping[str, str]) -> dict[str, Column]:
    """The columns of a task about rows, by name; an array of classes becomes a column for each."""
    names = [scoring.label, scoring.given, *scoring.required, *scoring.measured]
    found: dict[str, Column] = {}
    for name in (name for name in names if name is not None):
        if types[name].startswith("array"):
            found |= {_part(name, k): F.element_at(name, k + 1) for k in range(len(scoring.classes))}
        else:
            found[name] = F.col(name)
    return found


def pair(scoring: Scoring, settings: Evaluation, types: Mapping[str, str]) -> Pair:
    """A task about rows as the workers know it."""
    return Pair(
        kind=scoring.kind,
        labels=_parts(scoring, scoring.label, types),
        given=scoring.given,
        weight=scoring.weight,
        scores=tuple(part for name in scoring.scores for part in _parts(scoring, name, types)),
        scales=scoring.scales,
        binning=binning(scoring, settings),
        sampling=scoring.sampling,
        rate=scoring.rate,
        required=scoring.required,
        weight_unit=scoring.weight_unit,
        value_unit=scoring.value_unit,
    )


def pair_of_groups(scoring: Scoring, number: int) -> Pair:
    """A task about groups as the workers know it: its columns are lists, but for the weight."""
    weight = None if scoring.weight is None else f"weight_of_{number}"
    names = (f"labels_of_{number}",), None, weight, (f"scores_of_{number}",)
    return Pair(scoring.kind, *names, scoring.scales, weight_unit=scoring.weight_unit)


def binning(scoring: Scoring, settings: Evaluation) -> Binning | None:
    """The score bins of a binary task, where any are kept."""
    if scoring.kind != "binary" or not settings.bins.slices:
        return None
    # What is made of several scores, or moved by a rate, is binned as the probability that comes of it.
    own = len(scoring.scores) == 1 and scoring.rate is None
    bins = settings.bins
    scale = scoring.scales[0] if own else "probability"
    return Binning(scale, bins.bits, tuple(bins.thresholds), bins.calibration_bins)


def _parts(scoring: Scoring, name: str, types: Mapping[str, str]) -> tuple[str, ...]:
    if types[name].startswith("array"):
        return tuple(_part(name, k) for k in range(len(scoring.classes)))
    return (name,)


def _part(name: str, k: int) -> str:
    return f"{name}_{k}"
