"""All statistics and metrics there are, collected from the families of each kind of task and checked at import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType, ModuleType

from udfs.examples.bins import BIN_COLUMNS
from udfs.examples.classes import CLASS_COLUMNS
from udfs.examples.pairs import PAIR_COLUMNS
from udfs.kinds import KINDS
from udfs.measure import OVER, M, Measure, Metric, Options, Over, Statistic
from udfs.measures.baselines import BASELINES
from udfs.measures.nowcast import NOWCAST

BASELINE_COLUMNS = {column for columns in BASELINES.values() for column in columns}
OF_PAIRS = ("n", "weight")  # of all statistics, those that are the same of both models
OPTIONS = ("alpha", "gamma", "k", "threshold", "calibration_bins")


def collected(type_: type[M], families: Iterable[ModuleType], over: Over = "rows") -> Mapping[str, M]:
    """The statistics or the metrics over one thing in the order of their declaration, by name."""
    found: dict[str, M] = {}
    for value in (value for family in families for value in vars(family).values()):
        if isinstance(value, type_) and value.over == over:
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


def statistics_of(kind: str, over: Over = "rows") -> Mapping[str, Statistic]:
    """The statistics of a kind of task, by name.

    Those over `classes` are the columns of `class_statistics`, those over `pairs` of `pair_statistics`.
    """
    return _statistics(KINDS[kind].families, over)


def metrics_of(kind: str, over: Over = "rows") -> Mapping[str, Metric]:
    """The metrics of a kind of task, by name; those over a `baseline` by their name without it."""
    return _metrics(KINDS[kind].families, over)


# By their families and not by the name of the kind, which may come to stand for others.
@cache
def _statistics(families: tuple[ModuleType, ...], over: Over) -> Mapping[str, Statistic]:
    return collected(Statistic, families, over)


@cache
def _metrics(families: tuple[ModuleType, ...], over: Over) -> Mapping[str, Metric]:
    return collected(Metric, families, over)


def columns_of(kind: str, options: Options) -> dict[str, Statistic]:
    """The statistics of a kind of task, their options bound, by their column in the tables."""
    return {s.column(choice): s.bound(choice) for s in statistics_of(kind).values() for choice in s.choices(options)}


def published(kind: str, options: Options, over: Over = "rows") -> dict[str, Metric]:
    """The metrics of a kind of task, their options bound, by the name they are published under.

    Their inputs are columns of the tables: where both have an option, a metric reads the statistic of its own value.
    """
    statistics = statistics_of(kind)
    return {
        metric.published_as(choice): _reading(metric.bound(choice), statistics, {**options, **choice})
        for metric in metrics_of(kind, over).values()
        for choice in metric.choices(options)
    }


def published_against(kind: str, baseline: str) -> dict[str, Metric]:
    """The metrics of a kind of task against one of `BASELINES`, by name.

    Their inputs are statistics and the columns that `BASELINES` names: the caller adds those to the sums.
    """
    known = statistics_of(kind).keys() | set(BASELINES[baseline])
    over = metrics_of(kind, "baseline").values()
    found = (metric.against(baseline) for metric in over if known.issuperset(metric.inputs))
    return {metric.name: metric for metric in found}


def unnamed_options(kind: str) -> dict[str, tuple[str, ...]]:
    """The options that decide a number without being part of its name, each with the metrics that depend on it.

    A metric depends on its own options and on those of the statistics it reads, as focal_loss does on gamma.
    """
    statistics = statistics_of(kind)
    found: dict[str, list[str]] = {}
    for over in OVER:
        for metric in metrics_of(kind, over).values():
            read = {option for name in metric.inputs if name in statistics for option in statistics[name].options}
            for option in sorted({*metric.options, *read}):
                if "{" + option + "}" not in metric.suffix:
                    found.setdefault(option, []).append(metric.name)
    return {option: tuple(names) for option, names in found.items()}


def _reading(metric: Metric, statistics: Mapping[str, Statistic], options: Options) -> Metric:
    return replace(metric, inputs=tuple(_column(name, statistics, options) for name in metric.inputs))


def _column(name: str, statistics: Mapping[str, Statistic], options: Options) -> str:
    if name not in statistics:
        return name
    (column,) = (statistics[name].column(choice) for choice in statistics[name].choices(options))
    return column


def inputs_of(kind: str) -> dict[tuple[type[Measure], Over], Collection[str]]:
    """What the parameters of a kind's statistics and metrics can be called, by what they are over."""
    statistics = statistics_of(kind)
    return {
        (Statistic, "rows"): KINDS[kind].columns,
        (Statistic, "classes"): CLASS_COLUMNS,
        (Statistic, "pairs"): PAIR_COLUMNS,
        (Metric, "rows"): statistics,
        (Metric, "bins"): BIN_COLUMNS,
        (Metric, "classes"): {*statistics, *statistics_of(kind, "classes")},
        (Metric, "baseline"): {*statistics, *BASELINE_COLUMNS},
        (Metric, "nowcast"): {*statistics, *NOWCAST},
        (Metric, "pairs"): {*OF_PAIRS, *statistics_of(kind, "pairs")},
    }


for _kind in KINDS.values():
    for (_type, _over), _inputs in inputs_of(_kind.name).items():
        check(collected(_type, _kind.families, _over).values(), _inputs)
_same = {(s.name, id(s)) for kind in KINDS for s in statistics_of(kind).values()}
if len(_same) != len({name for name, _ in _same}):
    raise TypeError("a statistic of one name has one formula, whatever the kind of the task")
