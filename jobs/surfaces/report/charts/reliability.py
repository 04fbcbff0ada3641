"""A reliability diagram: what was predicted against what happened, by bands of the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jobs.surfaces.report.charts.scale import Scale, around

SIZE = 260.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 252.0, 10.0, 218.0
# Rates that are more times apart than this are shown by their logarithms.
WIDE = 8.0


class Band(NamedTuple):
    """A band of scores: its mean score, its rate of positives and that one's interval."""

    predicted: float
    actual: float
    low: float | None
    high: float | None
    rows: int


class Spot(NamedTuple):
    """A band where it stands."""

    of: Band
    x: float
    y: float
    low: float | None
    high: float | None


class Curve(NamedTuple):
    """The bands of one model."""

    name: str
    number: int
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Diagram:
    """The bands of the models of a task, drawn.

    Attributes:
        key: Tells it from all others of the page.
        title: What is shown.
        curves: The bands of each model.
        diagonal: Where predicted is actual: both ends, x and y.
        xs: Places and texts of the ticks below.
        ys: Those at the left.
        log: Whether both axes are logarithmic.
    """

    key: str
    title: str
    curves: tuple[Curve, ...]
    diagonal: tuple[float, float, float, float]
    xs: tuple[tuple[float, str], ...]
    ys: tuple[tuple[float, str], ...]
    log: bool
    size: float = SIZE
    left: float = LEFT
    right: float = RIGHT
    bottom: float = BOTTOM
    top: float = TOP

    @property
    def summary(self) -> str:
        """What the diagram says, for who does not see it."""
        return f"{self.title}. " + "; ".join(map(_said, self.curves)) + "."


def diagram(key: str, title: str, models: Sequence[tuple[str, int, Sequence[Band]]]) -> Diagram:
    """The bands of some models, each with its name and its number, drawn on one scale."""
    bands = [band for _, _, own in models for band in own]
    values = [value for band in bands for value in (band.predicted, band.actual)]
    log = min(values) > 0.0 and max(values) / min(values) > WIDE
    ends = [value for band in bands for value in (band.low, band.high) if value is not None and (value or not log)]
    x = around([*values, *ends], LEFT, RIGHT, log=log)
    y = Scale(x.low, x.high, BOTTOM, TOP, log=log)
    curves = tuple(Curve(name, number, tuple(_spot(band, x, y) for band in own)) for name, number, own in models)
    return Diagram(key, title, curves, (LEFT, BOTTOM, RIGHT, TOP), tuple(x.ticks()), tuple(y.ticks()), log)


def _spot(band: Band, x: Scale, y: Scale) -> Spot:
    low, high = (None if end is None else y.at(end) for end in (band.low, band.high))
    return Spot(band, x.at(band.predicted), y.at(band.actual), low, high)


def _said(curve: Curve) -> str:
    off = max(curve.spots, key=lambda spot: abs(spot.of.actual - spot.of.predicted)).of
    return f"{curve.name} is farthest off where it predicts {off.predicted:.3g}: {off.actual:.3g} happened"
