"""For which reasons a metric is NULL although there is weight: found by evaluating it on the sums of odd rows."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from udfs import catalog
from udfs.examples.classes import of_each_class
from udfs.examples.pairs import pair_examples
from udfs.kind import Arrays
from udfs.kinds import KINDS
from udfs.measure import Metric, Options
from udfs.measures.nowcast import NOWCAST

OPTIONS: Options = {"alpha": 1.0, "gamma": 2.0, "k": 1.0, "threshold": 0.5, "calibration_bins": 10.0}
ONES, LOW, ZERO = np.ones(2), np.array([0.25, 0.375]), np.zeros(2)
LABELS = tuple(map(np.array, ([0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 1.0])))
Sums = Mapping[str, Any]


def reasons(metric: Metric, kind: str) -> list[str]:
    """The reason that the metric declares, if it can apply, and `infinite`, if a value can be."""
    chosen = metric
    if metric.over != "baseline":
        chosen = catalog.published(kind, OPTIONS, metric.over)[metric.published_as(next(metric.choices(OPTIONS)))]
    others = {"bins": _bins(), "pairs": _of_two(kind)}
    odd = others.get(metric.over, _sums(kind, of_classes=metric.over == "classes"))
    with np.errstate(all="ignore"):
        values = np.array([np.ravel(chosen.of(sums))[0] for sums in odd])
    found = {metric.undefined: np.isnan(values).any(), "infinite": np.isinf(values).any()}
    return [reason for reason, applies in found.items() if applies]


def _bins() -> Iterator[Sums]:
    """A bin of negatives, and one of positives: below the threshold, so that no score reaches it."""
    for positive in (0.0, 2.0):
        columns = {
            "low": 0.25,
            "n": 2.0,
            "positive_weight": positive,
            "negative_weight": 2.0 - positive,
            "score_sum": 0.5,
        }
        yield {name: np.array([value]) for name, value in columns.items()}


def _of_two(kind: str) -> Iterator[Sums]:
    """Sums of two rows of two models, whose scores never differ, or do."""
    statistics = {name: catalog.statistics_of(kind)[name] for name in catalog.OF_PAIRS}
    statistics |= catalog.statistics_of(kind, "pairs")
    for other in (LOW, ZERO):
        _, examples = pair_examples(*({"scored": ONES, "weight": ONES, "score": score} for score in (LOW, other)))
        yield {name: np.array([np.sum(statistic.of(examples))]) for name, statistic in statistics.items()}


def _sums(kind: str, *, of_classes: bool) -> Iterator[Sums]:
    """Sums of two rows: labels of one class, or equal, or of both classes; scores in between, or certain."""
    for label in LABELS if KINDS[kind].of_values else LABELS[:3]:
        for score in (LOW, ZERO):
            examples = _examples(kind, label, score)
            terms = {name: statistic.of(examples) for name, statistic in catalog.columns_of(kind, OPTIONS).items()}
            if of_classes:
                yield {**{name: float(np.sum(term)) for name, term in terms.items()}, **_by_class(kind, examples)}
            else:
                # Of a baseline that is right by itself, and leaves nothing to gain.
                others = {name: np.zeros(1) for name in catalog.BASELINE_COLUMNS} | dict.fromkeys(NOWCAST, np.ones(1))
                yield {**{name: np.array([np.sum(term)]) for name, term in terms.items()}, **others}


def _examples(kind: str, label: Any, score: Any) -> dict[str, Any]:
    of = KINDS[kind]
    scores = (1.0 - score, score) if of.of_classes else (score,)
    weight, starts = (ONES[:1], np.array([0, 2])) if of.of_groups else (ONES, None)
    return of.examples(Arrays((label,), weight, scores, ("probability",), starts))


def _by_class(kind: str, examples: dict[str, Any]) -> Sums:
    each = list(of_each_class(examples))
    statistics = catalog.statistics_of(kind, "classes").items()
    return {name: np.array([np.sum(statistic.of(of_one)) for of_one in each]) for name, statistic in statistics}
