"""All statistics and metrics there are, collected from the families of each kind of task and checked at import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType
from typing import TypeVar

from udfs import binary, candidates, entropy, grouped_auc, lists, ranking, totals
from udfs.examples import COLUMNS
from udfs.measure import Measure, Metric, Options, Statistic

FAMILIES: dict[str, tuple[ModuleType, ...]] = {
    "binary": (totals, binary, entropy),
    "candidates": (totals, candidates, lists, grouped_auc, ranking),
}
OPTIONS = ("alpha", "gamma", "k")

M = TypeVar("M", bound=Measure)


def collected(type_: type[M], families: Iterable[ModuleType]) -> Mapping[str, M]:
    """The measures of one type in the order of their declaration, by name."""
    found: dict[str, M] = {}
    for value in (value for family in families for value in vars(family).values()):
        if type(value) is type_:
            if found.get(value.name, value) is not value:
                raise TypeError(f"two of the catalogue are called {value.name!r}: rename one")
            found[value.name] = value
    return MappingProxyType(found)


def check(measures: Iterable[Measure], inputs: Collection[str]) -> None:
    """Raise TypeError where a parameter is neither one of `inputs` nor an option, listing what exists."""
    for measure in measures:
        for name, known in (
            *((name, inputs) for name in measure.inputs),
            *((name, OPTIONS) for name in measure.options),
        ):
            if name not in known:
                exists = ", ".join(sorted(known))
                raise TypeError(f"{measure.name}: unknown parameter {name!r}; there are: {exists}")


def statistics_of(kind: str) -> Mapping[str, Statistic]:
    """The statistics of a kind of task, by name."""
    return collected(Statistic, FAMILIES[kind])


def metrics_of(kind: str) -> Mapping[str, Metric]:
    """The metrics of a kind of task, by name."""
    return collected(Metric, FAMILIES[kind])


def columns_of(kind: str, options: Options) -> dict[str, Statistic]:
    """The statistics of a kind of task, their options bound, by their column in the tables."""
    return {s.column(choice): s.bound(choice) for s in statistics_of(kind).values() for choice in s.choices(options)}


def published(kind: str, options: Options) -> dict[str, Metric]:
    """The metrics of a kind of task, their options bound, by the name they are published under.

    Their inputs are columns of the tables: where both have an option, a metric reads the statistic of its own value.
    """
    statistics = statistics_of(kind)
    return {
        metric.label(choice): _reading(metric.bound(choice), statistics, {**options, **choice})
        for metric in metrics_of(kind).values()
        for choice in metric.choices(options)
    }


def _reading(metric: Metric, statistics: Mapping[str, Statistic], options: Options) -> Metric:
    read = (statistics[name] for name in metric.inputs)
    columns = ((statistic.column(choice) for choice in statistic.choices(options)) for statistic in read)
    return replace(metric, inputs=tuple(column for (column,) in columns))


for _kind in FAMILIES:
    check(statistics_of(_kind).values(), COLUMNS[_kind])
    check(metrics_of(_kind).values(), statistics_of(_kind))
_same = {(s.name, id(s)) for kind in FAMILIES for s in statistics_of(kind).values()}
if len(_same) != len({name for name, _ in _same}):
    raise TypeError("a statistic of one name has one formula, whatever the kind of the task")
