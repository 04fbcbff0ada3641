"""From groups of candidates to exact sums and to metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from udfs.catalog import columns_of, published
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import nearest
from udfs.exact.kernels import STRICT, Kernel
from udfs.exact.sums import exact_sum
from udfs.examples.groups import GroupExamples, group_examples
from udfs.measure import Options
from udfs.pricing import evaluated, priced

KS = (1.0, 2.0, 3.0, 10.0)
OPTIONS: dict[str, float | tuple[float, ...]] = {"alpha": 2.5, "gamma": 2.0, "clip": 1e-15, "k": KS}
Value = tuple[float, str | None]


@dataclass(frozen=True)
class Slate:
    """One group: its rows, and its weight."""

    label: tuple[float, ...]
    score: tuple[float, ...]
    weight: float = 1.0

    def take(self, rows: Iterable[int]) -> Slate:
        """These rows only, in this order."""
        rows = list(rows)
        return replace(self, label=tuple(self.label[i] for i in rows), score=tuple(self.score[i] for i in rows))

    def shifted(self, by: float) -> Slate:
        """The same group with other logits."""
        return replace(self, score=tuple(score + by for score in self.score))


def slate(label: ArrayLike, score: ArrayLike, weight: float = 1.0) -> Slate:
    """A group from anything like arrays."""
    return Slate(
        tuple(np.asarray(label, dtype=np.float64).tolist()), tuple(np.asarray(score, np.float64).tolist()), weight
    )


def slates_by(group: ArrayLike, label: ArrayLike, score: ArrayLike, times: ArrayLike = 1) -> list[Slate]:
    """Groups of consecutive rows or others with the same key, in the order of their keys; each row some times."""
    rows = np.repeat(np.arange(np.size(label)), times)
    group, label, score = (np.asarray(values)[rows] for values in (group, label, score))
    return [slate(label[group == key], score[group == key]) for key in np.unique(group)]


def examples(slates: Sequence[Slate], scale: str = "logit", kernel: Kernel = STRICT) -> GroupExamples:
    """The groups as one batch."""
    label, score = ([value for one in slates for value in getattr(one, name)] for name in ("label", "score"))
    starts = np.cumsum([0, *(len(one.label) for one in slates)])
    weight = np.array([one.weight for one in slates], dtype=np.float64)
    return group_examples(np.array(label, float), np.array(score, float), starts, weight, scale, kernel=kernel)


def terms(
    slates: Sequence[Slate], scale: str = "logit", options: Options = OPTIONS, kernel: Kernel = STRICT
) -> dict[str, FloatArray]:
    """The terms of each statistic, (groups,), by column."""
    columns = examples(slates, scale, kernel)
    return {name: statistic.of(columns) for name, statistic in columns_of("candidates", options).items()}


def sums(slates: Sequence[Slate], scale: str = "logit", options: Options = OPTIONS) -> dict[str, int]:
    """Units of each statistic."""
    return {name: exact_sum(values) for name, values in terms(slates, scale, options).items()}


def metrics(slates: Sequence[Slate], scale: str = "logit", options: Options = OPTIONS) -> dict[str, Value]:
    """Each metric with its reason."""
    return finished({name: nearest([units]) for name, units in sums(slates, scale, options).items()}, options)


def unrounded(slates: Sequence[Slate], scale: str = "logit", options: Options = OPTIONS) -> dict[str, float | None]:
    """Each metric of sums that were never rounded to units; None where it is undefined."""
    whole = {name: np.array([math.fsum(values)]) for name, values in terms(slates, scale, options).items()}
    return {name: value if reason is None else None for name, (value, reason) in finished(whole, options).items()}


def finished(found: dict[str, FloatArray], options: Options = OPTIONS) -> dict[str, Value]:
    """The metrics of one slice's sums."""
    clip = options["clip"]
    assert isinstance(clip, float)
    chosen = priced("candidates", found, columns_of("candidates", options), clip)
    values = {name: evaluated(metric, chosen) for name, metric in published("candidates", options).items()}
    return {name: (float(value[0]), reasons[0]) for name, (value, reasons) in values.items()}
