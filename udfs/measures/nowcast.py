"""Nowcast of a binary task while its labels still arrive: what its metrics will be once all of them are there.

A label that is negative now turns positive or never changes. By now a share of each sum over the positives of the end
is there, as earlier days tell: of their weight, of their loss P, and of C, what they cost as long as they are negative.
They are three shares, as late positives may be others than early ones, such as those of an advertiser who reports late.
Each sum grows to its end, and what the late part costs now as negatives goes. It takes for granted that labels arrive
as on the days by which the shares are known.
"""

from udfs.exact import numerics
from udfs.exact.numerics import ratio
from udfs.measure import metric
from udfs.measures.baselines import against

# The columns that the caller hands over, each the share of a final sum that is there by now: of which sum.
NOWCAST = {
    "arrived_share": "positive_weight",
    "arrived_loss_share": "positive_nll",
    "arrived_complement_share": "positive_complement_nll",
}


@metric(unit="nats", over="nowcast", suffix="[nowcast]", better="less")
def log_loss(  # noqa: PLR0913, PLR0917 - what is seen, and what share of the end it is
    positive_nll, positive_complement_nll, negative_nll, weight, arrived_loss_share, arrived_complement_share
):
    """Log loss once all labels are there, (P/F_P + N − C·(1/F_C − 1)) / Σ w, of P, N and C as seen.

    P is Σ w·y·(−ln p), N is Σ w·(1 − y)·(−ln(1 − p)), C is Σ w·y·(−ln(1 − p)); F_P and F_C are the shares of P and C
    that have arrived. Before that `log_loss` is mostly too small: what is not there yet counts as negative.

    >>> log_loss(3, 0.5, 2, 8, 0.5, 0.5)
    0.9375
    """
    late = positive_complement_nll * ratio(1.0 - arrived_complement_share, arrived_complement_share)
    return ratio(ratio(positive_nll, arrived_loss_share) + (negative_nll - late), weight)


@metric(unit="1", over="nowcast", suffix="[nowcast]", better="less")
def normalized_entropy(  # noqa: PLR0913, PLR0917 - the inputs of the loss, and of the entropy
    positive_nll,
    positive_complement_nll,
    negative_nll,
    weight,
    positive_weight,
    arrived_share,
    arrived_loss_share,
    arrived_complement_share,
):
    """The nowcast of the log loss over the entropy of the base rate that the nowcast has, Σ w·y / F / Σ w.

    >>> round(normalized_entropy(3, 0.5, 2, 8, 1, 0.5, 0.5, 0.5), 4)
    1.6672
    """
    shares = arrived_loss_share, arrived_complement_share
    loss = log_loss.function(positive_nll, positive_complement_nll, negative_nll, weight, *shares)
    final = ratio(positive_weight, arrived_share)
    return against(loss, numerics.binary_entropy(final, weight - final))


@metric(unit="1", over="nowcast", suffix="[nowcast]")
def predicted_over_actual(score_sum, positive_weight, arrived_share):
    """Calibration once all labels are there, Σ w·p / (Σ w·y / F), F the share of the positives that has arrived.

    >>> predicted_over_actual(3, 1, 0.5)
    1.5
    """
    return ratio(score_sum, ratio(positive_weight, arrived_share))
