"""The only abstraction: a statistic is one weighted term per row, a metric is a function of their sums."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Function = Callable[..., FloatArray]
Options = Mapping[str, float]


@dataclass(frozen=True)
class Measure:
    """What statistics and metrics share: a documented function whose parameter names are its inputs."""

    name: str
    unit: str
    function: Function
    inputs: tuple[str, ...]
    options: tuple[str, ...]

    @property
    def definition(self) -> str:
        """The published definition: the docstring of the function."""
        return inspect.cleandoc(self.function.__doc__ or "")

    def __call__(self, columns: Mapping[str, FloatArray], options: Options) -> FloatArray:
        """Call the function with its inputs out of `columns` and its options out of `options`."""
        arguments = [columns[name] for name in self.inputs]
        return self.function(*arguments, **{name: options[name] for name in self.options})


@dataclass(frozen=True)
class Statistic(Measure):
    """One exact, mergeable sum. Its function maps columns of a batch, each (n,), to one term per row."""

    suffix: str = ""
    counts: bool = False

    def column(self, options: Options) -> str:
        """Name of the statistic in the tables, e.g. `positive_focal_g2` for gamma = 2."""
        return self.name + self.suffix.format(**{k: spelled(v) for k, v in options.items()})


@dataclass(frozen=True)
class Metric(Measure):
    """A number derived from sums. Its function maps statistics, each (slices,), to (slices,); NaN where undefined."""

    undefined: str = "single_class"


def spelled(value: float) -> str:
    """An option as part of a column name: 2.0 is `2`, 0.5 is `0_5`; no two values are spelled alike."""
    return repr(float(value)).removesuffix(".0").replace(".", "_").replace("-", "m").replace("+", "")


def statistic(*, unit: str, suffix: str = "", counts: bool = False) -> Callable[[Function], Statistic]:
    """Declare a statistic.

    Args:
        unit: The unit of the sum, for the column's comment.
        suffix: What options add to the name, e.g. `_g{gamma}`: another option is another statistic.
        counts: The terms are 0 or 1 and the sum is a BIGINT; otherwise it is a DECIMAL(37,15).
    """

    def declare(function: Function) -> Statistic:
        fields: dict[str, Any] = _signature(function)
        return Statistic(unit=unit, suffix=suffix, counts=counts, **fields)

    return declare


def metric(*, unit: str, undefined: str = "single_class") -> Callable[[Function], Metric]:
    """Declare a metric.

    Args:
        unit: The unit of the value.
        undefined: The reason given with NULL where the function yields NaN although there is weight.
    """

    def declare(function: Function) -> Metric:
        return Metric(unit=unit, undefined=undefined, **_signature(function))

    return declare


def _signature(function: Function) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {
        "name": function.__name__,
        "function": function,
        "inputs": tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY),
        "options": tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY),
    }
