"""Cells of simulated days for the judgements: dimensions, exact sums, and what was planted."""

from decimal import Context

import numpy as np
import pyarrow as pa

from udfs.exact.decimals import DECIMAL, SCALE, UNITS

VALUES = {
    "country": ["BR", "DE", "FR", "US"],
    "device": ["android", "ios", "web"],
    "hour": [f"{hour:02}" for hour in range(6)],
    "placement": ["side", "top"],
}
CAUSE = {"country": "BR", "device": "android"}


def to_decimal(units):
    """Units as the tables have them."""
    exact = Context(prec=50)
    return pa.array([None if u is None else exact.scaleb(exact.create_decimal(u), -SCALE) for u in units], DECIMAL)


def summed(values, of, size):
    """Exact sums by group, rounded to units row by row as in the pass."""
    total = np.zeros(size, dtype=np.object_)
    np.add.at(total, of, np.rint(values * UNITS).astype(np.int64).astype(np.object_))
    return to_decimal(total.tolist())


def rows(seed, size=60_000, base=-3.0):
    """Dimensions, true rates of rows."""
    rng = np.random.default_rng(seed)
    codes = {name: rng.choice(len(values), size, p=_skewed(len(values))) for name, values in VALUES.items()}
    logits = base + 0.4 * codes["country"] - 0.3 * codes["device"] + 0.05 * codes["hour"]
    return rng, codes, 1.0 / (1.0 + np.exp(-(logits + rng.normal(0.0, 0.5, size))))


def day(seed, over=1.0, size=60_000, cause=CAUSE, base=-3.0):
    """The cells of a day whose scores are right, but `over` times the rate in the cause."""
    rng, codes, rate = rows(seed, size, base)
    inside = np.logical_and.reduce([codes[name] == VALUES[name].index(value) for name, value in cause.items()])
    score = np.where(inside, np.minimum(over * rate, 0.99), rate)
    label = (rng.random(size) < rate).astype(np.float64)
    loss = -np.where(label == 1.0, np.log(score), np.log1p(-score))
    terms = {
        "weight": np.ones(size),
        "positive_weight": label,
        "negative_weight": 1.0 - label,
        "score_sum": score,
        "positive_nll": label * loss,
        "negative_nll": (1.0 - label) * loss,
        "loss": loss,
        "squared_nll": loss * loss,
        "score_variance": score * (1.0 - score),
        "spiegelhalter_sum": (label - score) * (1.0 - 2.0 * score),
        "spiegelhalter_variance": (1.0 - 2.0 * score) ** 2 * score * (1.0 - score),
    }
    sizes = [len(values) for values in VALUES.values()]
    key = np.ravel_multi_index(tuple(codes.values()), sizes)
    found, of = np.unique(key, return_inverse=True)
    parts = np.unravel_index(found, sizes)
    return pa.table(
        {
            **{n: pa.array([v[c] for c in code]) for (n, v), code in zip(VALUES.items(), parts, strict=True)},
            "n": pa.array(np.bincount(of)),
            **{name: summed(values, of, len(found)) for name, values in terms.items()},
        }
    )


def _skewed(size):
    share = 1.0 / np.arange(2.0, size + 2.0)
    return share / share.sum()
