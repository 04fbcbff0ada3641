"""All statistics and metrics there are, collected from the families of each kind of task and checked at import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType
from typing import TypeVar

from udfs.examples.bins import BIN_COLUMNS
from udfs.examples.classes import CLASS_COLUMNS
from udfs.kinds import KINDS
from udfs.measure import BaselineMetric, BinMetric, ClassMetric, ClassStatistic, Measure, Metric, Options, Statistic
from udfs.measures.baselines import BASELINES

BASELINE_COLUMNS = {column for columns in BASELINES.values() for column in columns}
OPTIONS = ("alpha", "gamma", "k", "threshold", "calibration_bins")

M = TypeVar("M", bound=Measure)
N = TypeVar("N", bound=Metric)


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
    return collected(Statistic, KINDS[kind].families)


def metrics_of(kind: str) -> Mapping[str, Metric]:
    """The metrics of a kind of task, by name."""
    return collected(Metric, KINDS[kind].families)


def baseline_metrics_of(kind: str) -> Mapping[str, BaselineMetric]:
    """The metrics against a baseline of a kind of task, by their name without the baseline."""
    return collected(BaselineMetric, KINDS[kind].families)


def bin_metrics_of(kind: str) -> Mapping[str, BinMetric]:
    """The metrics of score bins of a kind of task, by name."""
    return collected(BinMetric, KINDS[kind].families)


def class_statistics_of(kind: str) -> Mapping[str, ClassStatistic]:
    """The statistics of each class of a kind of task, by name: the columns of `class_statistics`."""
    return collected(ClassStatistic, KINDS[kind].families)


def class_metrics_of(kind: str) -> Mapping[str, ClassMetric]:
    """The metrics of the classes of a kind of task, by name."""
    return collected(ClassMetric, KINDS[kind].families)


def columns_of(kind: str, options: Options) -> dict[str, Statistic]:
    """The statistics of a kind of task, their options bound, by their column in the tables."""
    return {s.column(choice): s.bound(choice) for s in statistics_of(kind).values() for choice in s.choices(options)}


def published(kind: str, options: Options) -> dict[str, Metric]:
    """The metrics of a kind of task, their options bound, by the name they are published under.

    Their inputs are columns of the tables: where both have an option, a metric reads the statistic of its own value.
    """
    return _published(metrics_of(kind), kind, options)


def published_of_classes(kind: str, options: Options) -> dict[str, ClassMetric]:
    """The same of the metrics of classes; what is summed by class they read under its own name."""
    return _published(class_metrics_of(kind), kind, options)


def _published(metrics: Mapping[str, N], kind: str, options: Options) -> dict[str, N]:
    statistics = statistics_of(kind)
    return {
        metric.label(choice): _reading(metric.bound(choice), statistics, {**options, **choice})
        for metric in metrics.values()
        for choice in metric.choices(options)
    }


def published_against(kind: str, baseline: str) -> dict[str, BaselineMetric]:
    """The metrics of a kind of task against one of `BASELINES`, by name.

    Their inputs are statistics and the columns that `BASELINES` names: the caller adds those to the sums.
    """
    known = statistics_of(kind).keys() | set(BASELINES[baseline])
    found = (
        metric.against(baseline) for metric in baseline_metrics_of(kind).values() if known.issuperset(metric.inputs)
    )
    return {metric.name: metric for metric in found}


def published_of_bins(kind: str, options: Options) -> dict[str, BinMetric]:
    """The metrics of score bins of a kind of task, their options bound, by the name they are published under."""
    return {m.label(choice): m.bound(choice) for m in bin_metrics_of(kind).values() for choice in m.choices(options)}


def unnamed_options(kind: str) -> dict[str, tuple[str, ...]]:
    """The options that decide a number without being part of its name, each with the metrics that depend on it.

    A metric depends on its own options and on those of the statistics it reads, as focal_loss does on gamma.
    """
    statistics = statistics_of(kind)
    found: dict[str, list[str]] = {}
    for of in (metrics_of, class_metrics_of, bin_metrics_of, baseline_metrics_of):
        for metric in of(kind).values():
            read = {option for name in metric.inputs if name in statistics for option in statistics[name].options}
            for option in sorted({*metric.options, *read}):
                if "{" + option + "}" not in metric.suffix:
                    found.setdefault(option, []).append(metric.name)
    return {option: tuple(names) for option, names in found.items()}


def _reading(metric: N, statistics: Mapping[str, Statistic], options: Options) -> N:
    return replace(metric, inputs=tuple(_column(name, statistics, options) for name in metric.inputs))


def _column(name: str, statistics: Mapping[str, Statistic], options: Options) -> str:
    if name not in statistics:
        return name
    (column,) = (statistics[name].column(choice) for choice in statistics[name].choices(options))
    return column


for _kind in KINDS:
    check(statistics_of(_kind).values(), KINDS[_kind].columns)
    check(metrics_of(_kind).values(), statistics_of(_kind))
    check(baseline_metrics_of(_kind).values(), {*statistics_of(_kind), *BASELINE_COLUMNS})
    check(bin_metrics_of(_kind).values(), BIN_COLUMNS)
    check(class_statistics_of(_kind).values(), CLASS_COLUMNS)
    check(class_metrics_of(_kind).values(), {*statistics_of(_kind), *class_statistics_of(_kind)})
_same = {(s.name, id(s)) for kind in KINDS for s in statistics_of(kind).values()}
if len(_same) != len({name for name, _ in _same}):
    raise TypeError("a statistic of one name has one formula, whatever the kind of the task")
