"""What is no longer as it was when a night was done: files of its sources, and sections of its configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from jobs.errors import ConfigurationError
from jobs.settings import Evaluation, parse
from jobs.settings.evaluation import fingerprint

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
        before = _documented(config)
    except ConfigurationError:
        return ("what was valid then and is not now",)
    changed = tuple(name for name in now if name not in APART and before.get(name) != now[name])
    return changed or (() if _same_order(settings, config, config_hash) else ("the order of labels",))


@cache
def _documented(config: str) -> dict[str, Any]:
    return parse(json.loads(config)).document()


def _same_order(settings: Evaluation, config: str, config_hash: str) -> bool:
    """Whether labels are declared in the order in which they were: JSON of a table has lost it, its hash has not."""
    return fingerprint(settings.labels, json.loads(config)) == config_hash
