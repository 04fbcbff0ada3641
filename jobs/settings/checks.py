"""What a shape cannot say of a configuration: names that refer to names, keys that need or exclude keys.

The checks read the plain mapping, so that a wrong shape in one place hides no wrong name in another.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from jobs.errors import Problem, described, nearest_match, one_of
from jobs.settings.errors import dotted
from udfs.catalog import statistics_of
from udfs.kinds import KINDS
from udfs.measures.peers import PEERS, peer_columns

KEY_COLUMNS = (
    "event_date", "age_hours", "task", "model", "slice", "shard", "bin", "class", "metric", "as_of", "run_id",
    "provisional",
)  # fmt: skip
PRICED = ("priced_positive_nll", "priced_negative_nll", "nll")  # what the view statistics_priced adds
OF_VIEWS = (
    *(
        "is_final",
        "negatives",
        "correct",
        "base_rate",
        "mean_score",
        "predicted_over_actual",
        "brier_score",
        "log_loss",
    ),
    *("label_entropy", "normalized_entropy"),
)  # and the views of ledgers
STATISTICS = {name: statistic for kind in KINDS for name, statistic in statistics_of(kind).items()}
RESERVED = (*KEY_COLUMNS, *STATISTICS, *PRICED, *OF_VIEWS, *peer_columns(PEERS))
# The options of these are part of their names, as in positive_focal_g2.
RESERVED_STARTS = tuple(statistic.name for statistic in STATISTICS.values() if statistic.suffix)

LABEL_LOG_KEYS = frozenset({"source", "columns", "window", "lateness"})
SOURCES = ("impressions.source", "labels.*.source")
REFERENCES = (("tasks.*.label", "labels"), ("tasks.*.given", "labels"), ("slices.*.*", "dimensions"))
KEY_REFERENCES = (
    *(("models.*.*", "tasks"), ("baselines.reference.*", "tasks"), ("joint.*.*", "tasks")),
    ("limits.values.*", "dimensions"),
)

Place = tuple[object, ...]


def found(node: object, pattern: str, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """Yield every place that fits a pattern, with its value; `*` stands for any key or index.

    >>> list(found({"tasks": {"ctr": {"label": "click"}}}, "tasks.*.label"))
    [(('tasks', 'ctr', 'label'), 'click')]
    """
    if not pattern:
        yield place, node
        return
    part, _, rest = pattern.partition(".")
    for key, value in _children(node):
        if part in ("*", key):
            yield from found(value, rest, (*place, key))


def _children(node: object) -> Iterable[tuple[object, object]]:
    if isinstance(node, Mapping):
        return node.items()
    return enumerate(node) if isinstance(node, list | tuple) else ()


def looks_like_log(label: object) -> bool:
    """Whether a label is meant as a log of its own rather than as a column of the impressions."""
    return isinstance(label, Mapping) and not LABEL_LOG_KEYS.isdisjoint(label)


def relation_problems(config: object) -> list[Problem]:
    """Return what is wrong between the parts of a configuration, whatever the shape of the others."""
    checks = (_references, _given, _unscored, _reserved, _logs, _repeats, _sources, _names, _tables, _join_columns)
    return [problem for check in checks for problem in check(config)]


def at(node: object, *keys: object) -> object:
    """Return what is at a place, or None."""
    for key in keys:
        node = dict(_children(node)).get(key)
    return node


def _references(config: object) -> Iterator[Problem]:
    named = [(place, value, section) for pattern, section in REFERENCES for place, value in found(config, pattern)]
    named += [(place, place[-1], section) for pattern, section in KEY_REFERENCES for place, _ in found(config, pattern)]
    for place, name, section in named:
        known = _declared(config, section)
        if known is not None and isinstance(name, str) and name not in known:
            yield Problem(dotted(place), described(name), f"{one_of(known)} ({section})", nearest_match(name, known))


def _declared(config: object, section: str) -> list[str] | None:
    names = [] if section == "dimensions" and at(config, section) is None else at(config, section)
    shape = list | tuple if section == "dimensions" else Mapping
    # Of a section without its shape nobody knows the names; that error is told once, not at each reference.
    return [name for name in names if isinstance(name, str)] if isinstance(names, shape) else None


def _given(config: object) -> Iterator[Problem]:
    for place, name in found(config, "tasks.*.given"):
        values = at(config, "labels", name, "values") if isinstance(name, str) else None
        if values in ("signed", "soft", "number", "classes"):
            told = f"{described(name)}, whose values are {values}"
            yield Problem(dotted(place), told, "a label whose values are binary")
        if name is not None and name == at(config, *place[:-1], "label"):
            yield Problem(dotted(place), described(name), "another label than the task's own")


def _unscored(config: object) -> Iterator[Problem]:
    scored = {place[-1] for place, _ in found(config, "models.*.*")}
    for place, task in found(config, "tasks.*"):
        # A product is scored by the tasks it is made of.
        if place[-1] not in scored and at(task, "score") is None:
            yield Problem(dotted(place), "no model that scores it", "its name under at least one model")


def _is_reserved(name: str) -> bool:
    return name in RESERVED or name.startswith(RESERVED_STARTS)


def _reserved(config: object) -> Iterator[Problem]:
    for place, name in found(config, "dimensions.*"):
        # Spark compares column names without case.
        if isinstance(name, str) and _is_reserved(name.lower()):
            yield Problem(dotted(place), described(name), "a name that is no key column or statistic of our tables")


def _logs(config: object) -> Iterator[Problem]:
    for place, label in found(config, "labels.*"):
        # The table of rejected rows names their source, and that of the impressions is taken.
        if looks_like_log(label) and place[-1] == "impressions":
            yield Problem(dotted(place), described(place[-1]), "another name: the impressions themselves are called so")


def _repeats(config: object) -> Iterator[Problem]:
    for pattern in ("dimensions", "slices.*", *(f"{source}.names" for source in SOURCES)):
        for place, names in _lists(config, pattern):
            yield from _repeated(((*place, rank), name.lower()) for rank, name in _texts(names))
    slices = _lists(config, "slices.*")
    yield from _repeated((place, frozenset(name for _, name in _texts(names))) for place, names in slices)


def _lists(config: object, pattern: str) -> Iterator[tuple[Place, Sequence[object]]]:
    return ((place, value) for place, value in found(config, pattern) if isinstance(value, list | tuple))


def _texts(values: Sequence[object]) -> Iterator[tuple[int, str]]:
    return ((rank, value) for rank, value in enumerate(values) if isinstance(value, str))


def _repeated(items: Iterable[tuple[Place, Hashable]]) -> Iterator[Problem]:
    first: dict[Hashable, Place] = {}
    for place, identity in items:
        same = first.setdefault(identity, place)
        if same != place:
            yield Problem(dotted(place), f"the same as {dotted(same)}", "each once")


def _sources(config: object) -> Iterator[Problem]:
    for place, source in _mappings(config, *SOURCES):
        keys = _set_keys(source, "format", "path", "table")
        if keys not in (["format", "path"], ["table"]):
            yield Problem(dotted(place), _listed(keys), "either format and path, or table alone")


def _names(config: object) -> Iterator[Problem]:
    for place, source in _mappings(config, *SOURCES):
        headerless = at(source, "options", "header") in (None, False, "false")
        if _set_keys(source, "names") and not (headerless and source.get("format") == "csv"):
            yield Problem(dotted((*place, "names")), "names", "them only with format: csv and without a header")
        if _set_keys(source, "nulls") and source.get("format") != "csv":
            yield Problem(dotted((*place, "nulls")), "words for NULL", "them only with format: csv, where all is text")


def _tables(config: object) -> Iterator[Problem]:
    for place, tables in _mappings(config, "tables"):
        keys = _set_keys(tables, "path", "catalog", "schema")
        if keys not in (["path"], ["catalog", "schema"]):
            yield Problem(dotted(place), _listed(keys), "either path, or catalog and schema")


def _mappings(config: object, *patterns: str) -> Iterator[tuple[Place, Mapping[object, object]]]:
    places = (hit for pattern in patterns for hit in found(config, pattern))
    return ((place, value) for place, value in places if isinstance(value, Mapping))


def _set_keys(node: Mapping[object, object], *keys: str) -> list[str]:
    return [key for key in keys if node.get(key) not in (None, [], ())]


def _listed(keys: list[str]) -> str:
    return " and ".join(keys) or "none of its keys"


def _join_columns(config: object) -> Iterator[Problem]:
    logs = [str(place[-1]) for place, label in found(config, "labels.*") if looks_like_log(label)]
    columns = at(config, "impressions", "columns")
    for key in ("id", "time") if logs and isinstance(columns, Mapping | None) else ():
        if at(columns, key) is None:
            expected = f"a column, as the label log {_listed(logs)} is joined by it"
            yield Problem(dotted(("impressions", "columns", key)), "nothing", expected)
