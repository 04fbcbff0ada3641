"""All statistics and metrics there are, collected from the families and checked at import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import TypeVar

from udfs import binary, entropy, totals
from udfs.examples import COLUMNS
from udfs.measure import Measure, Metric, Options, Statistic

FAMILIES: tuple[ModuleType, ...] = (totals, binary, entropy)
OPTIONS = ("alpha", "gamma")

M = TypeVar("M", bound=Measure)


def collected(kind: type[M], families: Iterable[ModuleType] = FAMILIES) -> Mapping[str, M]:
    """The measures of one kind in the order of their declaration, by name."""
    found: dict[str, M] = {}
    for value in (value for family in families for value in vars(family).values()):
        if isinstance(value, kind):
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


STATISTICS = collected(Statistic)
METRICS = collected(Metric)
check(STATISTICS.values(), {name for columns in COLUMNS.values() for name in columns})
check(METRICS.values(), STATISTICS)


def statistics_of(kind: str) -> tuple[Statistic, ...]:
    """The statistics that apply to a kind of task: those whose inputs its examples have."""
    return tuple(s for s in STATISTICS.values() if set(s.inputs) <= COLUMNS[kind])


def metrics_of(kind: str) -> tuple[Metric, ...]:
    """The metrics that apply to a kind of task: those whose statistics do."""
    names = {s.name for s in statistics_of(kind)}
    return tuple(m for m in METRICS.values() if set(m.inputs) <= names)


def columns_of(kind: str, options: Options) -> dict[str, Statistic]:
    """The statistics of a kind of task by their column in the tables."""
    return {s.column(options): s for s in statistics_of(kind)}
