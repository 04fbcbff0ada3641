"""What can be required of the gain of one model over another: each is one function, from a margin to bounds."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Requirement:
    """Bounds between which a gain has to lie, above 0 where the candidate is better.

    Attributes:
        function: From the margin, where there is one, to both bounds.
        has_margin: Whether the gate has to say a margin.
    """

    function: Callable[..., tuple[float, float]]
    has_margin: bool

    def bounds(self, margin: float | None) -> tuple[float, float]:
        """Both bounds, the lower one first; an infinite one is none."""
        return self.function(margin=margin) if self.has_margin else self.function()


REQUIREMENTS: Final[dict[str, Requirement]] = {}


def requirement(function: Callable[..., tuple[float, float]]) -> Callable[..., tuple[float, float]]:
    """Let gates `require` a function by its name."""
    REQUIREMENTS[function.__name__] = Requirement(function, "margin" in inspect.signature(function).parameters)
    return function


@requirement
def better() -> tuple[float, float]:
    """The candidate is better: the whole interval of its gain is above 0."""
    return 0.0, math.inf


@requirement
def not_worse(margin: float) -> tuple[float, float]:
    """The candidate is not worse by a margin."""
    return -margin, math.inf


@requirement
def equivalent(margin: float) -> tuple[float, float]:
    """Both are the same but for a margin."""
    return -margin, margin
