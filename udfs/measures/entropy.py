"""Entropy of the labels and what is measured against it."""

from udfs.exact import numerics
from udfs.exact.numerics import ratio
from udfs.measure import FloatArray, metric


@metric(unit="nats")
def label_entropy(positive_weight: FloatArray, negative_weight: FloatArray) -> FloatArray:
    """Entropy of the base rate, H(q) = −q ln q − (1 − q) ln(1 − q), from both class weights. 0 for one class."""
    return numerics.binary_entropy(positive_weight, negative_weight)


@metric(unit="nats")
def kl_calibration(positive_weight: FloatArray, weight: FloatArray, score_sum: FloatArray) -> FloatArray:
    """Calibration in the large: KL(q ‖ p̄) of the base rate q from the mean score p̄. Never negative, 0 iff q = p̄."""
    return numerics.kl(ratio(positive_weight, weight), ratio(score_sum, weight))


@metric(unit="1")
def normalized_entropy(
    positive_nll: FloatArray,
    negative_nll: FloatArray,
    weight: FloatArray,
    positive_weight: FloatArray,
    negative_weight: FloatArray,
) -> FloatArray:
    """Log loss ÷ H(q), the label entropy of the slice: below 1 the model beats its base rate q (He et al. 2014)."""
    entropy = numerics.binary_entropy(positive_weight, negative_weight)
    return ratio(ratio(positive_nll + negative_nll, weight), entropy)


@metric(unit="1")
def relative_information_gain(
    positive_nll: FloatArray,
    negative_nll: FloatArray,
    weight: FloatArray,
    positive_weight: FloatArray,
    negative_weight: FloatArray,
) -> FloatArray:
    """Share of the label entropy that the model explains, (H − log loss) / H = 1 − normalized entropy."""
    entropy = numerics.binary_entropy(positive_weight, negative_weight)
    return _gain(ratio(positive_nll + negative_nll, weight), entropy)


@metric(unit="%")
def relative_cross_entropy(
    positive_nll: FloatArray,
    negative_nll: FloatArray,
    weight: FloatArray,
    positive_weight: FloatArray,
    negative_weight: FloatArray,
) -> FloatArray:
    """Relative cross-entropy (RCE) against the slice's own base rate, 100·(H − log loss) / H, in percent."""
    entropy = numerics.binary_entropy(positive_weight, negative_weight)
    return 100.0 * _gain(ratio(positive_nll + negative_nll, weight), entropy)


@metric(unit="1")
def calibration_free_normalized_entropy(
    positive_nll: FloatArray,
    negative_nll: FloatArray,
    positive_weight: FloatArray,
    negative_weight: FloatArray,
    score_sum: FloatArray,
) -> FloatArray:
    """Normalized entropy without calibration in the large, NE − KL(q ‖ p̄) / H(q), p̄ the mean score.

    Only the part that one factor on all scores would remove is taken out, not what is wrong bin by bin.
    """
    weight = positive_weight + negative_weight
    entropy = numerics.binary_entropy(positive_weight, negative_weight)
    divergence = numerics.kl(ratio(positive_weight, weight), ratio(score_sum, weight))
    return ratio(ratio(positive_nll + negative_nll, weight) - divergence, entropy)


def _gain(loss: FloatArray, entropy: FloatArray) -> FloatArray:
    return ratio(entropy - loss, entropy)
