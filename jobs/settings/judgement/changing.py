"""The metrics of which a change says something."""

from __future__ import annotations

from jobs.settings.evaluation import Evaluation
from udfs.catalog import published
from udfs.kinds import KINDS
from udfs.measure import Metric

ENTROPY, SQUARES = "normalized_entropy", "brier_score"
BESIDE_THE_LOSS = (ENTROPY, SQUARES, "predicted_over_actual", "base_rate")


def changing(kind: str, settings: Evaluation) -> dict[str, Metric]:
    """The loss of a kind of task, and what else there is of normalized entropy, Brier score, calibration, base rate."""
    every = published(kind, settings.loss.options)
    return {name: every[name] for name in (KINDS[kind].loss, *BESIDE_THE_LOSS) if name in every}


def every_changing(settings: Evaluation) -> list[str]:
    """The names of all of them."""
    return sorted({name for kind in settings.kinds for name in changing(kind, settings)})
