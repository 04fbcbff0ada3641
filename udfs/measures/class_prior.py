"""The classes of a slice: how often each occurs, how often the model expects it, and what is measured against that."""

from udfs.exact import numerics
from udfs.exact.numerics import ratio
from udfs.measure import metric, statistic
from udfs.measures.baselines import against, gained


@statistic(unit="weight", over="classes")
def class_weight(weight, class_share):
    """Weight of the labels of a class, Σ w·q_k."""
    return weight * class_share


@statistic(unit="weight", over="classes")
def class_score_sum(weight, class_score):
    """Sum of the weighted scores of a class, Σ w·p_k: the weight that the model expects it to have."""
    return weight * class_score


@metric(unit="nats", over="classes")
def label_entropy(class_weight):
    """Entropy of the class shares of the labels, H(q) = −Σ_k q_k ln q_k, from the weights. 0 for one class.

    >>> round(label_entropy([1, 1, 2]), 4)
    1.0397
    """
    return numerics.class_entropy(class_weight[None])


@metric(unit="nats", over="classes", better="less")
def kl_calibration(class_weight, class_score_sum, weight):
    """Calibration in the large: KL(q ‖ p̄) of the class shares q from the mean scores p̄.

    Never negative, 0 iff q = p̄. Where the p̄_k do not add up to 1 it is Σ_k [p̄_k − q_k − q_k ln(p̄_k / q_k)].

    >>> round(kl_calibration([1, 1, 2], [2, 1, 1], 4), 4)
    0.1733
    """
    return numerics.kl_classes(ratio(class_weight[None], weight), ratio(class_score_sum[None], weight))


@metric(unit="1", over="classes", better="less")
def normalized_entropy(class_nll, class_weight, weight):
    """Log loss over the label entropy of the same slice: below 1 the model beats its class shares.

    >>> round(normalized_entropy(2, [1, 1, 2], 4), 4)
    0.4809
    """
    return against(ratio(class_nll, weight), numerics.class_entropy(class_weight[None]))


@metric(unit="1", over="classes", better="more")
def relative_information_gain(class_nll, class_weight, weight):
    """Share of the label entropy that the model explains, (H − log loss) / H = 1 − normalized entropy.

    >>> round(relative_information_gain(2, [1, 1, 2], 4), 4)
    0.5191
    """
    return gained(ratio(class_nll, weight), numerics.class_entropy(class_weight[None]))
