"""How the cases of both reference files on groups of candidates are computed by us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.udfs.claims.cases import Case, doubles
from tests.udfs.rows.candidates import OPTIONS, Slate, metrics, slate, slates_by, terms, unrounded

Found = Any


def multi_positive(case: Case) -> Found:
    inputs = case["in"]
    one = slate(doubles(inputs["y"]), doubles(inputs["s"]))
    found, positives = unrounded([one]), sum(one.label)
    same = slate(np.ones(int(positives) or 1), np.zeros(int(positives) or 1))
    return {
        "sum_form = -sum s + m lse": found["softmax_cross_entropy_total"],
        "mean_form = /m": found["softmax_cross_entropy"],
        "floor m ln m": unrounded([same])["softmax_cross_entropy_total"],
        "one_of_form = lse(all)-lse(pos)": found["softmax_cross_entropy_one_of"],
        "each_vs_negatives": float(terms([one])["softmax_each_nll"][0]),
    }


def gauc(case: Case) -> Found:
    inputs = case["in"]
    users = slates_by(inputs["user"], inputs["y"], inputs["p"])
    found, sums = unrounded(users, "probability"), terms(users, "probability")
    of_user = [unrounded([user], "probability")["grouped_auc"] for user in users]
    return {
        "per_user": dict(zip(np.unique(inputs["user"]).tolist(), of_user, strict=True)),
        "gauc_by_impressions": found["grouped_auc"],
        "gauc_by_clicks": found["grouped_auc_by_positives"],
        "gauc_unweighted": found["grouped_auc_by_group"],
        "users_used": float(sums["two_class_weight"].sum()),
        "users_skipped": float(len(users) - sums["two_class_weight"].sum()),
    }


def pairwise_logistic(case: Case) -> Found:
    inputs = case["in"]
    if "s_pos" in inputs:
        return {"pairs": _pairs(zip(inputs["s_pos"], inputs["s_neg"], strict=True))}
    label, score = doubles(inputs["y"]), doubles(inputs["s"])
    pairs = _pairs((positive, negative) for positive in score[label == 1.0] for negative in score[label == 0.0])
    mean = unrounded([slate(label, score)])["pairwise_logistic_loss"]
    assert mean is not None
    return {"pairs": pairs, "sum": mean * pairs.size, "mean_over_pairs": mean}


def _pairs(scores: Any) -> np.ndarray:
    return terms([slate([1, 0], pair) for pair in scores])["pairwise_logistic_nll"]


def listnet_top1(case: Case) -> Found:
    found = unrounded([slate(case["in"]["y"], case["in"]["s"])])
    return {"ce with target y/sum(y)": found["listnet_loss"]}


def ndcg(case: Case) -> Found:
    k = float(case["in"]["k"])
    found = unrounded([slate(case["in"]["rel"], case["in"]["s"])], options={**OPTIONS, "k": (k,)})
    return {"exp2_gain": found[f"ndcg@{k:g}"], "linear_gain": found[f"ndcg_linear@{k:g}"]}


def by_rank(case: Case) -> Found:
    found = unrounded([slate(labels, -np.arange(len(labels))) for labels in case["in"]["ranked_labels"]])
    return {
        "mrr_all_lists": found["mrr_all"],
        "mrr_nonempty_lists": found["mrr"],
        "map_nonempty_lists": found["mean_average_precision"],
        "hit@1": found["hit_rate_all@1"],
        "recall@2_nonempty": found["recall@2"],
        "precision@2_all": found["precision_all@2"],
    }


def number(slates: Sequence[Slate], name: str) -> float | None:
    value, reason = metrics(slates)[name]
    return value if reason is None else None


def grouped(inputs: Mapping[str, Any]) -> list[Slate]:
    """The groups of a peer's case; the weight of a row is how many rows it stands for, in units of 10⁻⁴."""
    times = np.rint(np.array(inputs["weights"]) * 1e4).astype(int)
    return slates_by(inputs["group"], inputs["labels"], inputs["predictions"], times // np.gcd.reduce(times))


def mean_group_auc(case: Case) -> Found:
    """The peer counts a group of one class as 0.5."""
    slates = grouped(case["inputs"])
    share = number(slates, "grouped_auc_by_group_left_out")
    assert share is not None
    return (number(slates, "grouped_auc_by_group") or 0.0) * (1.0 - share) + 0.5 * share


def session_auc(case: Case) -> Found:
    """The peer drops sessions of one prediction, and says 0.5 where it has none."""
    inputs = case["inputs"]
    session = np.repeat(np.arange(len(inputs["session_lengths"])), inputs["session_lengths"])
    slates = slates_by(session, inputs["labels"], inputs["predictions"])
    slates = [one for one in slates if len(set(one.score)) > 1]
    used = terms(slates)["two_class_weight"].sum()
    found = number(slates, "grouped_auc_by_group")
    return {"gauc": 0.5 if found is None else found, "effective_groups": used}


def weighted_ndcg(case: Case) -> Found:
    queries = case["inputs"]["queries"]
    slates = [slate(query["gain"], query["prediction"], query["weight"]) for query in queries]
    return {f"@{k}": number(slates, f"ndcg_linear@{k}") for k in (1, 2)}


REFERENCE_CLAIMS = {
    "multi_positive_softmax_ce": multi_positive,
    "mrr": by_rank,
    **{each.__name__: each for each in (gauc, pairwise_logistic, listnet_top1, ndcg)},
}
PEER_CLAIMS = {
    "grouped AUC": mean_group_auc,
    "grouped AUPRC": lambda case: number(grouped(case["inputs"]), "grouped_average_precision"),
    "session AUC (GAUC)": session_auc,
    "weighted mean NDCG@1 and @2 over queries": weighted_ndcg,
}
