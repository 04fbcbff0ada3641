"""Entropy of the labels and what is measured against it."""

import numpy as np

from udfs.exact import numerics
from udfs.exact.numerics import ratio
from udfs.measure import metric
from udfs.measures import binary
from udfs.measures.baselines import against, gained


@metric(unit="nats")
def label_entropy(positive_weight, negative_weight):
    """Entropy of the base rate, H(q) = −q ln q − (1 − q) ln(1 − q), from both class weights. 0 for one class.

    >>> round(label_entropy(2, 6), 4)
    0.5623
    """
    return numerics.binary_entropy(positive_weight, negative_weight)


@metric(unit="nats", better="less")
def kl_calibration(positive_weight, weight, score_sum):
    """Calibration in the large: KL(q ‖ p̄) of the base rate q from the mean score p̄. Never negative, 0 iff q = p̄.

    >>> round(kl_calibration(2, 8, 4), 4)
    0.1308
    """
    return numerics.kl(ratio(positive_weight, weight), ratio(score_sum, weight))


@metric(unit="1", better="less")
def normalized_entropy(positive_nll, negative_nll, weight, positive_weight, negative_weight):
    """Log loss ÷ H(q), the label entropy of the slice: below 1 the model beats its base rate q (He et al. 2014).

    >>> round(normalized_entropy(3, 1, 8, 2, 6), 4)
    0.8891
    """
    loss = binary.log_loss(positive_nll, negative_nll, weight)
    return against(loss, label_entropy(positive_weight, negative_weight))


@metric(unit="1", better="more")
def relative_information_gain(positive_nll, negative_nll, weight, positive_weight, negative_weight):
    """Share of the label entropy that the model explains, (H − log loss) / H = 1 − normalized entropy.

    >>> round(relative_information_gain(3, 1, 8, 2, 6), 4)
    0.1109
    """
    loss = binary.log_loss(positive_nll, negative_nll, weight)
    return gained(loss, label_entropy(positive_weight, negative_weight))


@metric(unit="%", better="more")
def relative_cross_entropy(positive_nll, negative_nll, weight, positive_weight, negative_weight):
    """Relative cross-entropy (RCE) against the slice's own base rate, 100·(H − log loss) / H, in percent.

    >>> round(relative_cross_entropy(3, 1, 8, 2, 6), 4)
    11.0851
    """
    return 100.0 * relative_information_gain(positive_nll, negative_nll, weight, positive_weight, negative_weight)


@metric(unit="1", better="less")
def calibration_free_normalized_entropy(positive_nll, negative_nll, positive_weight, negative_weight, score_sum):
    """Normalized entropy without calibration in the large, NE − KL(q ‖ p̄) / H(q), p̄ the mean score.

    Only the part that one factor on all scores would remove is taken out, not what is wrong bin by bin.

    >>> round(calibration_free_normalized_entropy(3, 1, 2, 6, 4), 4)
    0.6565
    """
    weight = positive_weight + negative_weight
    loss = binary.log_loss(positive_nll, negative_nll, weight)
    divergence = kl_calibration(positive_weight, weight, score_sum)
    # A loss that is infinite stays so, whatever the divergence, which may be infinite for lack of digits.
    calibrated = loss - np.where(np.isinf(loss), 0.0, divergence)
    return against(calibrated, label_entropy(positive_weight, negative_weight))
