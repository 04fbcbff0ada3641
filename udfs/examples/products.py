"""Binary examples whose score is a product of scores: pCTCVR = pCTR·pCVR over all impressions (ESMM).

Everything comes from the losses of the factors. With tᵢ = −ln pᵢ and t = Σ tᵢ, the loss of a positive is t and that
of a negative −ln(1 − e⁻ᵗ): both have all their digits where the product itself underflows to 0 or rounds to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.kernels import STRICT, Kernel, log1mexp
from udfs.examples.binary import Examples, from_score, placed, usable

_TINY = 2.0**-960  # below it t has lost digits, and each pᵢ is 1 − cᵢ with −ln pᵢ = cᵢ


def product_examples(
    label: FloatArray,
    weight: FloatArray,
    scores: Sequence[FloatArray],
    scales: Sequence[str],
    *,
    kernel: Kernel = STRICT,
) -> Examples:
    """The columns of binary examples, each (n,), for the score Π pᵢ.

    A row is hard only where a factor is exactly 0, or all are exactly 1. A NaN in any factor makes the row
    unusable. Source: ESMM, arXiv:1804.07931; log(1 − e⁻ᵗ) by Mächler, 2012.

    Args:
        label: y in [0, 1], (n,): 1 where all the events of the factors happened.
        weight: w ≥ 0, (n,).
        scores: The factors, each (n,), as `binary_examples` takes them; of two, whose logits are in range, any term is
            below 2⁴⁰.
        scales: `probability` or `logit`, one for each factor.
        kernel: The logarithms to use.
    """
    columns, scores = usable(label, weight, scores)
    # A label of 1 asks a factor for its loss −ln pᵢ in every row; both losses of the product are made of it.
    ones = np.ones(label.size)
    factors = [from_score(scale)(ones, score, kernel) for score, scale in zip(scores, scales, strict=True)]
    loss, zero, one = np.zeros(label.size), np.zeros(label.size), ones
    for factor in factors:
        loss = loss + factor["positive_loss"]
        zero, one = np.maximum(zero, factor["score_is_zero"]), one * factor["score_is_one"]
    soft = (zero == 0.0) & (one == 0.0)
    parts = {"negative_loss": columns["label"] < 1.0, "complement_loss": columns["label"] > 0.0}
    complements = {
        name: _complement_loss(loss, np.flatnonzero(part & soft), scores, scales, kernel)
        for name, part in parts.items()
    }
    return {
        **columns,
        **_product(factors),
        "positive_loss": np.where(soft, loss, 0.0),
        **complements,
        "score_is_zero": zero,
        "score_is_one": one,
    }


def _product(factors: Sequence[Examples]) -> Examples:
    """The product and its complement, 1 − p·q = (1 − p) + p·(1 − q): a sum of positive terms never cancels."""
    score, complement = factors[0]["score"], factors[0]["complement"]
    for factor in factors[1:]:
        complement = complement + score * factor["complement"]
        score = score * factor["score"]
    return {"score": score, "complement": complement}


def _complement_loss(
    loss: FloatArray, rows: IntArray, scores: Sequence[FloatArray], scales: Sequence[str], kernel: Kernel
) -> FloatArray:
    """The loss −ln(1 − e⁻ᵗ) of some rows, 0 in all others, (n,); t is their `loss` as positives."""
    found = placed(-log1mexp(np.maximum(loss[rows], _TINY), kernel=kernel), rows, loss.size)
    tiny = rows[loss[rows] < _TINY]
    if tiny.size:
        found[tiny] = _near_one([score[tiny] for score in scores], scales, kernel)
    return found


def _near_one(scores: Sequence[FloatArray], scales: Sequence[str], kernel: Kernel) -> FloatArray:
    """The loss −ln Σ cᵢ of a negative where all complements cᵢ are tiny, (rows,), from their logarithms."""
    zeros = np.zeros(scores[0].size)
    factors = [from_score(scale)(zeros, score, kernel) for score, scale in zip(scores, scales, strict=True)]
    logs = [np.where(factor["score_is_one"] == 1.0, np.inf, factor["negative_loss"]) for factor in factors]
    least = logs[0]
    for log in logs[1:]:
        least = np.minimum(least, log)
    total = zeros
    for log in logs:
        total = total + kernel.exp(least - log)
    return least - kernel.log(total)
