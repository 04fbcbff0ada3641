"""Scales: from numbers to places on the page, and where ticks stand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A scale from `low` to `high` onto places from `start` to `end`, by logarithms if asked.

    >>> Scale(0.0, 10.0, 0.0, 100.0).at(2.5), Scale(0.01, 1.0, 0.0, 100.0, log=True).at(0.1)
    (25.0, 50.0)
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, to a tenth; what lies beyond an end is put there."""
        share = self._share(min(max(value, self.low), self.high))
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, about: int = 5) -> list[tuple[float, str]]:
        """Round values between the ends with their places and texts.

        >>> Scale(0.0, 1.0, 0.0, 100.0).ticks()
        [(0.0, '0.0'), (20.0, '0.2'), (40.0, '0.4'), (60.0, '0.6'), (80.0, '0.8'), (100.0, '1.0')]
        """
        if self.log:
            return [(self.at(value), f"{value:g}") for value in _decades(self.low, self.high)]
        step = _step((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        values = [step * i for i in range(first, math.floor(self.high / step + 1e-9) + 1)]
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return [(self.at(value), f"{value:,.{digits}f}".replace("-", "−")) for value in values]

    def _share(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def around(values: Iterable[float | None], start: float, end: float, *, log: bool = False) -> Scale:
    """A scale that holds all values, with a margin; what is no number is passed over.

    >>> around([1.0, 3.0, None], 0.0, 100.0)
    Scale(low=0.9, high=3.1, start=0.0, end=100.0, log=False)
    """
    finite = [value for value in values if value is not None and math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if log:
        return Scale(low / 1.15, high * 1.15, start, end, log=True)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return Scale(low - margin, high + margin, start, end)


def _step(least: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1.0 - 1e-9))


def _decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within; the powers alone where those are many."""
    powers = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    every = [factor * power for power in powers for factor in (1.0, 2.0, 5.0)]
    inside = [value for value in every if low <= value <= high]
    return inside if len(inside) <= 6 else [power for power in powers if low <= power <= high]
