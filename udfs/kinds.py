"""The kinds of tasks, one value each: what is not in its value and its files, no other file knows of a kind."""

from __future__ import annotations

from typing import Final

import numpy as np

from udfs.examples import binary as probabilities
from udfs.examples import classes, groups
from udfs.examples.binary import Examples, binary_examples, regression_examples
from udfs.examples.corrections import recalibrated_examples
from udfs.examples.products import product_examples
from udfs.kind import SHARED, Arrays, Hard, Kind, MeanLoss
from udfs.measures import (
    baselines,
    binary,
    calibration,
    class_prior,
    entropy,
    multiclass,
    nowcast,
    pairs,
    regression,
    significance,
    totals,
)
from udfs.measures.bins import areas, reliability, thresholds
from udfs.measures.groups import average_precision, candidates, grouped_auc, listwise, ranking


def _binary(of: Arrays) -> Examples:
    (label,) = of.labels
    if of.rate is not None:
        return recalibrated_examples(label, of.weight, of.scores[0], of.scales[0], rate=of.rate)
    if len(of.scores) == 1:
        return binary_examples(label, of.weight, of.scores[0], of.scales[0], kernel=of.kernel)
    return product_examples(label, of.weight, of.scores, of.scales, kernel=of.kernel)


def _regression(of: Arrays) -> Examples:
    return regression_examples(of.labels[0], of.weight, of.scores[0])


def _multiclass(of: Arrays) -> Examples:
    label = of.labels[0] if len(of.labels) == 1 else np.stack(of.labels).T
    return classes.class_examples(label, of.weight, np.stack(of.scores).T, of.scales[0], kernel=of.kernel)


def _candidates(of: Arrays) -> groups.GroupExamples:
    assert of.starts is not None
    (label,), (score,) = of.labels, of.scores
    return groups.group_examples(label, score, of.starts, of.weight, of.scales[0], kernel=of.kernel)


BINARY: Final = Kind(
    name="binary",
    title="Binary",
    families=(
        *(totals, binary, calibration, significance, entropy, baselines, nowcast),
        *(areas, thresholds, reliability, pairs),
    ),
    columns=SHARED
    | {"label", "score", "complement", "score_is_zero", "score_is_one"}
    | {"positive_loss", "negative_loss", "complement_loss"},
    examples=_binary,
    labels=("binary", "signed", "soft"),
    loss="log_loss",
    loss_sums=("positive_nll", "negative_nll"),
    searched=MeanLoss("log_loss", ("positive_nll", "negative_nll"), "squared_nll"),
    positives="positive_weight",
    hard=(
        Hard(
            frozenset({"positive_loss", "negative_loss", "complement_loss"}),
            (
                "hard_wrong_positive_weight",
                "hard_wrong_negative_weight",
                "hard_right_positive_weight",
                "hard_right_negative_weight",
            ),
            probabilities.unit_examples,
        ),
    ),
    peers=True,
    products=True,
    sampling=True,
    row_losses=("log_loss", "weighted_log_loss", "focal_loss", "brier_score"),
    views=("statistics_priced", "ledger", "shard_ledger", "cell_metrics", "shard_metrics"),
)
REGRESSION: Final = Kind(
    name="regression",
    title="Regression",
    families=(totals, regression, pairs),
    columns=SHARED | {"label", "score"},
    examples=_regression,
    labels=("binary", "signed", "soft", "number"),
    loss="mean_squared_error",
    loss_sums=("squared_label",),  # the scale of the labels, as a small loss is no fault of theirs
    # Squares of squared errors would leave what can be summed exactly; those of absolute errors are summed anyway.
    searched=MeanLoss("mean_absolute_error", ("absolute_value_error",), "squared_value_error"),
    of_values=True,
    logarithms=False,
)
MULTICLASS: Final = Kind(
    name="multiclass",
    title="Multi-class",
    families=(totals, multiclass, class_prior),
    columns=SHARED
    | {"unnormalised", "class_error", "share", "class_loss", "score_is_zero", "score_is_one", "above", "tied"},
    examples=_multiclass,
    labels=("classes",),
    loss="log_loss",
    loss_sums=("class_nll",),
    searched=MeanLoss("log_loss", ("class_nll",), "class_squared_nll"),
    hard=(Hard(frozenset({"class_loss"}), ("hard_wrong_weight", "hard_right_weight"), classes.unit_examples),),
    of_classes=True,
    views=("class_ledger", "shard_class_ledger"),
)
CANDIDATES: Final = Kind(
    name="candidates",
    title="Candidates",
    families=(totals, candidates, listwise, grouped_auc, ranking, average_precision),
    columns=SHARED | {"loss_weight", "loss_positives", "pair_weight", "groups"},
    examples=_candidates,
    labels=("binary", "soft", "number"),
    loss="softmax_cross_entropy",
    loss_sums=("softmax_nll",),
    searched=MeanLoss("softmax_cross_entropy", ("softmax_nll",), "softmax_squared_nll", "weight_with_positive"),
    positives="positives",
    # A loss of groups is for one of these weights, and so much of it have the hard groups.
    hard=(
        Hard(frozenset({"loss_weight"}), ("hard_group_weight",)),
        Hard(frozenset({"loss_positives"}), ("hard_group_positives",)),
        Hard(frozenset({"pair_weight"}), ("hard_pair_weight",)),
    ),
    of_groups=True,
    width=16,
)
# The first is what a task is where nothing else is said.
KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in (BINARY, REGRESSION, MULTICLASS, CANDIDATES)}
