"""Which metrics of the catalogue an evaluation goes without, and what it would take to have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jobs.settings import Evaluation
from udfs.catalog import FAMILIES, bin_metrics_of, metrics_of, published_against


def absent(settings: Evaluation) -> list[str]:
    """A line for every family that is missing: the names of its metrics, and the place that lacks something."""
    return [*_kinds(settings), *_bins(settings), *_reference(settings)]


def _kinds(settings: Evaluation) -> Iterator[str]:
    for kind in FAMILIES:
        if kind in settings.kinds:
            continue
        others = {name for other in settings.kinds for name in metrics_of(other)}
        lacks = f"tasks has none of kind {kind}"
        if kind == "candidates" and settings.impressions.columns.group is None:
            lacks += ", and impressions.columns.group is not mapped"
        yield _line(name for name in metrics_of(kind) if name not in others) + lacks


def _bins(settings: Evaluation) -> Iterator[str]:
    if "binary" not in settings.kinds:
        return
    of_thresholds = [name for name, metric in bin_metrics_of("binary").items() if "threshold" in metric.options]
    if not settings.bins.slices:
        yield _line(bin_metrics_of("binary")) + "bins.slices is empty"
    elif not settings.bins.thresholds:
        yield _line(of_thresholds) + "bins.thresholds is empty"


def _reference(settings: Evaluation) -> Iterator[str]:
    without = [
        n for n, task in settings.tasks.items() if task.kind == "binary" and n not in settings.baselines.reference
    ]
    if without:
        yield (
            _line(published_against("binary", "reference")) + f"baselines.reference has no rate of {', '.join(without)}"
        )


def _line(names: Iterable[str]) -> str:
    return ", ".join(names) + ": "
