"""How the cases of the reference files that follow from score bins are computed by us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.udfs.claims.cases import Case, doubles
from tests.udfs.rows.binary import Rows, rows_of
from tests.udfs.rows.bins import OPTIONS, columns_of, metrics_of_bins
from udfs.exact.arrays import FloatArray
from udfs.examples.bins import Binning
from udfs.measures.bins.reliability import CalibrationCurve, calibration_curve
from udfs.measures.bins.thresholds import Confusion, confusion

Found = Any
SCORES = ("p", "s", "predictions")


def drawn(inputs: Mapping[str, Any]) -> Rows:
    """The rows of a case of either file; weights that are not to be used are not."""
    label, score = (inputs[next(name for name in names if name in inputs)] for names in (("y", "labels"), SCORES))
    weight = inputs.get("weights" if "labels" in inputs else "w")
    return rows_of(doubles(label), doubles(score), weight if inputs.get("weighted", True) else None)


def defined(value: float) -> float | None:
    return None if np.isnan(value) else value


def numbers(inputs: Mapping[str, Any], **options: float) -> dict[str, float | None]:
    """The metrics of bins that hold one score each; None where undefined."""
    found = metrics_of_bins(drawn(inputs), options={**OPTIONS, **options})
    return {name: defined(value) for name, value in found.items()}


def confusion_of(rows: Rows, threshold: float) -> Confusion:
    columns = columns_of(rows, Binning(rows.scale, thresholds=(threshold,)))
    return confusion(columns["low"], columns["positive_weight"], columns["negative_weight"], threshold)


def curve_of(rows: Rows, bins: int) -> CalibrationCurve:
    columns = columns_of(rows, Binning(rows.scale, calibration_bins=bins))
    names = ("low", "positive_weight", "negative_weight", "score_sum")
    return calibration_curve(*(columns[name] for name in names), calibration_bins=bins)


def trapezoid(rows: Rows) -> float:
    """The area under straight lines between precisions, too high by as much: what MLlib has, out of our counts."""
    points = [confusion_of(rows, t) for t in np.unique(rows.score)[::-1]]
    recall = np.array([0.0, *(p.true_positive / (p.true_positive + p.false_negative) for p in points)])
    precision = np.array([p.true_positive / (p.true_positive + p.false_positive) for p in points])
    from_first = np.concatenate([precision[:1], precision])
    return float(np.sum(np.diff(recall) * (from_first[1:] + from_first[:-1]) / 2.0))


def auc(case: Case) -> Found:
    found = numbers(case["in"])
    names = {"auc": "auc", "tie_mass = half_width": "auc_half_width", "average_precision": "average_precision"}
    return {output: found[name] for output, name in names.items()} | {"pr_auc_trapezoid": trapezoid(drawn(case["in"]))}


def precision_recall_f1(case: Case) -> Found:
    threshold, rows = case["in"]["threshold"], drawn(case["in"])
    counts = confusion_of(rows, threshold)
    tp, fp, fn, tn = counts
    found = numbers(case["in"], threshold=threshold)
    ours = {name: found[f"{name}@{threshold}"] for name in ("precision", "recall", "f1")}
    derived = {"f2": 5.0 * tp / (5.0 * tp + 4.0 * fn + fp), "accuracy": (tp + tn) / sum(counts)}
    return {"tp": tp, "fp": fp, "fn": fn, "tn": tn, **ours, **derived}


def calibration(case: Case) -> Found:
    """The outputs of a case of calibration, and of Murphy's decomposition, that need bins."""
    found, curve = numbers(case["in"]), curve_of(drawn(case["in"]), 10)
    used = np.flatnonzero(curve.weight)
    table = np.stack([used, curve.weight[used], curve.label[used], curve.score[used]], axis=1)
    return {
        "ece10": found["expected_calibration_error"],
        "mce10": found["maximum_calibration_error"],
        "bins [k,w,mean_y,mean_p]": table,
        "reliability": found["brier_reliability"],
        "resolution": found["brier_resolution"],
    }


def of_tasks(name: str) -> Callable[[Case], Found]:
    """The metric of that name; of several tasks a list of them."""

    def found(case: Case) -> Found:
        inputs = case["inputs"]
        if not isinstance(inputs["labels"][0], list):
            return numbers(inputs)[name]
        tasks = zip(inputs["labels"], inputs["predictions"], strict=True)
        return [numbers({"labels": labels, "predictions": scores})[name] for labels, scores in tasks]

    return found


def mean_by_group(case: Case) -> Found:
    """The average precision of each group alone, and the mean of those."""
    rows, group = drawn(case["inputs"]), np.array(case["inputs"]["group"])
    of_groups = [metrics_of_bins(rows.take(group == each))["average_precision"] for each in np.unique(group)]
    return float(np.mean(of_groups))


def at_threshold(case: Case) -> Found:
    threshold, rows = case["inputs"]["threshold"], drawn(case["inputs"])
    found, counts = numbers(case["inputs"], threshold=threshold), confusion_of(rows, threshold)
    accuracy = (counts.true_positive + counts.true_negative) / sum(counts)
    ours = {name: found[f"{name}@{threshold}"] for name in ("precision", "recall")}
    return {"accuracy": accuracy, **ours}


def confusion_counts(case: Case) -> Found:
    tp, fp, fn, tn = confusion_of(drawn(case["inputs"]), 0.5)
    return {"tp": tp, "fp": fp, "tn": tn, "fn": fn}


def areas_by_threshold(case: Case) -> Found:
    return {"auc": numbers(case["inputs"])["auc"], "aupr": trapezoid(drawn(case["inputs"]))}


def curve(case: Case) -> Found:
    found = curve_of(drawn(case["inputs"]), case["inputs"]["bins"])
    means: dict[str, FloatArray] = {"fraction": found.label, "mean": found.score}
    return {name: means[name].tolist() for name in case["expected"]}


def calibration_errors(case: Case) -> Found:
    bins = case["inputs"]["bins"]
    found, groups = numbers(case["inputs"], calibration_bins=bins), curve_of(drawn(case["inputs"]), bins)
    squared = np.sum(groups.weight * (groups.label - groups.score) ** 2) / np.sum(groups.weight)
    errors = {"l1": found["expected_calibration_error"], "max": found["maximum_calibration_error"]}
    return {**errors, "l2": float(np.sqrt(squared))}


CLAIMS: dict[str, Callable[[Case], Found]] = {
    "auc": auc,
    "delong": lambda case: {"auc": numbers(case["in"])["auc"]},
    "precision_recall_f1": precision_recall_f1,
}
PEER_CLAIMS: dict[str, Callable[[Case], Found]] = {
    "AUC": of_tasks("auc"),
    "AUPRC": of_tasks("average_precision"),
    "grouped AUPRC": mean_by_group,
    "weighted accuracy / precision / recall at a threshold": at_threshold,
    "confusion counts": confusion_counts,
    "area under ROC / PR by threshold": areas_by_threshold,
    "calibration curve, 2 equal-width bins": curve,
    "calibration curve, 4 equal-width bins": curve,
    "expected calibration error (l1), its l2 form, and the maximum": calibration_errors,
    "expected calibration error (l1)": lambda case: calibration_errors(case)["l1"],
}
