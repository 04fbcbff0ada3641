"""Every kind of task is searched by a mean loss whose variance over examples comes from its sums."""

import numpy as np
import pytest

from jobs.judgement.slices.calibration import calibration_of
from jobs.judgement.slices.search import loss_rate
from jobs.settings import parse
from tests.jobs.judgement.test_changes import CONFIG
from udfs.catalog import columns_of, published
from udfs.kind import Arrays
from udfs.kinds import KINDS
from udfs.pricing import evaluated, priced

SIZE, CLASSES, CLIP = 400, 3, 1e-3


def arrays(kind, rng):
    """Random examples of a kind, some of them hard; groups of three."""
    of, hard = KINDS[kind], rng.random(SIZE) < 0.05
    if of.of_classes:
        scores = rng.dirichlet(np.ones(CLASSES), SIZE)
        scores[hard] = [0.0, 0.5, 0.5]
        label = rng.integers(0, CLASSES, SIZE).astype(np.float64)
        return Arrays((label,), np.ones(SIZE), tuple(scores.T), ("probability",))
    label = (rng.random(SIZE) < 0.4).astype(np.float64)
    if of.of_groups:
        starts = np.arange(0, SIZE - SIZE % 3 + 1, 3)
        size = int(starts[-1])
        score = np.where(hard, 0.0, rng.uniform(0.1, 0.9, SIZE))
        return Arrays((label[:size],), np.ones(starts.size - 1), (score[:size],), ("probability",), starts)
    score = rng.uniform(0.01, 0.99, SIZE) if not of.of_values else rng.normal(1.0, 3.0, SIZE)
    return Arrays((label,), np.ones(SIZE), (np.where(hard, 0.0, score),), ("probability",))


def settings_of(kind):
    values = {"binary": "binary", "multiclass": "classes", "regression": "number", "candidates": "binary"}[kind]
    label = {"column": "click", "values": values}
    extra = {"multiclass": {"classes": ["a", "b", "c"]}}.get(kind, {})
    group = {"columns": {"id": "id", "group": "request"}} if kind == "candidates" else {}
    score = ["p", "q", "r"] if kind == "multiclass" else "p"
    return parse(
        {
            **CONFIG,
            "impressions": {**CONFIG["impressions"], **group},
            "labels": {"click": {**label, **extra}},
            "tasks": {"t": {"label": "click", "kind": kind}},
            "models": {"m": {"t": {"score": score}}},
            "bins": {"slices": []},
            "changes": {},
            "loss": {"clip": CLIP},
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_rate_is_the_published_metric_and_its_variance_that_of_the_examples(kind):
    settings, rng = settings_of(kind), np.random.default_rng(len(kind))
    of, statistics = KINDS[kind].searched, columns_of(kind, settings.loss.options)
    examples = KINDS[kind].examples(arrays(kind, rng))
    terms = {name: statistic.of(examples) * np.ones(examples["weight"].size) for name, statistic in statistics.items()}
    rate, names = loss_rate(kind, settings)
    side = rate({name: np.array([terms[name].sum()]) for name in names})

    each = rate({name: terms[name] for name in names})
    losses = (each.total / np.where(each.weight > 0.0, each.weight, np.nan))[each.weight > 0.0]
    assert losses.size > 100 and losses.max() >= (0.0 if kind == "regression" else -np.log(CLIP))
    assert side.weight[0] == losses.size
    assert side.total[0] == pytest.approx(losses.sum(), rel=1e-12)
    spread = np.sum((losses - losses.mean()) ** 2)
    assert side.variance[0] == pytest.approx(spread, rel=1e-9)

    metric = published(kind, settings.loss.options)[of.metric]
    sums = priced(kind, {name: np.array([each.sum()]) for name, each in terms.items()}, statistics, CLIP)
    assert evaluated(metric, sums) == ([pytest.approx(losses.mean(), rel=1e-12)], [None])


def test_cells_say_something_of_calibration_where_scores_and_labels_add_up():
    known = {kind: calibration_of(kind, settings_of(kind)) for kind in KINDS}
    assert {kind: of and of.expected for kind, of in known.items()} == {
        "binary": "score_sum",
        "regression": "predicted_sum",
        "multiclass": None,
        "candidates": None,
    }
