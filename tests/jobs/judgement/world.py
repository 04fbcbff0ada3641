"""A world of users whose numbers are known: they see several impressions each, some of them very many.

Two models score the same impressions. Their errors stick to the users in part and are drawn alike, so that every
difference between the models is chance (A/A). A history is one slice of the sums.
"""

from dataclasses import dataclass

import numpy as np

from jobs.judgement.uncertainty.shards import Sharded
from udfs.exact.decimals import UNITS

BASE, FEATURE, TASTE, ERROR, STUCK = -2.6, 0.8, 1.0, 0.6, 0.7  # logits; STUCK: the share of the error's variance
LOW, STEP, BINS = -9.0, 0.02, 700
SHARDS = 32
COUNTS = ("n",)


@dataclass(frozen=True)
class Rows:
    """The rows of one history: their users and labels, and the scores' logits of each model."""

    user: np.ndarray
    label: np.ndarray
    logits: dict[str, np.ndarray]

    def loss(self, model):
        signed = np.where(self.label, -self.logits[model], self.logits[model])
        return np.maximum(signed, 0.0) + np.log1p(np.exp(-np.abs(signed)))

    def score(self, model):
        return 1.0 / (1.0 + np.exp(-self.logits[model]))

    def bins(self, model):
        return np.clip(((self.logits[model] - LOW) / STEP).astype(np.int64), 0, BINS - 1)


def history(seed, users=5000, skew=1.0):
    """The rows of one history; `skew` is the deviation of the logarithm of the users' activity."""
    draw = np.random.default_rng(seed)
    active = draw.poisson(4.0 * np.exp(skew * draw.standard_normal(users) - skew**2 / 2.0))
    user = np.repeat(np.arange(users), active)
    feature = FEATURE * draw.standard_normal(user.size)
    truth = BASE + feature + TASTE * draw.standard_normal(users)[user]
    label = draw.random(user.size) < 1.0 / (1.0 + np.exp(-truth))
    logits = {}
    for model in ("a", "b"):
        stuck, fresh = draw.standard_normal(users)[user], draw.standard_normal(user.size)
        logits[model] = BASE + 0.3 + feature + ERROR * (np.sqrt(STUCK) * stuck + np.sqrt(1.0 - STUCK) * fresh)
    return Rows(user, label, logits)


def true_values():
    """What the metrics of either model estimate: integrals over the normal distribution of its logits."""
    width = np.hypot(FEATURE, ERROR)
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    score = np.linspace(-9.0, 9.0, 8001)
    density = np.exp(-(score**2) / 2.0)
    density /= density.sum()
    known = FEATURE**2 / width * score  # the mean of the feature's part, given the score
    left = np.sqrt(FEATURE**2 - FEATURE**4 / width**2 + TASTE**2)
    rate = (weights / (1.0 + np.exp(-(BASE + known[:, None] + left * points)))).sum(axis=1)
    logit = BASE + 0.3 + width * score
    loss = (density * (rate * np.log1p(np.exp(-logit)) + (1.0 - rate) * np.log1p(np.exp(logit)))).sum()
    positive, negative = density * rate, density * (1.0 - rate)
    base = positive.sum()
    entropy = -(base * np.log(base) + (1.0 - base) * np.log1p(-base))
    below = np.cumsum(negative) - negative / 2.0
    return {
        "log_loss": loss,
        "normalized_entropy": loss / entropy,
        "predicted_over_actual": (density / (1.0 + np.exp(-logit))).sum() / base,
        "auc": (positive * below).sum() / (base * (1.0 - base)),
    }


def sums_of(rows, model, group, groups):
    """The statistics of one model, added by group of users."""
    y, loss, score = rows.label, rows.loss(model), rows.score(model)
    terms = {
        "n": np.ones(y.size),
        "weight": np.ones(y.size),
        "positive_weight": y,
        "negative_weight": ~y,
        "positive_nll": y * loss,
        "negative_nll": ~y * loss,
        "score_sum": score,
    }
    of = group[rows.user]
    return {name: np.bincount(of, weights=term, minlength=groups) for name, term in terms.items()}


def bins_of(rows, model, shards=SHARDS):
    """The weights of positives and of negatives, each (bins, shards)."""
    place = rows.bins(model) * shards + rows.user % shards
    return {
        name: np.bincount(place, weights=chosen, minlength=BINS * shards).reshape(BINS, shards)
        for name, chosen in (("positive_weight", rows.label), ("negative_weight", ~rows.label))
    }


def exact(sums):
    """Sums of histories, each (histories, shards), in fixed point as the tables have them."""
    as_units = np.frompyfunc(lambda x: round(float(x) * UNITS), 1, 1)
    return Sharded.of({name: x.astype(np.int64) if name in COUNTS else as_units(x) for name, x in sums.items()})
