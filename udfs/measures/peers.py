"""The numbers that other libraries print for the same rows: their clips, their precision, their logarithms' base.

Our own loss needs no clip for scores between 0 and 1, theirs have one that bites on ordinary rows. A peer's loss of a
row is a function of its score alone, a probability: where that is as a peer has it, clipped rows and hard ones need
no thought at finish. It is recorded only for the peers that are declared, one sum for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import LN2, STRICT
from udfs.exact.numerics import ratio
from udfs.examples.binary import placed
from udfs.measure import Metric, Statistic, metric, statistic
from udfs.measures.baselines import against

_F32_LAST = 1.0 - 2.0**-23
_F32_1E7 = float(np.float32(1e-7))
_UNCLIPPED = 1.0


@dataclass(frozen=True)
class Peer:
    """How a library computes the log loss of a probability p: −log of p, or of 1 − p, each within its bounds.

    Attributes:
        name: As in the names of metrics, `log_loss[keras]`.
        positive: Least and largest value of p in the logarithm.
        negative: Least and largest value of 1 − p in the logarithm.
        note: What differs from our own `log_loss`, and where to read it.
        single: p is rounded to float32, and so is 1 − p, unless `log1p`.
        log1p: The loss of a negative is made by log1p, so that 1 − p is not rounded.
        added: What is added to either once it is clipped.
        base: Of the logarithm: `nats` or `bits`.
        averaging: The loss is divided by the `weight`, or by the number of rows, `n`.
    """

    name: str
    positive: tuple[float, float]
    negative: tuple[float, float]
    note: str
    single: bool = False
    log1p: bool = False
    added: float = 0.0
    base: str = "nats"
    averaging: str = "weight"

    @property
    def column(self) -> str:
        """The column of its sum, in nats, e.g. `nll_spark_mllib`."""
        return "nll_" + self.name.replace("-", "_")

    def losses(self, score: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The loss of a positive and that of a negative, in nats. (n,) to (n,) twice."""
        p = self._rounded(score)
        complement = 1.0 - p if self.log1p else self._rounded(1.0 - p)
        sides = (p, self.positive), (complement, self.negative)
        positive, negative = (-STRICT.log(self._above_zero(np.clip(x, *clip))) for x, clip in sides)
        return positive, negative

    def _above_zero(self, x: FloatArray) -> FloatArray:
        return self._rounded(x + self.added) if self.added else x

    def _rounded(self, x: FloatArray) -> FloatArray:
        return x.astype(np.float32).astype(np.float64) if self.single else x


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "scikit-learn",
            (2.0**-52, 1.0 - 2.0**-52),
            (2.0**-52, 1.0 - 2.0**-52),
            "log_loss since 1.3, of float64 scores: p and 1 − p are clipped by the epsilon of their type.",
        ),
        Peer(
            "scikit-learn-float32",
            (2.0**-23, _F32_LAST),
            (2.0**-23, _F32_LAST),
            "log_loss since 1.3, of float32 scores: their epsilon is 1.19e-7.",
            single=True,
        ),
        Peer(
            "torchrec",
            (1e-12, 1.0 - 1e-12),
            (1.0 - (1.0 - 1e-12), 1.0 - 1e-12),
            "metrics/ne.py: p is clamped to [1e-12, 1 − 1e-12], the base rate too, and the log loss is in bits.",
            base="bits",
        ),
        Peer(
            "spark-mllib",
            (1e-15, 1.0 - 1e-15),
            (1e-15, 1.0 - 1e-15),
            "MulticlassMetrics.logLoss(eps = 1e-15): the probability of the observed class is clipped.",
        ),
        Peer(
            "keras",
            (_F32_1E7, _F32_LAST),
            (2.0**-23, _F32_LAST),
            "metrics.BinaryCrossentropy of Keras 3, ÷ the weight: 1 − 1e-7 in float32 is less, so 16.118 is the most "
            "for a positive, 15.942 for a negative.",
            single=True,
        ),
        Peer(
            "keras-2",
            (_F32_1E7, _F32_LAST),
            (2.0**-23, _F32_LAST),
            "BinaryCrossentropy of tf.keras 2: clipped as in Keras 3, and 1e-7 is added once more in the logarithm.",
            single=True,
            added=_F32_1E7,
        ),
        Peer(
            "pytorch",
            (3.720075976020836e-44, _UNCLIPPED),
            (3.720075976020836e-44, _UNCLIPPED),
            "BCELoss with a weight, of float32 scores: a loss is at most 100, and their mean is over rows.",
            single=True,
            log1p=True,
            averaging="n",
        ),
        Peer(
            "xgboost",
            (float(np.float32(1e-16)), _UNCLIPPED),
            (float(np.float32(1e-16)), _UNCLIPPED),
            "logloss: from p = 1 − 3e-8 on 1 − p is 0 in float32 and a negative costs 36.84, just below 16.6.",
            single=True,
        ),
        Peer(
            "lightgbm",
            (float(np.float32(1e-15)), _UNCLIPPED),
            (float(np.float32(1e-15)), _UNCLIPPED),
            "binary_logloss: the probability of the observed class is at least 1e-15.",
        ),
    )
}


def peer_columns(peers: Iterable[str]) -> dict[str, Statistic]:
    """The statistics to record for these peers, by column; they stand beside those of the catalogue.

    Raises:
        ValueError: There is no such peer; the message lists those that exist.
    """
    return {peer.column: _nll(peer) for peer in _known(peers)}


def peer_metrics(peers: Iterable[str]) -> dict[str, Metric]:
    """The metrics as these peers print them, by name; their inputs are statistics, with those of `peer_columns`.

    All have `log_loss`; torchrec's normalized entropy and scikit-learn's `d2_log_loss_score`, which is our relative
    information gain, clip the base rate too.
    """
    found = []
    for peer in _known(peers):
        found.append(_log_loss(peer))
        if peer.name == "torchrec":
            found.append(_normalized_entropy(peer))
        if peer.name.startswith("scikit-learn"):
            found.append(_information_gain(peer))
    return {metric.name: metric for metric in found}


def _known(peers: Iterable[str]) -> list[Peer]:
    names = list(peers)
    for name in names:
        if name not in PEERS:
            raise ValueError(f"no peer {name!r}; there are {', '.join(sorted(PEERS))}")
    return [PEERS[name] for name in names]


def _nll(peer: Peer) -> Statistic:
    def nll(label, weight, score):
        rows = np.flatnonzero(label > 0.0), np.flatnonzero(label < 1.0)
        positive = placed(peer.losses(score[rows[0]])[0], rows[0], label.size)
        negative = placed(peer.losses(score[rows[1]])[1], rows[1], label.size)
        return weight * (label * positive + (1.0 - label) * negative)

    nll.__doc__ = f"Weighted log loss in nats as {peer.name} computes it from the score. {peer.note}"
    return replace(statistic(unit="nats")(nll), name=peer.column)


def _log_loss(peer: Peer) -> Metric:
    def log_loss(nll, size):
        return ratio(nll, size) / (LN2 if peer.base == "bits" else 1.0)

    example = ">>> round(log_loss(4, 8), 4)\n0.7213" if peer.base == "bits" else ">>> log_loss(4, 8)\n0.5"
    log_loss.__doc__ = f"Log loss as {peer.name} prints it. {peer.note}\n\n{example}"
    return _of(peer, metric(unit=peer.base, better="less")(log_loss), (peer.column, peer.averaging))


def _normalized_entropy(peer: Peer) -> Metric:
    def normalized_entropy(nll, positive_weight, negative_weight):
        return against(nll, _of_base_rate(peer, positive_weight, negative_weight))

    normalized_entropy.__doc__ = f"""Normalized entropy as {peer.name} prints it. {peer.note}

    Of one class it is a huge number, where ours is undefined.

    >>> round(normalized_entropy(4, 2, 6), 4)
    0.8891
    """
    return _of(
        peer, metric(unit="1", better="less")(normalized_entropy), (peer.column, "positive_weight", "negative_weight")
    )


def _information_gain(peer: Peer) -> Metric:
    def relative_information_gain(nll, positive_weight, negative_weight):
        # The rates that it compares with stay in float64, whatever the scores are.
        return 1.0 - against(nll, _of_base_rate(PEERS["scikit-learn"], positive_weight, negative_weight))

    relative_information_gain.__doc__ = f"""D² of the log loss as {peer.name}'s d2_log_loss_score prints it. {peer.note}

    Of one class it is what both classes as `labels` give, where ours is undefined.

    >>> round(relative_information_gain(4, 2, 6), 4)
    0.1109
    """
    return _of(
        peer,
        metric(unit="1", better="more")(relative_information_gain),
        (peer.column, "positive_weight", "negative_weight"),
    )


def _of(peer: Peer, metric: Metric, inputs: tuple[str, ...]) -> Metric:
    """The metric under the peer's name, of its sum."""
    return replace(metric, name=f"{metric.name}[{peer.name}]", inputs=inputs)


def _of_base_rate(peer: Peer, positive_weight: FloatArray, negative_weight: FloatArray) -> FloatArray:
    """What the base rate loses by the peer's own loss, its sum in nats, (slices,)."""
    positive, negative = peer.losses(ratio(positive_weight, positive_weight + negative_weight))
    return positive_weight * positive + negative_weight * negative
