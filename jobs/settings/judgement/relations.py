"""What gates ask of the rest of a configuration: tasks, models, comparisons, metrics and slices that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from jobs.errors import Problem, described, nearest_match, one_of
from jobs.settings.errors import dotted
from jobs.settings.evaluation import Evaluation
from jobs.settings.judgement.changing import changing
from jobs.settings.judgement.gates import Gate
from udfs.catalog import published, published_against
from udfs.kinds import KINDS
from udfs.measure import Metric
from udfs.measures.baselines import BASELINES
from udfs.measures.peers import peer_metrics


def gate_problems(settings: Evaluation) -> Iterator[Problem]:
    """Yield what a gate names that is not there, with the nearest match."""
    for name, gate in settings.gates.items():
        for key, asked, known in _names(settings, gate):
            if asked is not None and asked not in known:
                expected = one_of(known) if len(known) <= 12 else "a metric of the task, see docs/metrics.md"
                yield Problem(dotted(("gates", name, key)), described(asked), expected, nearest_match(asked, known))
        yield from _directions(settings, name, gate)
        yield from _intervals(settings, name, gate)
        yield from _slices(settings, name, gate)


def _slices(settings: Evaluation, name: str, gate: Gate) -> Iterator[Problem]:
    if not gate.slices:
        yield Problem(dotted(("gates", name, "slices")), "none", "one at least; [] is the total")
    found = metrics_of_model(settings, gate.task) if gate.task in settings.tasks else {}
    of_bins = gate.metric in found and found[gate.metric].over == "bins"
    slices, what = (settings.bins.slices, "slices of bins") if of_bins else (settings.slices, "declared slices")
    declared = {frozenset(names): _written(names) for names in slices}
    for rank, names in enumerate(gate.slices):
        if frozenset(names) not in declared:
            own, known = _written(names), declared.values()
            place = dotted(("gates", name, "slices", rank))
            yield Problem(place, own, f"one of the {what} {', '.join(known)}", nearest_match(own, known))


def _written(names: Collection[str]) -> str:
    return f"[{', '.join(names)}]"


def alert_problems(settings: Evaluation) -> Iterator[Problem]:
    """Yield what alerts ask of gates that are not there, or in another unit than theirs."""
    for name, effect in settings.alerts.least_effect.items():
        place = dotted(("alerts", "least_effect", name))
        if name not in settings.gates:
            yield Problem(place, described(name), one_of(settings.gates), nearest_match(name, settings.gates))
        elif effect.relative != settings.gates[name].relative:
            unit = "a part such as 1%" if settings.gates[name].relative else "an amount such as 0.01"
            yield Problem(place, described(str(effect)), f"{unit}, as the gate's own numbers are")


def metrics_of_task(settings: Evaluation, task: str) -> dict[str, Metric]:
    """The metrics that a task has in this configuration, by the name they are published under."""
    kind = settings.tasks[task].kind
    found = published(kind, settings.loss.options)
    if KINDS[kind].bins and settings.bins.slices:
        found |= published(kind, settings.bins.options, "bins")
    if KINDS[kind].of_classes:
        found |= published(kind, settings.loss.options, "classes")
    if KINDS[kind].baselines:
        lacking = set() if task in settings.baselines.reference else {"reference"}
        for baseline in BASELINES.keys() - lacking:
            found |= published_against(kind, baseline)
    return found | (peer_metrics(settings.compatibility) if KINDS[kind].peers else {})


def metrics_of_model(settings: Evaluation, task: str) -> dict[str, Metric]:
    """Those that a gate of a model can ask for: also what they will be, while the labels of the task still arrive."""
    return metrics_of_task(settings, task) | nowcasts_of(settings, task)


def nowcasts_of(settings: Evaluation, task: str) -> dict[str, Metric]:
    """The nowcasts of a task by their published name; none where its labels no longer change at any configured age."""
    of = settings.tasks[task]
    if of.label not in settings.label_logs or all(settings.is_final(age, task) for age in settings.hours):
        return {}
    return published(of.kind, settings.loss.options, "nowcast")


def metrics_compared(settings: Evaluation, task: str) -> dict[str, Metric]:
    """Those of a task of which the difference of two models is told: not of totals, nor of what is no end in itself."""
    found = metrics_of_task(settings, task).items()
    return {name: m for name, m in found if m.spread == "mean" or (m.spread == "none" and m.better is not None)}


def _names(settings: Evaluation, gate: Gate) -> Iterator[tuple[str, str | None, Collection[str]]]:
    """Each key of a gate that names something, what it names, and what there is."""
    yield "task", gate.task, settings.tasks
    if gate.task not in settings.tasks:
        return
    yield "model", gate.model, [model for task, model in settings.pairs if task == gate.task]
    yield "comparison", gate.comparison, [n for n in settings.comparisons if gate.task in settings.compared(n)]
    yield "metric", gate.metric, _metrics(settings, gate)
    yield "against", gate.against, settings.changes.names


def _metrics(settings: Evaluation, gate: Gate) -> dict[str, Metric]:
    """The metrics that a gate can ask for: of changes and of comparisons there are fewer."""
    kind = settings.tasks[gate.task].kind
    if gate.against is not None:
        return changing(kind, settings) | nowcasts_of(settings, gate.task)
    if gate.comparison is not None:
        return metrics_compared(settings, gate.task)
    return metrics_of_model(settings, gate.task)


def _directions(settings: Evaluation, name: str, gate: Gate) -> Iterator[Problem]:
    """Better and worse are said of metrics only of which one end is good."""
    if gate.kind in ("within", "rows", "final") or gate.task not in settings.tasks:
        return
    metric = metrics_of_model(settings, gate.task).get(gate.metric or "")
    if metric is not None and metric.better is None:
        expected = "a metric of which less or more is better; within: [low, high] asks for this one"
        yield Problem(dotted(("gates", name, "metric")), described(gate.metric), expected)


def _intervals(settings: Evaluation, name: str, gate: Gate) -> Iterator[Problem]:
    """A gate of a comparison rests on the interval of a difference, which some metrics never have."""
    if gate.comparison is None or gate.task not in settings.tasks:
        return
    metric = metrics_compared(settings, gate.task).get(gate.metric or "")
    expected = None if metric is None else _lacking(settings, metric)
    if expected is not None:
        yield Problem(dotted(("gates", name, "metric")), described(gate.metric), expected)


def _lacking(settings: Evaluation, metric: Metric) -> str | None:
    """What there would have to be for an interval of the difference of two models."""
    if metric.over == "bins" and metric.spread == "mean" and not settings.bins.shards:
        return "bins.shards: true with it, as what is made of score bins is compared shard by shard"
    of_cells = {"stratified"} if () in settings.slices else {"stratified", "total"}
    if metric.spread == "none" or metric.name.partition("[")[2].rstrip("]") in of_cells:
        return "a metric whose difference has an interval, see docs/metrics.md"
    return None
