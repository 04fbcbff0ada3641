"""The demo's world: who sees which advertisement, what happens then, and what two models say beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from udfs.exact.arrays import BoolArray, FloatArray
from udfs.exact.kernels import STRICT

Rng = np.random.Generator

VALUES: Final[dict[str, list[str]]] = {
    "country": ["US", "IN", "BR", "DE", "JP", "GB", "FR", "MX"],
    "device": ["android", "ios", "desktop"],
    "campaign": [f"c{number:02d}" for number in range(1, 37)],
    "placement": ["top", "feed", "sidebar", "video"],
}
SHARES: Final[dict[str, list[float]]] = {
    "country": [0.26, 0.18, 0.16, 0.12, 0.09, 0.08, 0.06, 0.05],
    "device": [0.40, 0.34, 0.26],
    "placement": [0.20, 0.45, 0.25, 0.10],
}
# Logits: the usual rate, and how far dimensions, users and chance move it.
OUTCOMES: Final = {"click": (-3.6, 0.3, 0.7, 0.4), "conv": (-1.0, 0.2, 1.2, 0.3), "view": (0.9, 0.2, 0.6, 0.3)}


@dataclass(frozen=True)
class World:
    """What holds on all its `days`. `effects[outcome][dimension]` are logits (values,), `taste[outcome]` (users,)."""

    effects: dict[str, dict[str, FloatArray]]
    taste: dict[str, FloatArray]
    users: int
    days: int


@dataclass(frozen=True)
class Shown:
    """The impressions of a day as they truly were, before anything goes wrong with the log.

    Attributes:
        columns: The columns of the log; texts as indices into `VALUES`, times as µs from the day's start.
        clicked: Whether the impression was clicked within the window.
        converted: Whether a click led to a conversion within the window.
    """

    columns: dict[str, NDArray[Any]]
    clicked: BoolArray
    converted: BoolArray

    @property
    def size(self) -> int:
        """Number of impressions."""
        return self.clicked.size


def world(seed: int, users: int, days: int) -> World:
    """The world of a seed, of which so many days are logged."""
    rng = np.random.Generator(np.random.PCG64([seed, 0]))
    effects = {
        outcome: {name: rng.normal(0.0, spread, len(values)) for name, values in VALUES.items()}
        for outcome, (_, spread, _, _) in OUTCOMES.items()
    }
    taste = {outcome: rng.normal(0.0, spread, users) for outcome, (_, _, spread, _) in OUTCOMES.items()}
    return World(effects, taste, users, days)


def shown(where: World, rng: Rng, size: int) -> Shown:
    """A day's impressions, in the order of time.

    Of an outcome's logit the champion knows what the dimensions say, the candidate also what the user says.
    Each is calibrated: its logit is shrunk by the spread of what it does not know.
    """
    values = {name: rng.choice(len(texts), size, p=SHARES.get(name)) for name, texts in VALUES.items()}
    # Few users see much, many see little.
    user = np.floor(where.users * rng.random(size) ** 1.5).astype(np.int64)
    truth: dict[str, FloatArray] = {}
    columns: dict[str, NDArray[Any]] = {**values, "user": user}
    for outcome, (usual, _, spread, chance) in OUTCOMES.items():
        known = np.full(size, usual) + sum(where.effects[outcome][name][index] for name, index in values.items())
        taste = where.taste[outcome][user]
        truth[outcome] = sigmoid(known + taste + rng.normal(0.0, chance, size))
        columns[f"p_{outcome}"] = sigmoid(_shrunk(known, math.hypot(spread, chance)))
        columns[f"z_{outcome}"] = _shrunk(known + taste, chance)
    clicked = rng.random(size) < truth["click"]
    # What is clicked was in view; of the rest as many as make the rate of views come out right.
    rest = np.maximum(truth["view"] - truth["click"], 0.0) / (1.0 - truth["click"])
    columns["viewed"] = (clicked | (rng.random(size) < rest)).astype(np.int64)
    columns["bid"] = np.round(STRICT.exp(rng.normal(0.0, 0.5, size)), 4)
    columns["ts"] = np.sort(rng.integers(0, (86_400 - 120) * 1_000_000, size))
    return Shown(columns, clicked, clicked & (rng.random(size) < truth["conv"]))


def sigmoid(logit: FloatArray) -> FloatArray:
    """1 / (1 + e^−z), (n,), by the strict kernel: the same world on every machine."""
    return 1.0 / (1.0 + STRICT.exp(-logit))


def _shrunk(logit: FloatArray, spread: float) -> FloatArray:
    """The logit of the mean of sigmoid(logit + u), u normal with that spread, nearly (MacKay 1992)."""
    return logit / math.sqrt(1.0 + math.pi * spread**2 / 8.0)
