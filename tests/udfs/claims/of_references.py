"""How each kind of case of `tests/reference/reference_values.json` is computed by us: output by output."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from mpmath import mp, mpf

from tests.udfs.claims import bins, tasks
from tests.udfs.claims.candidates import REFERENCE_CLAIMS as CANDIDATES
from tests.udfs.claims.cases import Case, Claim, Evaluation, doubles, evaluation, terms
from tests.udfs.claims.classes import CLASS_CLAIMS
from tests.udfs.references.baselines import REFERENCES as REFERENCES_AGAINST
from tests.udfs.references.baselines import against_prior, lost
from tests.udfs.references.binary import REFERENCES, Exact, nll
from tests.udfs.rows.binary import Rows, rows_of
from udfs.exact import numerics
from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import softplus
from udfs.measures.baselines import constant_baseline

Claims = Mapping[str, "Claim | FloatArray | float | None"]
NLL, FOCAL = ("positive_nll", "negative_nll"), ("positive_focal", "negative_focal")
LN2 = mp.log(2)


def drawn(case: Case) -> Rows:
    """The rows of a case."""
    inputs = case["in"]
    return rows_of(doubles(inputs["y"]), doubles(inputs["p"]), inputs.get("w"))


def log_loss_prob(case: Case) -> Claims:
    it = evaluation(drawn(case), clip=0.0)
    bits = it.of(it.metrics["log_loss"][0] / float(LN2), lambda e: nll(e) / e.sum(1) / LN2)
    whole = {"sum": it.claim("log_loss_total"), "mean": it.claim("log_loss"), "mean_bits": bits}
    return {"rows": terms(it.rows, NLL), **whole}


def log_loss_clip(case: Case) -> Claims:
    if "clamp_log" in case["in"]:
        least = -case["in"]["clamp_log"]
        it = evaluation(rows_of([1.0], [0.0]), clip=np.exp(-least))
        return {"p0_y1": it.of(it.number("log_loss"), lambda e: mpf(least))}
    eps = case["in"]["eps"]

    def of(label: float, score: float) -> Claim:
        return evaluation(rows_of([label], [score]), clip=eps).claim("log_loss")

    names = {"p0_y1 = -log(eps)": of(1.0, 0.0), "p0_y0 = -log1p(-eps)": of(0.0, 0.0)}
    return names | {"p1_y0 with hi = fl64(1-eps)": of(0.0, 1.0 - eps)}


def log_loss_logit(case: Case) -> Claims:
    z = doubles(case["in"]["z"])
    rows = rows_of(np.broadcast_to(case["in"]["y"], z.shape), z, scale="logit")
    # Some logits are larger than those that a row may have: the kernel takes them all the same.
    mean = {"mean": evaluation(rows).claim("log_loss")} if "mean" in case["out"] else {}
    return {"rows": terms(rows, NLL), **mean}


def logistic_loss_pm1(case: Case) -> Claims:
    label = (doubles(case["in"]["y"]) + 1.0) / 2.0
    return log_loss_logit({**case, "in": {"y": label, "z": case["in"]["z"]}})


def weighted_log_loss(case: Case) -> Claims:
    it = evaluation(drawn(case))
    n = it.sum("n")
    by_n = it.of(it.metrics["log_loss_total"][0] / n, lambda e: nll(e) / n)
    return {"sum_w_loss": it.claim("log_loss_total"), "mean_by_sum_w": it.claim("log_loss"), "mean_by_n": by_n}


def alpha_log_loss(case: Case) -> Claims:
    it = evaluation(drawn(case), alpha=case["in"]["alpha"])
    return {
        "mean_by_n (seed 000)": it.claim("weighted_log_loss"),
        "mean_by_sum_w": it.claim("weighted_log_loss_balanced"),
    }


def focal_loss(case: Case) -> Claims:
    """Without a class weight our metric; with one, its two statistics weighted apart."""
    alpha, gamma = case["in"]["alpha"], case["in"]["gamma"]
    rows = drawn(case)
    it = evaluation(rows, gamma=gamma)
    if alpha is None:
        return {"rows": terms(rows, FOCAL, {"gamma": gamma}), "mean_by_n": it.claim("focal_loss")}
    share = np.where(rows.label == 1.0, alpha, 1.0 - alpha)
    weighed = evaluation(rows.weighing(share), gamma=gamma)
    total = weighed.sum(f"positive_focal_g{gamma:g}") + weighed.sum(f"negative_focal_g{gamma:g}")
    mean = weighed.of(total / rows.label.size, lambda e: REFERENCES["focal_loss"](e) * e.sum(1) / rows.label.size)
    return {"rows": terms(weighed.rows, FOCAL, {"gamma": gamma}), "mean_by_n": mean}


def binary_entropy(case: Case) -> Claims:
    q = doubles(case["in"]["q"])
    found = float(numerics.binary_entropy(q, 1.0 - q)[0])
    return {"nats": found, "bits": found / float(LN2)}


def binary_entropy_counts(case: Case) -> Claims:
    positives, negatives = case["in"]["pos"], case["in"]["neg"]
    label = np.repeat([1.0, 0.0], [positives, negatives])
    return {"nats": evaluation(rows_of(label, np.full(label.size, 0.5))).claim("label_entropy")}


def binary_kl(case: Case) -> Claims:
    q, p = doubles(case["in"]["q"]), doubles(case["in"]["p"])
    entropy, divergence = float(numerics.binary_entropy(q, 1.0 - q)[0]), float(numerics.kl(q, p)[0])
    return {"H": entropy, "CE": entropy + divergence, "KL": divergence}


def kl_of_classes(case: Case) -> Claims:
    q, p = doubles(case["in"]["q"])[None], doubles(case["in"]["p"])[None]
    return {"KL": float(numerics.kl_classes(q, p)[0]), "KL_reversed": float(numerics.kl_classes(p, q)[0])}


def normalized_entropy(case: Case) -> Claims:
    it = evaluation(drawn(case))
    names = {"base_rate": "base_rate", "log_loss": "log_loss", "entropy": "label_entropy", "NE": "normalized_entropy"}
    found = {output: it.claim(name) for output, name in names.items()}
    found |= {"RIG = 1-NE": it.claim("relative_information_gain"), "RCE_percent": it.claim("relative_cross_entropy")}
    return {"n": it.sum("n"), "sum_w": it.sum("weight"), **found, **_against_prior(it, case["in"].get("prior"))}


def _against_prior(it: Evaluation, prior: float | None) -> Claims:
    if prior is None:
        return {}
    found, p = against_prior(it.rows, prior), mpf(prior)
    weights = (np.array([it.sum(name)]) for name in ("positive_weight", "negative_weight"))
    baseline = float(constant_baseline(*weights, np.array([prior]))[0]) / it.sum("weight")
    references = {name: REFERENCES_AGAINST[name](p) for name in ("normalized_entropy", "normalized_entropy_he2014")}
    ne, he2014 = (it.of(found[f"{name}[total]"][0], reference) for name, reference in references.items())
    return {
        "CE(base|prior)": it.of(baseline, lambda e: lost(e, p) / e.sum(1)),
        "NE_vs_constant_prior = LL/CE(q,prior)": ne,
        "NE_He2014 = LL/H(prior)": he2014,
    }


def calibration(case: Case) -> Claims:
    it = evaluation(drawn(case))
    q, brier = it.metrics["base_rate"][0], it.metrics["brier_score"][0]
    return {
        "brier": it.claim("brier_score"),
        "rmse": it.of(np.sqrt(brier), lambda e: mp.sqrt(REFERENCES["brier_score"](e))),
        "brier_skill = 1-brier/(q(1-q))": it.of(1.0 - brier / (q * (1.0 - q)) if q else None, _skill),
        "calibration = sum p/sum y": it.claim("predicted_over_actual"),
        "mae": it.claim("mean_absolute_error"),
        "bias = mean p - mean y": it.claim("calibration_bias"),
        "log_calibration": it.claim("log_calibration"),
        "uncertainty": it.of(q * (1.0 - q), lambda e: e.sum(e.y) * e.sum(1 - e.y) / e.sum(1) ** 2),
        **bins.calibration(case),
    }


def _skill(e: Exact) -> mpf:
    return 1 - REFERENCES["brier_score"](e) * e.sum(1) ** 2 / (e.sum(e.y) * e.sum(1 - e.y))


def demo(case: Case) -> Claims:
    """Two remarks of numerics: the softplus of large logits, and the score that minimises the α-weighted loss."""
    if "z" in case["in"]:
        return {"softplus(z)": softplus(doubles(case["in"]["z"]))}
    q, alpha = case["in"]["q"], case["in"]["alpha"]
    best = alpha * q / (alpha * q + (1.0 - q))
    losses = [
        evaluation(rows_of([q], [score]), alpha=alpha).metrics["weighted_log_loss"][0]
        for score in (best * (1 - 1e-4), best, best * (1 + 1e-4))
    ]
    assert losses[1] < min(losses[0], losses[2])
    return {"argmin p": best}


def standard_error(case: Case) -> Claims:
    it = evaluation(rows_of(case["in"]["y"], case["in"]["pA"]))
    return {"log_loss": it.claim("log_loss"), "calibration": it.claim("predicted_over_actual")}


CLAIMS: dict[str, Callable[[Case], Claims]] = {
    "binary_entropy": binary_entropy,
    "binary_entropy_counts": binary_entropy_counts,
    "binary_kl": binary_kl,
    "brier_decomposition": calibration,
    "kl": kl_of_classes,
    **{each.__name__: each for each in (alpha_log_loss, calibration, demo, focal_loss, log_loss_clip)},
    **{each.__name__: each for each in (log_loss_logit, log_loss_prob, logistic_loss_pm1, normalized_entropy)},
    **{each.__name__: each for each in (standard_error, weighted_log_loss)},
    **tasks.CLAIMS,
    **bins.CLAIMS,
    **CLASS_CLAIMS,
    **CANDIDATES,
}
