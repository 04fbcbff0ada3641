"""What a kind of task asks of its label, its scores and the rest of a configuration."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.errors import Problem, described
from jobs.settings.checks import at
from jobs.settings.errors import dotted

VALUES = {
    "binary": ("binary", "signed", "soft"),
    "regression": ("binary", "signed", "soft", "number"),
    "multiclass": ("classes",),
    "candidates": ("binary", "soft", "number"),
}
KNOWN = {values for allowed in VALUES.values() for values in allowed}
FACTORS = 2


def kind_problems(config: object) -> list[Problem]:
    """Return what does not fit the kinds of the tasks, whatever the shape of the configuration."""
    checks = (
        _labels,
        _classes,
        _scores,
        _rates,
        _sampling,
        _products,
        _scored_twice,
        _groups,
        _weights,
        _baselines,
        _bins,
        _joint,
    )
    return [problem for check in checks for problem in check(config)]


def _section(config: object, *keys: str) -> dict[str, Any]:
    node = at(config, *keys)
    return {str(key): value for key, value in node.items()} if isinstance(node, Mapping) else {}


def _tasks(config: object) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, task in _section(config, "tasks").items():
        kind = task.get("kind", "binary") if isinstance(task, Mapping) else None
        if isinstance(kind, str) and kind in VALUES:
            yield name, kind, task


def _labels(config: object) -> Iterator[Problem]:
    for name, kind, task in _tasks(config):
        label = _section(config, "labels", str(task.get("label")))
        values = label.get("values", "binary")
        if label and isinstance(values, str) and values in KNOWN and values not in VALUES[kind]:
            expected = f"a label of a {kind} task, whose values are {' or '.join(VALUES[kind])}"
            found = f"{described(task['label'])}, whose values are {values}"
            yield Problem(dotted(("tasks", name, "label")), found, expected)


def _classes(config: object) -> Iterator[Problem]:
    for name in _section(config, "labels"):
        label = _section(config, "labels", name)
        classes = label.get("classes", ())
        if not isinstance(classes, list | tuple):
            continue
        place = dotted(("labels", name, "classes"))
        if label.get("values") != "classes" and classes:
            yield Problem(place, described(classes), "none, or values: classes")
        if label.get("values") == "classes" and len(set(map(str, classes))) < max(2, len(classes)):
            expected = "the names of two classes or more, each once, in the order of the scores"
            yield Problem(place, described(classes), expected)


def _scores(config: object) -> Iterator[Problem]:
    kinds = {name: (kind, task) for name, kind, task in _tasks(config)}
    for model in _section(config, "models"):
        for name in _section(config, "models", model).keys() & kinds.keys():
            kind, task = kinds[name]
            score = _section(config, "models", model, name).get("score")
            columns = len(score) if isinstance(score, list | tuple) else 1
            classes = _section(config, "labels", str(task.get("label"))).get("classes", ())
            allowed = (1, len(classes)) if kind == "multiclass" and isinstance(classes, list | tuple) else (1,)
            if columns not in allowed:
                several = f"a column for each of {allowed[-1]} classes, or one array of them"
                place = dotted(("models", model, name, "score"))
                yield Problem(place, f"{columns} columns", several if kind == "multiclass" else "one column")


def _rates(config: object) -> Iterator[Problem]:
    kinds = {name: kind for name, kind, _ in _tasks(config)}
    factors = {factor for _, _, task in _tasks(config) for factor in _texts(at(task, "score", "product"))}
    for model in _section(config, "models"):
        for name in _section(config, "models", model):
            rate = _section(config, "models", model, name).get("negatives_rate")
            # A product would be made of its factors as they are.
            if rate is not None and (kinds.get(name, "binary") != "binary" or name in factors):
                place = dotted(("models", model, name, "negatives_rate"))
                yield Problem(place, described(rate), "none, but for a binary task that is no factor of another")


def _texts(names: object) -> list[str]:
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


def _sampling(config: object) -> Iterator[Problem]:
    columns = _section(config, "impressions", "columns")
    for name, kind, task in _tasks(config):
        values = _section(config, "labels", str(task.get("label"))).get("values")
        if columns.get("sampling_rate") is not None and kind == "binary" and values == "soft":
            expected = f"none, as the label of {name} is soft, which does not say which rows are sampled negatives"
            place = dotted(("impressions", "columns", "sampling_rate"))
            yield Problem(place, described(columns["sampling_rate"]), expected)


def _products(config: object) -> Iterator[Problem]:
    kinds = {name: (kind, task) for name, kind, task in _tasks(config)}
    for name, (kind, task) in kinds.items():
        product = task["score"].get("product") if isinstance(task.get("score"), Mapping) else None
        if not isinstance(product, list | tuple):
            continue
        plain = [n for n, (k, t) in kinds.items() if k == "binary" and t.get("score") is None]
        place = dotted(("tasks", name, "score", "product"))
        if kind != "binary" or len(product) != FACTORS or not set(map(str, product)) <= set(plain):
            yield Problem(place, described(product), f"two binary tasks that models score, of {', '.join(plain)}")
        elif not any(_section(config, "models", m).keys() >= set(product) for m in _section(config, "models")):
            yield Problem(place, described(product), "a model that scores both")


def _scored_twice(config: object) -> Iterator[Problem]:
    products = {name for name, _, task in _tasks(config) if task.get("score") is not None}
    for model in _section(config, "models"):
        for name in sorted(_section(config, "models", model).keys() & products):
            expected = f"none, as {name} is scored by a product; compare with it in a task of another name"
            yield Problem(dotted(("models", model, name)), "a score", expected)


def _groups(config: object) -> Iterator[Problem]:
    columns = _section(config, "impressions", "columns")
    for name, kind, _ in _tasks(config):
        for key in ("group", "id"):
            if kind == "candidates" and columns.get(key) is None:
                expected = f"a column, as {name} is about the impressions of a group, in the order of their ids"
                yield Problem(dotted(("impressions", "columns", key)), "nothing", expected)
    for name, kind, task in _tasks(config):
        if kind == "candidates" and task.get("given") is not None:
            yield Problem(dotted(("tasks", name, "given")), described(task["given"]), "none: a group is whole")


def _weights(config: object) -> Iterator[Problem]:
    for name, _, task in _tasks(config):
        if task.get("weight") is not None and task.get("propensity") is not None:
            yield Problem(dotted(("tasks", name)), "weight and propensity", "one of them; the other is another task")


def _baselines(config: object) -> Iterator[Problem]:
    kinds = {name: kind for name, kind, _ in _tasks(config)}
    for name, rate in _section(config, "baselines", "reference").items():
        if kinds.get(name, "binary") != "binary":
            yield Problem(dotted(("baselines", "reference", name)), described(rate), "rates of binary tasks only")


def _bins(config: object) -> Iterator[Problem]:
    declared = config.get("slices", [[]]) if isinstance(config, Mapping) else ()
    known = {frozenset(map(str, names)) for _, names in _lists(declared)}
    for rank, names in _lists(_section(config, "bins").get("slices")):
        if frozenset(map(str, names)) not in known:
            yield Problem(dotted(("bins", "slices", rank)), described(names), "one of the declared slices")


def _lists(value: object) -> Iterator[tuple[int, Sequence[object]]]:
    """The lists of a list, and where they stand; whatever else stands there is told by its type."""
    for rank, each in enumerate(value if isinstance(value, list | tuple) else ()):
        if isinstance(each, list | tuple):
            yield rank, each


def _joint(config: object) -> Iterator[Problem]:
    for name in _section(config, "joint").keys() & _section(config, "tasks").keys():
        yield Problem(dotted(("joint", name)), "the name of a task", "a name of its own")
