"""What a kind of task asks of its label, its scores and the rest of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jobs.errors import Problem, described
from jobs.settings.errors import dotted
from jobs.settings.evaluation import Evaluation
from jobs.settings.fields import rate_text
from jobs.settings.sections import ModelScore, Task
from udfs.kind import Kind
from udfs.kinds import KINDS

FACTORS = 2


def kind_problems(settings: Evaluation) -> Iterator[Problem]:
    """Yield what does not fit the kinds of the tasks of a configuration whose shapes are right."""
    for name, task in settings.tasks.items():
        for check in (_label, _sampling, _product, _group):
            yield from check(settings, name, task, KINDS[task.kind])
    yield from _scores(settings)
    yield from _references(settings)


def _scores(settings: Evaluation) -> Iterator[Problem]:
    for model, scores in settings.models.items():
        for name in scores.keys() & settings.tasks.keys():
            for check in (_columns, _rate, _scored_twice):
                yield from check(settings, model, name, scores[name])


def _references(settings: Evaluation) -> Iterator[Problem]:
    for name, rate in settings.baselines.reference.items():
        if name in settings.tasks and not KINDS[settings.tasks[name].kind].baselines:
            expected = f"rates of {_kinds(lambda kind: kind.baselines)} tasks only"
            yield Problem(dotted(("baselines", "reference", name)), described(rate_text(rate)), expected)


def _kinds(asked: Callable[[Kind], bool]) -> str:
    return " or ".join(kind.name for kind in KINDS.values() if asked(kind))


def _label(settings: Evaluation, name: str, task: Task, kind: Kind) -> Iterator[Problem]:
    label = settings.labels.get(task.label)
    if label is not None and label.values not in kind.labels:
        found = f"{described(task.label)}, whose values are {label.values}"
        expected = f"a label of a {kind.name} task, whose values are {' or '.join(kind.labels)}"
        yield Problem(dotted(("tasks", name, "label")), found, expected)


def _sampling(settings: Evaluation, name: str, task: Task, kind: Kind) -> Iterator[Problem]:
    column, label = settings.impressions.columns.sampling_rate, settings.labels.get(task.label)
    if column is not None and kind.sampling and label is not None and label.values == "soft":
        expected = f"none, as the label of {name} is soft, which does not say which rows are sampled negatives"
        yield Problem(dotted(("impressions", "columns", "sampling_rate")), described(column), expected)


def _product(settings: Evaluation, name: str, task: Task, kind: Kind) -> Iterator[Problem]:
    if task.score is None:
        return
    factors = task.score.product
    plain = [n for n, other in settings.tasks.items() if KINDS[other.kind].products and other.score is None]
    place = dotted(("tasks", name, "score", "product"))
    if not kind.products or len(factors) != FACTORS or not set(factors) <= set(plain):
        several = f"two {_kinds(lambda each: each.products)} tasks that models score, of {', '.join(plain)}"
        yield Problem(place, described(factors), several)
    elif not any(scores.keys() >= set(factors) for scores in settings.models.values()):
        yield Problem(place, described(factors), "a model that scores both")


def _group(settings: Evaluation, name: str, task: Task, kind: Kind) -> Iterator[Problem]:
    columns = settings.impressions.columns
    for key, column in {"group": columns.group, "id": columns.id}.items() if kind.of_groups else ():
        if column is None:
            expected = f"a column, as {name} is about the impressions of a group, in the order of their ids"
            yield Problem(dotted(("impressions", "columns", key)), "nothing", expected)
    if kind.of_groups and task.given is not None:
        yield Problem(dotted(("tasks", name, "given")), described(task.given), "none: a group is whole")


def _columns(settings: Evaluation, model: str, name: str, score: ModelScore) -> Iterator[Problem]:
    task, columns = settings.tasks[name], len(score.score)
    several = KINDS[task.kind].of_classes
    if columns == 1 or (several and task.label not in settings.labels):
        return
    classes = len(settings.classes(name)) if several else 1
    if columns != classes:
        expected = f"a column for each of {classes} classes, or one array of them" if several else "one column"
        yield Problem(dotted(("models", model, name, "score")), f"{columns} columns", expected)


def _rate(settings: Evaluation, model: str, name: str, score: ModelScore) -> Iterator[Problem]:
    factors = {factor for task in settings.tasks.values() if task.score is not None for factor in task.score.product}
    # A product would be made of its factors as they are.
    if score.negatives_rate is not None and (not KINDS[settings.tasks[name].kind].sampling or name in factors):
        expected = f"none, but for a {_kinds(lambda kind: kind.sampling)} task that is no factor of another"
        place = dotted(("models", model, name, "negatives_rate"))
        yield Problem(place, described(score.negatives_rate), expected)


def _scored_twice(settings: Evaluation, model: str, name: str, _: ModelScore) -> Iterator[Problem]:
    if settings.tasks[name].score is not None:
        expected = f"none, as {name} is scored by a product; compare with it in a task of another name"
        yield Problem(dotted(("models", model, name)), "a score", expected)
