"""What one part of a configuration asks of another: names that refer to names, keys that need keys."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator

from jobs.errors import Problem, described, nearest_match, one_of
from jobs.settings.errors import Location, dotted
from jobs.settings.evaluation import Evaluation
from jobs.settings.logs import BINARY, Source
from udfs.catalog import statistics_of
from udfs.kinds import KINDS
from udfs.measures.peers import PEERS, peer_columns

KEY_COLUMNS = (
    "event_date", "age_hours", "task", "model", "slice", "shard", "bin", "class", "metric", "as_of", "run_id",
    "provisional", "other", "comparison",
)  # fmt: skip
PRICED = ("priced_positive_nll", "priced_negative_nll", "nll")  # what the view statistics_priced adds
OF_LEDGERS = (
    "is_final", "negatives", "correct", "base_rate", "mean_score", "predicted_over_actual", "brier_score", "log_loss",
    "label_entropy", "normalized_entropy",
)  # fmt: skip
OF_SLICES = (  # the columns of views that have the dimensions of a slice beside them
    "value", "ci_low", "ci_high", "positives", "reason", "ci_reason", "clip", "against", "place", "before", "now",
    "difference", "relative_difference", "p_adjusted", "within", "mix", "interaction", "calibration", "discrimination",
    "uncertainty", "harm", "first_bad_day", "candidate", "baseline", "candidate_value", "baseline_value",
    "running_value", "running_low", "running_high", "running_since", "detectable", "only_candidate", "only_baseline",
    "gate", "verdict", "fails", "sentence", "low", "high", "least", "most", "label", "expected_positives",
    "expected_low", "expected_high", "of_expected", "share", "share_low", "share_high", "share_of", "retracted",
    "part", "auc",
    "log_loss_low", "log_loss_high", "log_loss_nowcast",
    "normalized_entropy_low", "normalized_entropy_high", "normalized_entropy_nowcast",
    "predicted_over_actual_low", "predicted_over_actual_high", "predicted_over_actual_nowcast",
)  # fmt: skip
STATISTICS = {name: statistic for kind in KINDS for name, statistic in statistics_of(kind).items()}
RESERVED = (*KEY_COLUMNS, *STATISTICS, *PRICED, *OF_LEDGERS, *OF_SLICES, *peer_columns(PEERS))
# The options of these are part of their names, as in positive_focal_g2.
RESERVED_STARTS = tuple(statistic.name for statistic in STATISTICS.values() if statistic.suffix)

Reference = tuple[Location, str]


def is_reserved(name: str) -> bool:
    """Whether our tables have a column of a name already, as engines compare them: without case."""
    return name.lower() in RESERVED or name.lower().startswith(RESERVED_STARTS)


def relation_problems(settings: Evaluation) -> Iterator[Problem]:
    """Yield what is wrong between the parts of a configuration whose shapes are right."""
    checks = (_references, _given, _unscored, _reserved, _names, _repeats, _join_columns, _bins, _comparisons)
    for check in (*checks, _values, _clicks):
        yield from check(settings)


def sources(settings: Evaluation) -> Iterator[tuple[Location, Source]]:
    """Yield the sources, and where they stand."""
    yield ("impressions", "source"), settings.impressions.source
    yield from ((("labels", name, "source"), log.source) for name, log in settings.label_logs.items())


def _references(settings: Evaluation) -> Iterator[Problem]:
    of_slices = [
        (("slices", rank, k), name) for rank, names in enumerate(settings.slices) for k, name in enumerate(names)
    ]
    of_limits = [(("limits", "values", name), name) for name in settings.limits.values]
    yield from _unknown("labels", settings.labels, _labels(settings))
    yield from _unknown("dimensions", settings.dimensions, [*of_slices, *of_limits])
    yield from _unknown("tasks", settings.tasks, _tasks(settings))
    yield from _unknown("models", settings.models, _models(settings))


def _labels(settings: Evaluation) -> Iterator[Reference]:
    for name, task in settings.tasks.items():
        yield ("tasks", name, "label"), task.label
        if task.given is not None:
            yield ("tasks", name, "given"), task.given


def _tasks(settings: Evaluation) -> Iterator[Reference]:
    yield from ((("baselines", "reference", task), task) for task in settings.baselines.reference)
    yield from ((("models", model, task), task) for model, scores in settings.models.items() for task in scores)
    yield from ((("joint", name, task), task) for name, weights in settings.joint.items() for task in weights)
    for name, comparison in settings.comparisons.items():
        yield from ((("comparisons", name, "tasks", rank), task) for rank, task in enumerate(comparison.tasks))


def _models(settings: Evaluation) -> Iterator[Reference]:
    for name, comparison in settings.comparisons.items():
        yield ("comparisons", name, "candidate"), comparison.candidate
        yield ("comparisons", name, "baseline"), comparison.baseline


def _unknown(section: str, known: Collection[str], references: Iterable[Reference]) -> Iterator[Problem]:
    for place, name in references:
        if name not in known:
            yield Problem(dotted(place), described(name), f"{one_of(known)} ({section})", nearest_match(name, known))


def _given(settings: Evaluation) -> Iterator[Problem]:
    for name, task in settings.tasks.items():
        label = settings.labels.get(task.given or "")
        place = dotted(("tasks", name, "given"))
        if label is not None and label.values != BINARY:
            told = f"{described(task.given)}, whose values are {label.values}"
            yield Problem(place, told, f"a label whose values are {BINARY}")
        if task.given == task.label:
            yield Problem(place, described(task.given), "another label than the task's own")


def _unscored(settings: Evaluation) -> Iterator[Problem]:
    scored = {task for scores in settings.models.values() for task in scores}
    for name, task in settings.tasks.items():
        # A product is scored by the tasks it is made of.
        if name not in scored and task.score is None:
            yield Problem(dotted(("tasks", name)), "no model that scores it", "its name under at least one model")


def _reserved(settings: Evaluation) -> Iterator[Problem]:
    for rank, name in enumerate(settings.dimensions):
        if is_reserved(name):
            expected = "a name that is no key column or statistic of our tables"
            yield Problem(dotted(("dimensions", rank)), described(name), expected)


def _names(settings: Evaluation) -> Iterator[Problem]:
    # The table of rejected rows names their source, and that of the impressions is taken.
    if "impressions" in settings.label_logs:
        place = dotted(("labels", "impressions"))
        yield Problem(place, "'impressions'", "another name: the impressions themselves are called so")
    for name in settings.joint.keys() & settings.tasks.keys():
        yield Problem(dotted(("joint", name)), "the name of a task", "a name of its own")


def _repeats(settings: Evaluation) -> Iterator[Problem]:
    lists: list[tuple[Location, tuple[str, ...]]] = [(("dimensions",), settings.dimensions)]
    lists += [(("slices", rank), names) for rank, names in enumerate(settings.slices)]
    lists += [((*place, "names"), source.names) for place, source in sources(settings)]
    lists += [(("changes", "against"), settings.changes.names)]
    for place, names in lists:
        yield from _repeated(place, [name.lower() for name in names])
    yield from _repeated(("slices",), map(frozenset, settings.slices))
    for name, gate in settings.gates.items():
        yield from _repeated(("gates", name, "slices"), map(frozenset, gate.slices))


def _repeated(place: Location, items: Iterable[Hashable]) -> Iterator[Problem]:
    first: dict[Hashable, int] = {}
    for rank, item in enumerate(items):
        if first.setdefault(item, rank) != rank:
            yield Problem(dotted((*place, rank)), f"the same as {dotted((*place, first[item]))}", "each once")


def _join_columns(settings: Evaluation) -> Iterator[Problem]:
    logs = " and ".join(settings.label_logs)
    columns = settings.impressions.columns
    for key, column in {"id": columns.id, "time": columns.time}.items() if logs else ():
        if column is None:
            expected = f"a column, as the label log {logs} is joined by it"
            yield Problem(dotted(("impressions", "columns", key)), "nothing", expected)


def _values(settings: Evaluation) -> Iterator[Problem]:
    for name, log in settings.label_logs.items():
        place, column = dotted(("labels", name, "columns", "value")), log.columns.value
        if log.valued and column is None:
            yield Problem(place, "nothing", f"a column, as events: {log.events} is made of the values of events")
        if column is not None and not log.valued:
            yield Problem(
                place, described(column), f"none, as events: {log.events} asks for no value; or first, or sum"
            )


def _clicks(settings: Evaluation) -> Iterator[Problem]:
    logs = settings.label_logs
    for name, log in logs.items():
        if log.attribution == "post_click" and log.via is None:
            expected = "post_view, or the log of the clicks in via"
            yield Problem(dotted(("labels", name, "attribution")), described(log.attribution), expected)
        if log.via is None:
            continue
        known = [other for other, click in logs.items() if other != name and click.via is None]
        if log.via not in known:
            expected = f"{one_of(known)} (label logs that are about impressions)"
            nearest = nearest_match(log.via, known)
            yield Problem(dotted(("labels", name, "via")), described(log.via), expected, nearest)
        elif logs[log.via].columns.event is None:
            expected = f"the column of the ids that {name} has of them"
            yield Problem(dotted(("labels", log.via, "columns", "event")), "nothing", expected)


def _bins(settings: Evaluation) -> Iterator[Problem]:
    declared = set(map(frozenset, settings.slices))
    for rank, names in enumerate(settings.bins.slices):
        if frozenset(names) not in declared:
            yield Problem(dotted(("bins", "slices", rank)), described(names), "one of the declared slices")


def _comparisons(settings: Evaluation) -> Iterator[Problem]:
    for name, own in settings.comparisons.items():
        place = ("comparisons", name)
        if own.candidate == own.baseline:
            yield Problem(dotted((*place, "candidate")), described(own.candidate), "another model than the baseline")
        elif {own.candidate, own.baseline} <= settings.models.keys():
            yield from _compared(settings, name, place)


def _compared(settings: Evaluation, name: str, place: Location) -> Iterator[Problem]:
    named, both = settings.comparisons[name].tasks, settings.compared(name)
    if not (named or both):
        yield Problem(dotted(place), "two models without a common task", "models that score a task both")
    for rank, task in enumerate(named):
        if task in settings.tasks and task not in both:
            yield Problem(dotted((*place, "tasks", rank)), described(task), "a task that both models score")
    if settings.comparisons[name].pair_statistics:
        yield from _pair_statistics(settings, both, (*place, "pair_statistics"))


def _pair_statistics(settings: Evaluation, tasks: Iterable[str], place: Location) -> Iterator[Problem]:
    kinds = " and ".join(kind.name for kind in KINDS.values() if kind.pairs)
    for task in tasks:
        kind = KINDS[settings.tasks[task].kind]
        if not kind.pairs:
            expected = f"false, or only tasks of the kinds {kinds} in tasks, as {task} is of the kind {kind.name}"
            yield Problem(dotted(place), "true", expected)
