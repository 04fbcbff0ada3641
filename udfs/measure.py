"""The only abstraction: a statistic is one weighted term per row, a metric is a function of their sums.

Both are plain functions whose parameters are called what they read, so that a signature needs no types. A parameter of
a statistic is a column of the examples, (n,) float64; but `groups` is a `udfs.examples.groups.Groups`, `share` and what
else is of every class is (n, classes). A parameter of a metric is a sum, by what the metric is `over`:

- `rows`: statistics, each (slices,), to (slices,);
- `baseline`: the same, and the columns of `udfs.measures.baselines.BASELINES`;
- `nowcast`: the same, and the columns of `udfs.measures.nowcast.NOWCAST`;
- `bins`: columns of the score bins of one slice, each (bins,) in the order of the scores, to a number;
- `classes`: class statistics of one slice, each (classes,), and its statistics, each a number, to a number;
- `pairs`: sums over the rows that two models both can score, each (slices,), to (slices,).

A parameter after `*` is an option, a float.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeVar, get_args

import numpy as np

from udfs.exact.arrays import FloatArray

Function = Callable[..., Any]
# By name; an option with several values makes one measure of each, as k = (5, 10) makes ndcg@5 and ndcg@10.
Options = Mapping[str, float | tuple[float, ...]]
Over = Literal["rows", "classes", "bins", "baseline", "nowcast", "pairs"]
OVER: tuple[Over, ...] = get_args(Over)
ITSELF = "itself"
Spread = Literal["mean", "total", "none"]


@dataclass(frozen=True)
class Measure:
    """What statistics and metrics share: a documented function whose parameter names are its inputs.

    With all weights times c and all values (labels and scores of regression) times d, it is c^`weight_degree` ·
    d^`value_degree` times as large.
    """

    name: str
    unit: str
    over: Over
    function: Function
    inputs: tuple[str, ...]
    options: tuple[str, ...]
    suffix: str
    weight_degree: int
    value_degree: int

    @property
    def definition(self) -> str:
        """The published definition: the docstring of the function, up to its example."""
        return self._docstring.partition("\n\n>>> ")[0]

    @property
    def example(self) -> str:
        """The example of the docstring, a call and its number, as doctest runs it."""
        _, prompt, call = self._docstring.partition(">>> ")
        return prompt + call

    @property
    def _docstring(self) -> str:
        function = self.function.func if isinstance(self.function, functools.partial) else self.function
        return inspect.cleandoc(function.__doc__ or "")

    def of(self, columns: Mapping[str, Any]) -> Any:
        """The measure of its inputs out of `columns`; its options must have been bound."""
        return self.function(*(columns[name] for name in self.inputs))

    def choices(self, options: Options) -> Iterator[dict[str, float]]:
        """The values of its options: one choice, or one for every value of an option that has several."""
        several = [each if isinstance(each, tuple) else (each,) for each in (options[name] for name in self.options)]
        return (dict(zip(self.options, values, strict=True)) for values in itertools.product(*several))

    def bound(self, choice: Mapping[str, float]) -> Self:
        """The measure with these values for its options."""
        return replace(self, function=functools.partial(self.function, **choice), options=()) if choice else self


@dataclass(frozen=True)
class Statistic(Measure):
    """One exact, mergeable sum, over `rows`, `classes` or `pairs`.

    Its function maps columns, each (n,), to one term per row.
    """

    counts: bool = False
    mirror: str | None = ITSELF
    sequential: bool = False
    loss_degree: int = 1

    def column(self, options: Mapping[str, float]) -> str:
        """Name of the statistic in the tables, e.g. `positive_focal_g2` for gamma = 2."""
        return self.name + self.suffix.format(**{k: spelled(v) for k, v in options.items()})


@dataclass(frozen=True)
class Metric(Measure):
    """A number derived from sums; NaN where it is undefined. `spread` says how it gets a standard error."""

    undefined: str = "single_class"
    better: Literal["less", "more"] | None = None
    spread: Spread = "mean"

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """The metric of these sums, in order or by name, and of its options by name; of numbers it is a number."""
        of_slices = self.over in ("rows", "baseline", "nowcast", "pairs")
        arrays = [_floats(x, of_slices) for x in inputs]
        others = {name: x if name in self.options else _floats(x, of_slices) for name, x in named.items()}
        value = self.function(*arrays, **others)
        several = of_slices and any(np.ndim(x) for x in (*inputs, *named.values()))
        return value if several else float(np.ravel(value)[0])

    def published_as(self, choice: Mapping[str, float]) -> str:
        """Name of the metric in the tables, e.g. `ndcg@5` for k = 5."""
        return self.name + self.suffix.format(**{k: _shortest(v) for k, v in choice.items()})

    def against(self, baseline: str) -> Self:
        """The metric over a baseline under the name it is published with, e.g. `normalized_entropy[total]`."""
        return replace(self, name=self.name + self.suffix.format(baseline=baseline))


M = TypeVar("M", bound=Measure)


def _floats(x: Any, of_slices: bool) -> FloatArray:
    """One number or several as float64, of slices always as (slices,)."""
    found = np.asarray(x, dtype=np.float64)
    return np.atleast_1d(found) if of_slices else found


def spelled(value: float) -> str:
    """An option as part of a column name: 2.0 is `2`, 0.5 is `0_5`; no two values are spelled alike."""
    return _shortest(value).replace(".", "_").replace("-", "m").replace("+", "")


def _shortest(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def statistic(  # noqa: PLR0913 - what there is to say of a sum
    *,
    unit: str,
    over: Over = "rows",
    suffix: str = "",
    counts: bool = False,
    weight_degree: int = 1,
    value_degree: int = 0,
    mirror: str | None = ITSELF,
    sequential: bool = False,
    loss_degree: int = 1,
) -> Callable[[Function], Statistic]:
    """Declare a statistic: what there is to say of it beside its formula is said here, and nowhere else.

    Args:
        unit: The unit of the sum, for the column's comment.
        over: `rows`; `classes` for one sum for each class, `pairs` for one over the rows that two models can score.
        suffix: What options add to the name, e.g. `_g{gamma}`: another option is another statistic.
        counts: The terms are 0 or 1 and the sum is a BIGINT; otherwise it is a DECIMAL(37,15).
        weight_degree: 1 where a term is linear in the weight, 2 where it is quadratic; of a count it is 0.
        value_degree: The same for labels and scores that are values: those of regression.
        mirror: The statistic that it becomes where labels and scores are mirrored, y to 1 − y and p to 1 − p; None
            where that is no statistic.
        sequential: A term adds over the rows of a group or the classes of a row, so that another order of them may
            round otherwise.
        loss_degree: 2 where a term is quadratic in the loss, as a hard row is priced then.
    """
    degrees = {"weight_degree": 0 if counts else weight_degree, "value_degree": value_degree}
    laws = {"mirror": mirror, "sequential": sequential, "loss_degree": loss_degree}
    return _declaring(Statistic, unit=unit, over=over, suffix=suffix, counts=counts, **degrees, **laws)


def metric(  # noqa: PLR0913 - what there is to say of a number
    *,
    unit: str,
    over: Over = "rows",
    suffix: str = "",
    undefined: str = "single_class",
    better: Literal["less", "more"] | None = None,
    weight_degree: int = 0,
    value_degree: int = 0,
    spread: Spread = "mean",
) -> Callable[[Function], Metric]:
    """Declare a metric.

    Args:
        unit: The unit of the value.
        over: What it is a function of: the sums over the `rows`, `bins` or `classes` of a slice, over its rows and
            a `baseline`, or over those of `pairs` of models.
        suffix: What options add to the name, e.g. `@{k}`, and a baseline, `[{baseline}]`.
        undefined: The reason given with NULL where the function yields NaN although there is weight.
        better: Which of two values is better, the one that is `less` or `more`; None where neither is.
        weight_degree: 0 where the scale of weights makes no difference, 1 of a total.
        value_degree: The same for labels and scores that are values: 1 for a metric in their unit, 2 for its square.
        spread: How leaving out rows tells its standard error: `mean` as it is; `total` where it grows with the number
            of rows; `none` where it does not, as of a maximum, of distances that are not 0 by noise alone, of a bound.
    """
    degrees = {"weight_degree": weight_degree, "value_degree": value_degree}
    return _declaring(
        Metric, unit=unit, over=over, suffix=suffix, undefined=undefined, better=better, spread=spread, **degrees
    )


def _declaring(type_: type[M], **fields: Any) -> Callable[[Function], M]:
    def declare(function: Function) -> M:
        return type_(**fields, **_signature(function))

    return declare


def _signature(function: Function) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {
        "name": function.__name__,
        "function": function,
        "inputs": tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY),
        "options": tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY),
    }
