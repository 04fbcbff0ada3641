"""Runs as `runs` has recorded them: which one counts, and the configuration that it was made with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.errors import ConfigurationError, Problem
from jobs.settings import Evaluation, parse
from jobs.settings.evaluation import fingerprint

Event = Mapping[str, Any]


def counting(events: Sequence[Event]) -> set[str]:
    """The runs whose rows the tables may hold: of those that were done the last to begin, and the last to end."""
    done = {event["run_id"]: event for event in events if event["state"] == "done"}
    began = [event for event in events if event["state"] == "started" and event["run_id"] in done]
    if not done:
        return set()
    last = max(done.values(), key=lambda event: (event["event_time"], event["run_id"]))["run_id"]
    first = max(began, key=lambda event: (event["turn"] or 0, event["event_time"], event["run_id"]), default=None)
    return {last, *([] if first is None else [first["run_id"]])}


def done(events: Sequence[Event], run_ids: Sequence[str]) -> Event | None:
    """How the newest of some runs ended that were done, or None."""
    every = [event for event in events if event["state"] == "done" and event["run_id"] in run_ids]
    return max(every, key=lambda event: event["event_time"], default=None)


def configured(settings: Evaluation, event: Event) -> Evaluation:
    """The configuration that a run was made with, its tables where they are now and its rejects kept as long as now.

    Args:
        settings: What is configured now.
        event: Of the run.

    Raises:
        ConfigurationError: It cannot be read any more (exit 2).
    """
    now = settings.document()
    document = json.loads(event["config"])
    labels = _in_order(document, event["config_hash"], list(settings.labels))
    of_now = {name: now[name] for name in ("tables", "lease")}
    of_now["limits"] = {**document["limits"], "rejects_kept": now["limits"]["rejects_kept"]}
    return parse({**document, "labels": {name: document["labels"][name] for name in labels}, **of_now})


def _in_order(document: Mapping[str, Any], config_hash: str, known: Sequence[str]) -> Sequence[str]:
    """The labels in the order in which they were declared: JSON of a table has lost it, the hash has not.

    The order of no other key says anything.
    """
    names = sorted(document["labels"], key=lambda name: known.index(name) if name in known else len(known))
    for order in itertools.islice(itertools.permutations(names), 50_000):
        if fingerprint(order, document) == config_hash:
            return order
    problem = Problem("runs.config", "another configuration than that of its hash", config_hash)
    raise ConfigurationError("the configuration of the run cannot be told from `runs`", [problem])
