"""How the multi-class cases of both reference files are computed by us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.udfs.claims.cases import Case, Claim, doubles
from tests.udfs.references.binary import value_and_bound
from tests.udfs.references.classes import CLASS_REFERENCES, exact_classes
from tests.udfs.rows.classes import CLASS_OPTIONS, ClassRows, class_rows, class_terms, metrics_of_class_rows
from udfs.exact import numerics
from udfs.exact.arrays import FloatArray

Claims = Mapping[str, "Claim | FloatArray | float | None"]
PEER_CLIPS = {"TFMA": 1e-7, "scikit-learn": 2.0**-52, "Spark MLlib": 1e-15, "XGBoost": 1e-16, "Vowpal Wabbit": 1e-15}


def claim(rows: ClassRows, name: str) -> Claim:
    """A metric, within the bound of its sums' error."""
    value, reason = metrics_of_class_rows(rows)[name]
    return Claim(None if reason else value, *value_and_bound(CLASS_REFERENCES[name], exact_classes(rows)))


def multiclass_log_loss(case: Case) -> Claims:
    inputs = case["in"]
    rows = class_rows(inputs["y_sparse"], inputs["p"])
    weighted = claim(rows.weighing(inputs["w"]), "log_loss")
    return {"rows": class_terms(rows)["class_nll"], "mean": claim(rows, "log_loss"), "weighted_mean": weighted}


def cross_entropy(case: Case) -> Claims:
    rows = class_rows(doubles(case["in"]["q"])[None], doubles(case["in"]["p"])[None])
    return {"ce": float(class_terms(rows)["class_nll"][0])}


def softmax_ce_logits(case: Case) -> Claims:
    rows = class_rows([case["in"]["label"]], doubles(case["in"]["s"])[None], scale="logit")
    return {"loss": float(class_terms(rows)["class_nll"][0])}


def entropy(case: Case) -> Claims:
    return {"nats": float(numerics.class_entropy(doubles(case["in"]["q"])[None])[0])}


CLASS_CLAIMS: dict[str, Callable[[Case], Claims]] = {
    each.__name__: each for each in (multiclass_log_loss, cross_entropy, softmax_ce_logits, entropy)
}


def peer_metric(name: str) -> Callable[[Case], Any]:
    """The metric under the peer's clip; of the convention "sum instead of mean" the total."""

    def found(case: Case) -> Any:
        inputs = case["inputs"]
        scale = "logit" if "logits" in inputs else "probability"
        scores = np.array(inputs.get("logits") or inputs["probabilities"])
        rows = class_rows(inputs.get("labels_onehot") or inputs["labels"], scores, inputs.get("weights"), scale)
        metrics = metrics_of_class_rows(rows, {**CLASS_OPTIONS, "clip": PEER_CLIPS[case["peer"]]})
        return metrics["log_loss_total" if case["convention"].startswith("sum instead of mean") else name][0]

    return found


PEER_CLASS_CLAIMS: dict[str, Callable[[Case], Any]] = {
    "multi-class log_loss": peer_metric("log_loss"),
    "multi-class log_loss from logits": peer_metric("log_loss"),
    "multi-class log_loss, integer label": peer_metric("log_loss"),
    "multi-class log_loss and error rate, 4 classes": lambda case: {"log_loss": peer_metric("log_loss")(case)},
}
