"""What is no longer as it was when a night was done: files of its sources, sections of its configuration.

Of those also what they take: rows, where sums would be other ones, or only the sums that there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from functools import cache
from typing import Any, Final

import numpy as np

from jobs.errors import ConfigurationError
from jobs.examples.sent import binning
from jobs.inputs.scorings import scorings
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation, parse
from jobs.settings.errors import dotted
from jobs.settings.evaluation import fingerprint
from udfs.exact.arrays import FloatArray

Place = tuple[str, ...]
Pair = tuple[str, str]  # a task and a model
UNREADABLE: Final = "what was valid then and is not now"
ORDER: Final = "the order of labels"
ABSENT: Final = object()
ANY: Final = "*"
# What is made of sums by these is made again from the sums: metrics, intervals, judgements.
OF_RESULTS: Final[tuple[Place, ...]] = (
    *(("loss", name) for name in ("alpha", "clip", "gamma", "k")),
    *(("bins", name) for name in ("thresholds", "calibration_bins")),
    *((name,) for name in ("baselines", "changes", "comparisons", "compatibility", "gates", "joint")),
    ("limits", "min_rows"),
    *(("labels", ANY, name) for name in ("lateness", "level_since", "shortfall")),
)
# These say whether a day is taken, how it is found and who is told: what was taken stays, and has the same sums.
OF_CALLS: Final[tuple[Place, ...]] = (
    *((name,) for name in ("ages", "alerts", "lease", "tables")),
    *(("limits", name) for name in ("cells", "rejected_share", "rejects_kept", "stored_rejects", "volume")),
    ("day", "partition"),
    ("impressions", "complete"),
    *(("labels", ANY, name) for name in ("complete", "may_be_empty", "unmatched")),
    ("models", ANY, ANY, "required"),
)
# Of a call, not of the numbers of a day: when it is evaluated, who is told, where its tables are.
APART: Final = ("ages", "alerts", "lease", "tables")
# What tells a source apart: the files that can hold what the day needs, all files with their times, their names alone,
# a version of a Delta table.
TELLING: Final = ("of_day", "fingerprint", "names", "version")
COUNTED: Final = ("version", "files", "bytes")


def moved(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str | None:
    """How what `runs` noted of a source differs from what there is now, or None.

    Example:
        >>> moved({"fingerprint": "a", "files": 1, "bytes": 9}, {"fingerprint": "b", "files": 2, "bytes": 1200})
        'files 1 → 2, bytes 9 → 1,200'
        >>> moved({"version": 3}, {"version": 4, "fingerprint": "a"})
        'version 3 → 4'
        >>> moved({"version": 3, "of_day": "a"}, {"version": 4, "of_day": "a"})
    """
    if before is None:
        return "was not read"
    both = [key for key in TELLING if key in before and key in now]
    if both and before[both[0]] == now[both[0]]:
        return None
    counted = [key for key in COUNTED if key in before and key in now and before[key] != now[key]]
    moves = [f"{key} {before[key]:,} → {now[key]:,}" for key in counted]
    return ", ".join(moves) or "other files, or written anew"


def sections(settings: Evaluation, config: str, config_hash: str) -> tuple[str, ...]:
    """The sections that differ from a recorded configuration, read as it is read today; those apart aside.

    Args:
        settings: What is configured now.
        config: `runs.config`, the resolved configuration as JSON.
        config_hash: `runs.config_hash`, by which the order of its labels is known.
    """
    if config_hash == settings.fingerprint():
        return ()
    now = settings.document()
    try:
        before = recorded(config).document()
    except ConfigurationError:
        return (UNREADABLE,)
    changed = tuple(name for name in now if name not in APART and before.get(name) != now[name])
    return changed or (() if in_order(settings, config, config_hash) else (ORDER,))


def needing_rows(
    settings: Evaluation, config: str, config_hash: str, unscored: Set[Pair] = frozenset()
) -> tuple[str, ...]:
    """What the sums of a recorded configuration lack for the one of now: nothing, if they would be the same sums.

    Args:
        settings: What is configured now.
        config: `runs.config` of the run that has made the sums, its resolved configuration as JSON.
        config_hash: `runs.config_hash` of it, by which the order of its labels is known.
        unscored: The tasks × models that went without a row: of two others each row was scored by both.
    """
    if config_hash == settings.fingerprint():
        return ()
    try:
        before = recorded(config)
    except ConfigurationError:
        return (UNREADABLE,)
    other = [dotted(place) for place in _differing(before.document(), settings.document()) if not _is_free(place)]
    if not in_order(settings, config, config_hash):
        other.append(ORDER)
    if not other:
        other = [*_columns(before, settings), *_bins(before, settings), *_pairs(before, settings, unscored)]
    return tuple(dict.fromkeys(other))


@cache
def recorded(config: str) -> Evaluation:
    """A recorded configuration as it is read today.

    Raises:
        ConfigurationError: It is no longer valid.
    """
    return parse(json.loads(config))


def in_order(settings: Evaluation, config: str, config_hash: str) -> bool:
    """Whether labels are declared in the order in which they were: JSON of a table has lost it, its hash has not."""
    return fingerprint(settings.labels, json.loads(config)) == config_hash


def _differing(before: Any, now: Any, place: Place = ()) -> Iterator[Place]:
    """The places that differ between two configurations as plain values."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        yield place
        return
    for key in dict.fromkeys((*before, *now)):
        old, new = before.get(key, ABSENT), now.get(key, ABSENT)
        if old != new:
            yield from _differing(old, new, (*place, key))


def _is_free(place: Place) -> bool:
    """Whether no sum rests on what stands at a place."""
    return any(
        len(place) >= len(free) and all(part in (ANY, own) for part, own in zip(free, place, strict=False))
        for free in (*OF_RESULTS, *OF_CALLS)
    )


def _columns(before: Evaluation, now: Evaluation) -> Iterator[str]:
    """Statistics that were not summed then, as of another focal exponent."""
    for kind in now.kinds:
        known = statistics_of_kind(before, kind)
        yield from (f"the statistic {name}" for name in statistics_of_kind(now, kind) if name not in known)


def _bins(before: Evaluation, now: Evaluation) -> Iterator[str]:
    """Score bins that have other edges now: a threshold is one."""
    then, today = (_edges(each) for each in (before, now))
    if not all(np.array_equal(then[pair], edges) for pair, edges in today.items()):
        yield "other edges of score bins (bins.thresholds, bins.calibration_bins)"


def _edges(settings: Evaluation) -> dict[Pair, FloatArray]:
    """The edges of the bins of every task × model that has any."""
    every = ((s, binning(s, settings)) for s in scorings(settings))
    return {(s.task, s.model): of.edges for s, of in every if of is not None}


def _pairs(before: Evaluation, now: Evaluation, unscored: Set[Pair]) -> Iterator[str]:
    """Comparisons of two models whose rows were not told apart then, or whose scores were not compared."""
    known = {(task, frozenset(models)) for _, task, *models in _compared(before)}
    for name, task, a, b in _compared(now):
        if (task, frozenset((a, b))) not in known and not unscored.isdisjoint({(task, a), (task, b)}):
            yield f"which rows only one of {a} and {b} can score (comparisons.{name}: {task})"
    apart, asked = _of_scores(before), _of_scores(now)
    yield from (f"how far scores of {task} are apart ({a}, {b})" for task, a, b in sorted(asked - apart))
    # Their sizes decide in which units values are summed.
    values = {s.task for s in scorings(now) if s.kind.of_values}
    yield from (f"values of {task} in another unit" for task, _, _ in sorted(apart - asked) if task in values)


def _compared(settings: Evaluation) -> list[tuple[str, str, str, str]]:
    """Every comparison and task with its candidate and baseline."""
    every = settings.comparisons.items()
    return [(name, task, of.candidate, of.baseline) for name, of in every for task in settings.compared(name)]


def _of_scores(settings: Evaluation) -> set[tuple[str, str, str]]:
    """Task, candidate and baseline wherever it is summed how far their scores are apart."""
    return {(task, a, b) for name, task, a, b in _compared(settings) if settings.comparisons[name].pair_statistics}
