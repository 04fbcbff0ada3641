"""Groups of impressions, as of one request, and the terms of a task about candidates, with 50 digits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mpmath import mp, mpf

from jobs.audit.recount import scored, values
from jobs.audit.recount.examples import Kept
from jobs.audit.recount.impressions import Cell
from jobs.audit.recount.terms import FARTHEST_LOSS, Term
from jobs.settings import Evaluation


@dataclass(frozen=True)
class Group:
    """A group as one task and model see it.

    Attributes:
        weight: That of its first row; None where it cannot be told.
        rows: Relevance and logit of every row, −inf for a probability of 0; None where one cannot be used.
    """

    weight: float | None
    rows: tuple[tuple[float, Any], ...] | None

    def beside(self, weights: int, values: int) -> Any:
        """Beside what a term loses its last bits: the weight times the rows, and how far logits are apart."""
        size = mpf(self.weight or 0) ** weights * mpf(1) ** values
        finite = [logit for _, logit in self.rows or () if mp.isfinite(logit)]
        return size * len(self.rows or ()) * (1 + (max(finite) - min(finite) if finite else 0))


def assembled(kept: Iterable[Kept], settings: Evaluation, names: Collection[str]) -> list[tuple[Cell, list[Kept]]]:
    """The rows of each group by their ids, and the cell of the group, which is that of the first."""
    columns, found = settings.impressions.columns, defaultdict(list)
    for each in kept:
        found[values.text(each.row[str(columns.group)])].append(each)
    every = (sorted(found[name], key=lambda each: _order(each.row[str(columns.id)])) for name in names if name in found)
    return [(some[0].cell, some) for some in every]


def _order(raw: Any) -> Any:
    return raw if isinstance(raw, int) else values.text(raw)


def group(settings: Evaluation, pair: tuple[str, str], some: Sequence[Kept]) -> Group:
    """A group of these rows, the first of which says what it weighs."""
    examples = [scored.example(settings, pair, each) for each in some]
    weight = examples[0].weight
    if len(some) > settings.limits.group_rows or any(e.weight is None or e.scores is None for e in examples):
        return Group(weight, None)
    logits = (_logit(e.scores[0], e.scales[0]) for e in examples if e.scores is not None)
    labels = (e.label for e in examples if isinstance(e.label, float))
    return Group(weight, tuple(zip(labels, logits, strict=True)))


def _logit(score: float, scale: str) -> Any:
    if scale == "logit":
        return mpf(score)
    return mp.log(mpf(score)) if score > 0.0 else -mp.inf


def terms(of: Group) -> Iterator[Term]:
    """The terms of the losses of a group, and what they are held against; none of one that cannot be used."""
    if of.rows is None or of.weight is None:
        return
    w, size = mpf(of.weight), len(of.rows)
    best = max(logit for _, logit in of.rows)
    gaps = [mpf(0) if logit == best else best - logit for _, logit in of.rows]
    positive = [gap for gap, (label, _) in zip(gaps, of.rows, strict=True) if label > 0.0]
    m, hard = len(positive), any(mp.isinf(gap) for gap in positive)
    yield from (("impressions", w * size), ("positives", w * m))
    yield from (("weight_with_positive", w * (m > 0)), ("weight_without_positive", w * (m == 0)))
    yield from (("single_candidate_weight", w * (size == 1)), ("hard_group_weight", w * hard))
    yield "hard_group_positives", w * hard * m
    yield "uniform_softmax_nll", w * mp.log(size) if m else mpf(0)
    loss = mpf(0) if hard or not m else mp.log(mp.fsum(mp.exp(-gap) for gap in gaps)) + mp.fsum(positive) / m
    yield from (("softmax_nll", w * loss), ("softmax_positive_nll", w * loss * m))
    yield "softmax_squared_nll", w * min(loss, mpf(FARTHEST_LOSS)) ** 2
