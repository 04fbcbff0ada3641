"""Rows of any kind of task as hypothesis draws them, by what its value says of it, and their sums by the whole pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from tests import class_strategies, strategies
from tests.udfs.rows.binary import CODES, GROUPINGS, SHARDS
from udfs.catalog import columns_of, metrics_of, statistics_of
from udfs.exact.decimals import DECIMAL, from_decimal
from udfs.exact.kernels import STRICT
from udfs.kinds import KINDS
from udfs.measure import Options
from udfs.scan.batch import Summarise
from udfs.scan.keyed import KEYS
from udfs.scan.partials import combined, unpacked
from udfs.scan.recipes import Recipe

OPTIONS: Options = {"alpha": 2.5, "gamma": 2.0, "clip": 1e-15, "k": (1.0, 3.0), "calibration_bins": 10.0}
CLASSES = 3
Key = tuple[int, ...]
Sums = dict[Key, dict[str, int]]

values = st.sampled_from([0.0, -0.0, 1.0, -2.5, 1e4]) | st.floats(-(2.0**10), 2.0**10)
relevances = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 0.5])
tied = {"logit": st.sampled_from([-1.0, 0.0, 0.5]), "probability": st.sampled_from([0.0, 0.1, 0.25])}
missing = st.just(np.nan)


@dataclass(frozen=True)
class Example:
    """An example as it reaches a worker: a row, or a group whose label and score are lists; of classes the scores."""

    label: Any
    score: Any
    weight: float
    code: int
    shard: int

    def weighing(self, weight: float) -> Example:
        """The same example with another weight."""
        return replace(self, weight=weight)


@dataclass(frozen=True)
class Drawn:
    """Examples of a kind of task, their scores on one scale."""

    kind: str
    scale: str
    examples: tuple[Example, ...]

    def of(self, examples: Iterable[Example]) -> Drawn:
        """Other examples of the same kind and scale."""
        return replace(self, examples=tuple(examples))

    @property
    def recipe(self) -> Recipe:
        """Which columns they are in."""
        scores = tuple(f"score {k}" for k in range(CLASSES)) if KINDS[self.kind].of_classes else ("score",)
        return Recipe(self.kind, ("label",), "weight", scores, (self.scale,) * len(scores))

    @property
    def batch(self) -> pa.RecordBatch:
        """They as a batch."""
        scores = [[e.score for e in self.examples]]
        if KINDS[self.kind].of_classes:
            scores = [[e.score[k] for e in self.examples] for k in range(CLASSES)]
        type_ = pa.list_(pa.float64()) if KINDS[self.kind].of_groups else pa.float64()
        return pa.record_batch(
            {
                "code": pa.array([e.code for e in self.examples], pa.int64()),
                "shard": pa.array([e.shard for e in self.examples], pa.int32()),
                "weight": pa.array([e.weight for e in self.examples], pa.float64()),
                "label": pa.array([e.label for e in self.examples], type_),
                **{name: pa.array(of, type_) for name, of in zip(self.recipe.scores, scores, strict=True)},
            }
        )

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that statistics read."""
        return self.recipe.examples(pa.Table.from_batches([self.batch]), STRICT)

    @property
    def run(self) -> Summarise:
        """The pass over the cells of `CODES`."""
        statistics, cells = {self.kind: columns_of(self.kind, OPTIONS)}, np.arange(CODES.size)
        by_class = statistics_of(self.kind, "classes")
        return Summarise((self.recipe,), statistics, by_class, "strict", CODES, cells, CODES.size, GROUPINGS, SHARDS)


@st.composite
def drawn(draw: st.DrawFn, kind: str, *, weight: st.SearchStrategy[float] | None = None, nan: bool = True) -> Drawn:
    """A few examples of a kind, some of no weight; with `nan` some outside the task, or that cannot be used."""
    scale = draw(st.sampled_from(["probability", "logit"])) if KINDS[kind].logarithms else ""
    weights = strategies.sizeable_weights if weight is None else weight
    example = st.builds(
        lambda row, weight, code, shard: Example(*row, weight, code, shard),
        rows_of(kind, scale, nan=nan),
        weights | missing if nan else weights,
        st.sampled_from(CODES.tolist()),
        st.integers(0, SHARDS - 1),
    )
    return Drawn(kind, scale, tuple(draw(st.lists(example, max_size=8))))


def rows_of(kind: str, scale: str, *, nan: bool) -> st.SearchStrategy[tuple[Any, Any]]:
    """A label and a score, or both of the candidates of a group."""
    kind_ = KINDS[kind]
    absent = missing if nan else st.nothing()
    score = values if kind_.of_values else tied[scale] | strategies.SCORES[scale]
    if kind_.of_classes:
        score = tied[scale] | class_strategies.SCORES[scale]
    if kind_.of_groups:
        candidates = st.lists(st.tuples(relevances, score | absent), min_size=1, max_size=4)
        return candidates.map(lambda rows: tuple(map(list, zip(*rows, strict=True))))  # type: ignore[arg-type]
    if kind_.of_classes:
        classes = st.integers(0, CLASSES - 1).map(float)
        return st.tuples(classes | absent, st.lists(score | absent, min_size=CLASSES, max_size=CLASSES))
    label = values if kind_.of_values else strategies.sizeable_labels
    return st.tuples(label | absent, score | absent)


def partials_of(of: Drawn) -> pa.Table:
    """The partial sums of one task of the pass."""
    return unpacked(of.run([of.batch]), of.run.schema)


def merged(parts: Sequence[pa.Table]) -> Sums:
    """The units of every sum by key, of partial sums that production has combined."""
    table = combined(pa.concat_tables(parts), KEYS.names)
    keys = list(zip(*(table[name].to_pylist() for name in KEYS.names), strict=True))
    names = [name for name in table.column_names if name not in KEYS.names]
    units = zip(*(_units(table[name]) for name in names), strict=True)
    return {key: dict(zip(names, of, strict=True)) for key, of in zip(keys, units, strict=True)}


def summed(of: Drawn) -> Sums:
    """The units of every sum by key."""
    return merged([partials_of(of)])


def _units(column: pa.ChunkedArray) -> list[int | None]:
    """Whole numbers of 10⁻¹⁵, None for NULL."""
    known = column.is_valid().to_pylist()
    found = from_decimal(column.fill_null(0).cast(DECIMAL)).tolist()
    return [unit if there else None for unit, there in zip(found, known, strict=True)]


def nonlinear(kind: str) -> set[str]:
    """The metrics to which a row of twice the weight is not two rows: what they read is not linear in the weight."""
    degrees = {name: statistic.weight_degree for name, statistic in statistics_of(kind).items()}
    return {name for name, m in metrics_of(kind).items() if any(degrees[each] != 1 for each in m.inputs)}
