"""What we compute for the cases of product scores, corrections, value prediction and discrimination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tests.udfs.claims.cases import Case, Claim, doubles, evaluation
from tests.udfs.rows.binary import OPTIONS, metrics_of_rows, rows_of, sums_of
from tests.udfs.rows.regression import metrics_of_values
from udfs.catalog import columns_of
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import UNITS
from udfs.exact.kernels import STRICT
from udfs.exact.sums import exact_sum
from udfs.examples.corrections import recalibrated_logit, recalibrated_probability
from udfs.examples.products import product_examples

Claims = Mapping[str, "Claim | FloatArray | float | None"]


def esmm(case: Case) -> Claims:
    """Clicks and clicks that convert over all impressions, and conversions over clicks."""
    inputs = case["in"]
    clicked = doubles(inputs["click"]) == 1.0
    ctr = evaluation(rows_of(inputs["click"], inputs["pctr"]))
    conversions = rows_of(inputs["conv"], inputs["pcvr"])
    cvr = evaluation(conversions.take(clicked))
    outside = replace(conversions, label=np.where(clicked, conversions.label, np.nan))
    assert sums_of(outside) == sums_of(conversions.take(clicked))
    factors = [doubles(inputs["pctr"]), doubles(inputs["pcvr"])]
    examples = product_examples(doubles(inputs["conv"]), np.ones(clicked.size), factors, ["probability"] * 2)
    statistics = columns_of("binary", OPTIONS)
    units = sum(exact_sum(statistics[name].of(examples)) for name in ("positive_nll", "negative_nll"))
    ctcvr = units / UNITS / clicked.size
    return {
        "ctr_loss": ctr.claim("log_loss"),
        "ctcvr_loss": ctcvr,
        "esmm_loss": ctr.metrics["log_loss"][0] + ctcvr,
        "cvr_loss_clicked_only": cvr.claim("log_loss"),
    }


def ctcvr_loss_logit(case: Case) -> Claims:
    factors = [doubles(case["in"][name]) for name in ("z_ctr", "z_cvr")]
    found = product_examples(np.array([0.5]), np.ones(1), factors, ["logit", "logit"])
    return {"y1": float(found["positive_loss"][0]), "y0": float(found["negative_loss"][0])}


def downsample_recalibration(case: Case) -> Claims:
    p, (rate,) = doubles(case["in"]["p"]), doubles(case["in"]["w"]).tolist()
    q, _ = recalibrated_probability(p, rate)
    logit = recalibrated_logit(STRICT.log(p) - STRICT.log1p(-p), rate)
    back, _ = recalibrated_probability(q, 1.0 / rate)
    return {"q": float(q[0]), "logit_q = logit_p + ln w": float(logit[0]), "inverse: p from q": float(back[0])}


def discrimination(case: Case) -> Any:
    found = metrics_of_rows(rows_of(case["inputs"]["labels"], case["inputs"]["predictions"]))
    numbers = {name: value if reason is None else None for name, (value, reason) in found.items()}
    return {"difference": numbers["tjur_r2"], "ratio": numbers["tjur_ratio"]}


def mean_squared_error(case: Case) -> Any:
    return metrics_of_values(case["inputs"]["labels"], case["inputs"]["predictions"])["mean_squared_error"][0]


def errors_of_joined_ratings(case: Case) -> Any:
    """Rows of both sides by user and item; a pair that one side lacks is no row."""
    truth, predictions = case["inputs"]["truth"], case["inputs"]["predictions"]
    label = dict(zip(zip(truth["user"], truth["item"], strict=True), truth["rating"], strict=True))
    score = dict(
        zip(zip(predictions["user"], predictions["item"], strict=True), predictions["prediction"], strict=True)
    )
    both = [key for key in label if key in score]
    found = metrics_of_values([label[key] for key in both], [score[key] for key in both])
    errors = {"rmse": found["root_mean_squared_error"][0], "mae": found["mean_absolute_error"][0]}
    return {"matched": len(both), **errors}


CLAIMS: dict[str, Callable[[Case], Claims]] = {
    each.__name__: each for each in (ctcvr_loss_logit, downsample_recalibration, esmm)
}
PEER_CLAIMS: dict[str, Callable[[Case], Any]] = {
    "mean prediction of positives minus / over that of negatives": discrimination,
    "mean squared error": mean_squared_error,
    "inner join on (user,item), then rmse / mae": errors_of_joined_ratings,
}
