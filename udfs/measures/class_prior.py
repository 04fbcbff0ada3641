"""The classes of a slice: how often each occurs, how often the model expects it, and what is measured against that."""

import numpy as np

from udfs.exact import numerics
from udfs.measure import FloatArray, class_metric, class_statistic


@class_statistic(unit="weight")
def class_weight(weight: FloatArray, class_share: FloatArray) -> FloatArray:
    """Weight of the labels of a class, Σ w·q_k."""
    return weight * class_share


@class_statistic(unit="weight")
def class_score_sum(weight: FloatArray, class_score: FloatArray) -> FloatArray:
    """Sum of the weighted scores of a class, Σ w·p_k: the weight that the model expects it to have."""
    return weight * class_score


@class_metric(unit="nats")
def label_entropy(class_weight: FloatArray) -> float:
    """Entropy of the class shares of the labels, H(q) = −Σ_k q_k ln q_k, from the weights. 0 for one class."""
    return float(numerics.class_entropy(class_weight[None])[0])


@class_metric(unit="nats")
def kl_calibration(class_weight: FloatArray, class_score_sum: FloatArray, weight: float) -> float:
    """Calibration in the large: KL(q ‖ p̄) of the class shares q from the mean scores p̄.

    Never negative, 0 iff q = p̄. Where the p̄_k do not add up to 1 it is Σ_k [p̄_k − q_k − q_k ln(p̄_k / q_k)].
    """
    if weight == 0.0:
        return np.nan
    return float(numerics.kl_classes(class_weight[None] / weight, class_score_sum[None] / weight)[0])


@class_metric(unit="1")
def normalized_entropy(class_nll: float, class_weight: FloatArray, weight: float) -> float:
    """Log loss over the label entropy of the same slice: below 1 the model beats its class shares."""
    loss = numerics.ratio(np.array([class_nll]), np.array([weight]))
    return float(numerics.ratio(loss, numerics.class_entropy(class_weight[None]))[0])


@class_metric(unit="1")
def relative_information_gain(class_nll: float, class_weight: FloatArray, weight: float) -> float:
    """Share of the label entropy that the model explains, (H − log loss) / H = 1 − normalized entropy."""
    entropy = numerics.class_entropy(class_weight[None])
    loss = numerics.ratio(np.array([class_nll]), np.array([weight]))
    return float(numerics.ratio(entropy - loss, entropy)[0])
