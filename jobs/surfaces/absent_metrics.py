"""Which metrics of the catalogue an evaluation goes without, and what it would take to have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.settings import Evaluation
from udfs.catalog import metrics_of, published_against
from udfs.kinds import KINDS


@dataclass(frozen=True)
class Absent:
    """Metrics that an evaluation goes without, and the place of the configuration that lacks something."""

    names: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        """Return both as one line."""
        return f"{', '.join(self.names)}: {self.reason}"


def absent(settings: Evaluation) -> list[Absent]:
    """Return every family of metrics that is missing, with what it takes to have it."""
    return [*_kinds(settings), *_bins(settings), *_reference(settings)]


def _kinds(settings: Evaluation) -> Iterator[Absent]:
    for kind in KINDS:
        if kind in settings.kinds:
            continue
        others = {name for other in settings.kinds for name in metrics_of(other)}
        lacks = f"tasks has none of kind {kind}"
        if KINDS[kind].of_groups and settings.impressions.columns.group is None:
            lacks += ", and impressions.columns.group is not mapped"
        yield Absent(tuple(name for name in metrics_of(kind) if name not in others), lacks)


def _bins(settings: Evaluation) -> Iterator[Absent]:
    for kind in (kind for kind in settings.kinds if KINDS[kind].bins):
        of_bins = metrics_of(kind, "bins")
        of_thresholds = [name for name, metric in of_bins.items() if "threshold" in metric.options]
        if not settings.bins.slices:
            yield Absent(tuple(of_bins), "bins.slices is empty")
        elif not settings.bins.thresholds:
            yield Absent(tuple(of_thresholds), "bins.thresholds is empty")


def _reference(settings: Evaluation) -> Iterator[Absent]:
    for kind in (kind for kind in settings.kinds if KINDS[kind].baselines):
        tasks = [name for name, task in settings.tasks.items() if task.kind == kind]
        if without := [name for name in tasks if name not in settings.baselines.reference]:
            lacks = f"baselines.reference has no rate of {', '.join(without)}"
            yield Absent(tuple(published_against(kind, "reference")), lacks)
