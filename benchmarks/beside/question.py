"""What everybody is asked: every sum that our tables hold of two models, by cell, and by slice and shard.

The terms are written once, in the SQL that Apache Spark, DuckDB and Polars share. As every row weighs 1 and labels are
0 or 1, some sums are others of them, and nobody has to add them: `implied`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import MODELS, Case

DIMENSIONS = ("country", "device", "campaign")
SLICES = ((), ("country",), ("device",), ("country", "device"), ("campaign",))
SHARDS = 32
KEYS = (*DIMENSIONS, "shard")
UNITS = "1e15"

# Of a label y, a score p in [0, 1], and the losses a = −ln p of positives and b = −ln(1 − p) of both, which are 0
# where p is exactly 0 or 1.
ERROR = "(y * (1e0 - p) - (1e0 - y) * p)"
SPREAD = "((1e0 - p) - p)"
LOSS = "least(y * a + (1e0 - y) * b, 1000e0)"
TERMS = {
    "score_sum": "p",
    "squared_error": f"{ERROR} * {ERROR}",
    "absolute_error": f"abs{ERROR}",
    "positive_score_sum": "y * p",
    "negative_score_sum": "(1e0 - y) * p",
    "positive_nll": "y * a",
    "negative_nll": "(1e0 - y) * b",
    "positive_complement_nll": "y * b",
    "positive_focal_g2": "y * ((1e0 - p) * (1e0 - p) * a)",
    "negative_focal_g2": "(1e0 - y) * (p * p * b)",
    "score_variance": "p * (1e0 - p)",
    "spiegelhalter_sum": f"{ERROR} * {SPREAD}",
    "spiegelhalter_variance": f"{SPREAD} * {SPREAD} * (p * (1e0 - p))",
    "squared_nll": f"{LOSS} * {LOSS}",
}
# Counts of rows: what is 1 where it holds.
COUNTS = {
    "n": "p IS NOT NULL",
    "positive_weight": "p IS NOT NULL AND y = 1e0",
    "hard_wrong_positive_weight": "y = 1e0 AND p = 0e0",
    "hard_wrong_negative_weight": "y = 0e0 AND p = 1e0",
    "hard_right_positive_weight": "y = 1e0 AND p = 1e0",
    "hard_right_negative_weight": "y = 0e0 AND p = 0e0",
}
THIRD = ("score_sum", "squared_error", "positive_nll", "negative_nll", "positive_focal_g2", "negative_focal_g2")
LOGARITHMS = (
    *("positive_nll", "negative_nll", "positive_complement_nll"),
    *("positive_focal_g2", "negative_focal_g2", "squared_nll"),
)


def implied(counts: dict[str, int]) -> dict[str, int]:
    """The sums that follow from `rows`, `n` and `positive_weight` where every row weighs 1."""
    n, unscored = counts["n"], counts["rows"] - counts["n"]
    return {
        **{
            "weight": n,
            "squared_weight": n,
            "positive_rows": counts["positive_weight"],
            "negative_weight": n - counts["positive_weight"],
        },
        **{"unscored": unscored, "unscored_weight": unscored},
    }


@dataclass(frozen=True)
class Question:
    """What is asked of whom.

    Attributes:
        folder: Where the logs lie.
        engine: The engine that Spark's SQL runs on.
        arithmetic: `float`, `exact`, or `third` for floats of a third of the sums.
        duplicates: Whether of an id only the earliest copy counts: `remove` or `none`.
        models: The names of the models.
        shard: SQL for the shard of a row, None for what the asked one hashes by itself.
    """

    folder: Path
    engine: str
    arithmetic: str
    duplicates: str
    models: tuple[str, ...] = MODELS[:2]
    shard: str | None = None

    @classmethod
    def of(cls, case: Case, folder: Path) -> Question:
        """The question of a case."""
        engine = case.who.partition("+")[2]
        return cls(folder, engine, case.arithmetic, case.duplicates, MODELS[: case.models])

    @property
    def exact(self) -> bool:
        """Whether terms are added as integers of 10⁻¹⁵."""
        return self.arithmetic == "exact"

    @property
    def terms(self) -> dict[str, str]:
        """The terms that are asked for, by their statistic."""
        return {name: TERMS[name] for name in THIRD} if self.arithmetic == "third" else TERMS

    @property
    def counts(self) -> dict[str, str]:
        """The counts that are asked for, by their statistic."""
        few = ("n", "positive_weight")
        return {name: COUNTS[name] for name in few} if self.arithmetic == "third" else COUNTS

    @property
    def sums(self) -> list[str]:
        """The columns of the answer, `rows` and each statistic of each model."""
        return ["rows", *(f"{name}_{model}" for model in self.models for name in (*self.counts, *self.terms))]

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """The keys that sums are asked by: those of cells, then those of each slice and the shard."""
        return [DIMENSIONS, *((*names, "shard") for names in SLICES)]
