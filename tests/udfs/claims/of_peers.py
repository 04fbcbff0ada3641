"""How each kind of case of `tests/reference/peer_vectors.json` is computed by us, in the shape the peer expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.udfs.claims import bins, tasks
from tests.udfs.claims.candidates import PEER_CLAIMS as CANDIDATES
from tests.udfs.claims.cases import Case
from tests.udfs.claims.classes import PEER_CLASS_CLAIMS
from tests.udfs.rows.binary import OPTIONS, Rows, merged, metrics_from, metrics_of_rows, rows_of, sums_of
from udfs.exact.decimals import UNITS

# Where a peer clips: torchrec in its own tests, scikit-learn by the type of the score, the others as published.
CLIPS = {
    "torchrec": 1e-12,
    "slrn (NE of He et al. 2014)": 1e-12,
    "scikit-learn": 2.0**-52,
    "Spark MLlib": 1e-15,
    "TFMA": 1e-7,
    "XGBoost": 1e-16,
}
Found = Any  # a number, None, or lists and mappings of them, as the peer has it


def rows_in(inputs: Mapping[str, Any]) -> Rows:
    """The rows of a case: a missing weight is 1; of two columns of probabilities the second one is meant."""
    classes = inputs.get("classes", [0, 1])
    positive = "yes" if "yes" in inputs["labels"] else classes[1]
    label = [value if isinstance(value, float) else float(value == positive) for value in inputs["labels"]]
    weights = inputs.get("weights")
    weight = None if weights is None else [1.0 if each is None else each for each in weights]
    if "logits" in inputs:
        return rows_of(label, inputs["logits"], weight, "logit")
    score = inputs.get("predictions") or [of_classes[1] for of_classes in inputs["probabilities"]]
    return rows_of(label, score, weight)


def numbers(case: Case, rows: Rows) -> dict[str, float | None]:
    """The metrics of rows under the peer's clip; None where undefined."""
    found = metrics_of_rows(rows, {**OPTIONS, "clip": CLIPS.get(case["peer"], OPTIONS["clip"])})
    return {name: value if reason is None else None for name, (value, reason) in found.items()}


def metric(name: str) -> Callable[[Case], Found]:
    """The metric of that name; of several tasks a list of them."""

    def found(case: Case) -> Found:
        inputs = case["inputs"]
        if "cases" in inputs or isinstance(inputs["labels"][0], list):
            return [numbers(case, rows_in(each))[name] for each in _tasks(inputs)]
        return numbers(case, rows_in(inputs))[name]

    return found


def _tasks(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "cases" in inputs:
        return list(inputs["cases"])
    return [dict(zip(inputs, values, strict=True)) for values in zip(*inputs.values(), strict=True)]


def by_group(case: Case) -> Found:
    rows, group = rows_in(case["inputs"]), np.array(case["inputs"]["group"])
    return {
        name: numbers(case, rows.take(np.flatnonzero(group == int(name))))["normalized_entropy"]
        for name in case["expected"]
    }


def of_merged_batches(case: Case) -> Found:
    rows = rows_in(case["inputs"])
    parts = [{(0, 0, 0, 0): sums_of(rows.take(batch))} for batch in case["inputs"]["batches"]]
    return metrics_from(merged(parts)[0, 0, 0, 0])["normalized_entropy"][0]


def ne_positive(case: Case) -> Found:
    rows = rows_in(case["inputs"])
    sums = sums_of(rows)
    return sums["positive_nll"] / sums["weight"] / metrics_from(sums)["label_entropy"][0]


def smoothed_log_loss(case: Case) -> Found:
    """Label smoothing makes soft labels, y (1 − s) + s / 2."""
    rows, smoothing = rows_in(case["inputs"]), case["inputs"]["label_smoothing"]
    label = rows.label * (1.0 - smoothing) + smoothing / 2.0
    return numbers(case, rows_of(label, rows.score, rows.weight))["log_loss"]


def means(case: Case) -> Found:
    found = numbers(case, rows_in(case["inputs"]))
    names = {"mean_label": "base_rate", "mean_prediction": "mean_score", "calibration": "predicted_over_actual"}
    return {output: found[name] for output, name in names.items()}


def root_mean_squared_error(case: Case) -> Found:
    return np.sqrt(metric("brier_score")(case))


def of_counts(case: Case) -> Rows:
    positives, size = case["inputs"]["positives"], case["inputs"]["rows"]
    return rows_of(np.arange(size) < positives, np.full(size, positives / size))


def hard_weight(rows: Rows) -> float:
    """The weight of rows whose score is 0 or 1."""
    return float(sum(units for name, units in sums_of(rows).items() if name.startswith("hard_")) / UNITS)


CLAIMS: dict[str, Callable[[Case], Found]] = {
    "normalized_entropy by group": by_group,
    "ne_positive": ne_positive,
    "weighted mean prediction": metric("mean_score"),
    "normalized_entropy": metric("normalized_entropy"),
    "normalized_entropy from logits": metric("normalized_entropy"),
    "normalized_entropy merged over 2 batches / 2 processes": of_merged_batches,
    "calibration": metric("predicted_over_actual"),
    "ctr": lambda case: metric("base_rate")(
        {**case, "inputs": {"predictions": case["inputs"]["labels"], **case["inputs"]}}
    ),
    "log_loss": metric("log_loss"),
    "log_loss from logits": metric("log_loss"),
    "log_loss with label smoothing": smoothed_log_loss,
    "mean label / mean prediction / calibration": means,
    "mean squared error (Brier)": metric("brier_score"),
    "brier": metric("brier_score"),
    "d2_log_loss = 1 - NE": metric("relative_information_gain"),
    "weighted rmse": root_mean_squared_error,
    'brier (VW "average loss", squared)': metric("brier_score"),
    "base-rate brier": lambda case: numbers(case, of_counts(case))["brier_score"],
    "base-rate entropy (the NE denominator)": lambda case: numbers(case, of_counts(case))["label_entropy"],
    "log_loss from its running table": metric("log_loss"),
    **tasks.PEER_CLAIMS,
    **bins.PEER_CLAIMS,
    **PEER_CLASS_CLAIMS,
    **CANDIDATES,
}
