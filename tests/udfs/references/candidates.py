"""What every metric of groups should be: its definition over each group, by mpmath, ties by trying all their orders.

A reference is one line: the value of a group, and what the mean of values is weighted by. Nothing here is taken from
the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, permutations, product

from mpmath import mp, mpf

from tests.udfs.rows.candidates import Slate

mp.dps = 60

INF = float("inf")


@dataclass(frozen=True)
class Group:
    """A group at 60 digits: labels y, raw scores s, softmax probabilities q, positives P, negatives N."""

    y: tuple[mpf, ...]
    s: tuple[float, ...]
    logits: tuple[mpf, ...]
    w: mpf
    clip: mpf

    @cached_property
    def q(self) -> list[mpf]:
        best = max(self.logits)
        if mp.isinf(best):
            powers = [mpf(z == best) for z in self.logits]
        else:
            powers = [mpf(0) if z == -INF else mp.exp(z - best) for z in self.logits]
        return [power / mp.fsum(powers) for power in powers]

    @property
    def P(self) -> list[int]:
        return [i for i, y in enumerate(self.y) if y > 0]

    @property
    def N(self) -> list[int]:
        return [i for i, y in enumerate(self.y) if y == 0]

    def loss(self, value: Callable[[Group], mpf]) -> mpf:
        """A loss; the price of a hard group is that of the clip."""
        return -mp.log(self.clip) if any(self.q[i] == 0 for i in self.P) else value(self)

    @cached_property
    def orders(self) -> list[list[int]]:
        """The rows from best to worst in every order of the ties."""
        ties = [[i for i, s in enumerate(self.s) if s == value] for value in sorted(set(self.s), reverse=True)]
        return [list(chain(*order)) for order in product(*(permutations(tie) for tie in ties))]

    def expected(self, value: Callable[[list[mpf]], mpf]) -> mpf:
        """The mean over the orders of a value of the labels as ranked."""
        return mp.fsum(value([self.y[i] for i in order]) for order in self.orders) / len(self.orders)


def groups(slates: Sequence[Slate], scale: str, clip: float) -> list[Group]:
    """The usable groups with weight."""
    return list(_groups(slates, scale, clip))


def _groups(slates: Sequence[Slate], scale: str, clip: float) -> Iterator[Group]:
    for one in slates:
        if not math.isnan(sum((*one.label, *map(abs, one.score), one.weight))) and one.weight > 0:
            z = [mpf(s) if scale == "logit" else mp.log(s) if s else mpf("-inf") for s in one.score]
            score = tuple(0.0 if s == 0.0 else s for s in one.score)
            yield Group(tuple(map(mpf, one.label)), score, tuple(z), mpf(one.weight), mpf(clip))


def mean_nll(g: Group) -> mpf:
    return mp.fsum(-mp.log(g.q[i]) for i in g.P) / len(g.P)


def one_of(g: Group) -> mpf:
    return -mp.log(mp.fsum(g.q[i] for i in g.P))


def each(g: Group) -> mpf:
    others = mp.fsum(g.q[i] for i in g.N)
    return mp.fsum(mp.log1p(others / g.q[i]) for i in g.P) / len(g.P)


def pairwise(g: Group) -> mpf:
    return mp.fsum(mp.log1p(g.q[j] / g.q[i]) for i in g.P for j in g.N) / (len(g.P) * len(g.N))


def listnet(g: Group) -> mpf:
    return mp.fsum(-g.y[i] * mp.log(g.q[i]) for i in g.P) / mp.fsum(g.y)


def listmle(g: Group) -> mpf:
    order = sorted((i for i in range(len(g.y)) if g.q[i] > 0), key=lambda i: (-g.y[i], g.s[i]))
    return mp.fsum(mp.log(mp.fsum(g.q[j] for j in order[place:]) / g.q[i]) for place, i in enumerate(order))


def auc(g: Group) -> mpf:
    won = sum(mpf(g.s[i] > g.s[j]) + mpf(g.s[i] == g.s[j]) / 2 for i in g.P for j in g.N)
    return won / (len(g.P) * len(g.N))


def area(g: Group) -> mpf:
    """The area under precision and recall: every distinct score is a threshold."""
    total, found = mpf(0), 0
    for threshold in sorted(set(g.s), reverse=True):
        above = [i for i in range(len(g.s)) if g.s[i] >= threshold]
        hits = sum(g.y[i] > 0 for i in above)
        total += mpf(hits - found) / len(g.P) * hits / len(above)
        found = hits
    return total


def dcg(gains: Sequence[mpf], k: float) -> mpf:
    return mp.fsum(gain * mp.log(2) / mp.log(rank + 1) for rank, gain in enumerate(gains[: int(k)], 1))


def ndcg(g: Group, k: float, gain: Callable[[mpf], mpf]) -> mpf:
    best = dcg(sorted(map(gain, g.y), reverse=True), k)
    return g.expected(lambda ranked: dcg([gain(y) for y in ranked], k)) / best


def reciprocal_rank(ranked: Sequence[mpf]) -> mpf:
    return next((mpf(1) / rank for rank, y in enumerate(ranked, 1) if y > 0), mpf(0))


def average_precision(ranked: Sequence[mpf]) -> mpf:
    ranks = [rank for rank, y in enumerate(ranked, 1) if y > 0]
    return mp.fsum(mpf(found) / rank for found, rank in enumerate(ranks, 1)) / len(ranks)


def hits(g: Group, k: float) -> mpf:
    return g.expected(lambda ranked: mpf(sum(y > 0 for y in ranked[: int(k)])))


def hit(g: Group, k: float) -> mpf:
    return g.expected(lambda ranked: mpf(any(y > 0 for y in ranked[: int(k)])))


Value = Callable[[Group, float], mpf]
Weight = Callable[[Group], mpf]


def mean(value: Value, over: Weight) -> Callable[[Sequence[Group], float], mpf | None]:
    """The mean of a value, each group with its weight times `over`; groups for which that is 0 are left out."""

    def found(all_groups: Sequence[Group], k: float) -> mpf | None:
        kept = [g for g in all_groups if over(g)]
        weight = mp.fsum(g.w * over(g) for g in kept)
        return mp.fsum(g.w * over(g) * value(g, k) for g in kept) / weight if weight else None

    return found


def loss(value: Callable[[Group], mpf]) -> Value:
    return lambda g, k: g.loss(value)


def every(g: Group) -> mpf:
    return mpf(1)


def answered(g: Group) -> mpf:
    return mpf(bool(g.P))


def positives(g: Group) -> mpf:
    return mpf(len(g.P))


def size(g: Group) -> mpf:
    return mpf(len(g.y))


def two_class(g: Group) -> mpf:
    return mpf(bool(g.P) and bool(g.N))


REFERENCES: dict[str, Callable[[Sequence[Group], float], mpf | None]] = {
    "softmax_cross_entropy": mean(loss(mean_nll), answered),
    "softmax_cross_entropy_total": lambda gs, k: mp.fsum(g.w * len(g.P) * g.loss(mean_nll) for g in gs if g.P),
    "softmax_cross_entropy_per_positive": mean(loss(mean_nll), positives),
    "softmax_cross_entropy_one_of": mean(loss(one_of), answered),
    "softmax_cross_entropy_each": mean(loss(each), positives),
    "uniform_softmax_cross_entropy": mean(lambda g, k: mp.log(len(g.y)), answered),
    "effective_sample_size": lambda gs, k: mp.fsum(g.w for g in gs) ** 2 / mp.fsum(g.w**2 for g in gs),
    "without_positive_share": mean(lambda g, k: mpf(not g.P), every),
    "single_candidate_share": mean(lambda g, k: mpf(len(g.y) == 1), every),
    "mean_group_size": mean(lambda g, k: size(g), every),
    "pairwise_logistic_loss": mean(loss(pairwise), two_class),
    "listnet_loss": mean(loss(listnet), answered),
    "listmle_loss": mean(loss(listmle), answered),
    "grouped_auc": mean(lambda g, k: auc(g), lambda g: two_class(g) * size(g)),
    "grouped_auc_by_positives": mean(lambda g, k: auc(g), lambda g: two_class(g) * positives(g)),
    "grouped_auc_by_group": mean(lambda g, k: auc(g), two_class),
    "grouped_auc_left_out": mean(lambda g, k: 1 - two_class(g), size),
    "grouped_auc_by_positives_left_out": mean(lambda g, k: 1 - two_class(g), positives),
    "grouped_auc_by_group_left_out": mean(lambda g, k: 1 - two_class(g), every),
    "ndcg": mean(lambda g, k: ndcg(g, k, lambda y: mp.expm1(y * mp.log(2))), answered),
    "ndcg_linear": mean(lambda g, k: ndcg(g, k, lambda y: y), answered),
    "mrr": mean(lambda g, k: g.expected(reciprocal_rank), answered),
    "mrr_all": mean(lambda g, k: g.expected(reciprocal_rank), every),
    "hit_rate": mean(hit, answered),
    "hit_rate_all": mean(hit, every),
    "recall": mean(lambda g, k: hits(g, k) / len(g.P), answered),
    "precision_all": mean(lambda g, k: hits(g, k) / mpf(k), every),
    "mean_average_precision": mean(lambda g, k: g.expected(average_precision), answered),
    "grouped_average_precision": mean(lambda g, k: area(g), answered),
}
