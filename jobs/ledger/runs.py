"""The events of a run: what it was, what it read, and how it ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Self

import pyarrow as pa

from jobs import calling
from jobs.engines.session import engine_versions
from jobs.errors import ContractError, Problem
from jobs.ledger import unnamed
from jobs.ledger.stamp import Stamp
from jobs.ledger.tables import RUNS
from jobs.settings import Evaluation

# Noted among the definitions, so that days of other shards are known (`jobs.ledger.sharding`), but free to change.
FREE = frozenset({"shards"})
JOINT: Final = "joint "  # before the name of a joint loss, among the definitions
# What is known of a run by its rows alone.
OF_ROWS: Final = (
    *("rows_read", "rows_outside", "rows_rejected", "rows_duplicate", "rows_scored", "groups_mixed", "rejected"),
    *("label_events", "units", "inputs", "arrived"),
)


@dataclass(frozen=True)
class Ledger:
    """Where every row that was read has ended: read = outside + rejected + duplicate + scored."""

    read: int
    outside: int
    rejected: int
    duplicate: int
    scored: int
    mixed: int | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, read: int, outside: int, *, duplicate: int, scored: int, mixed: int | None = None) -> Ledger:
        """The ledger before the rejected rows are counted by reason, which must give the rest."""
        return cls(read, outside, read - outside - duplicate - scored, duplicate, scored, mixed)

    @classmethod
    def told(cls, event: Mapping[str, Any]) -> Self:
        """The ledger as an event of a run that was done tells it."""
        counts = {name: event[f"rows_{name}"] for name in ("read", "outside", "rejected", "duplicate", "scored")}
        return cls(**counts, mixed=event["groups_mixed"], reasons=json.loads(event["rejected"] or "[]"))


def event(state: str, stamp: Stamp, settings: Evaluation, engine: str, **facts: Any) -> pa.Table:
    """One row of `runs`.

    Args:
        state: `started`, `running`, `done`, `failed` or `refused`.
        stamp: The run and its day.
        settings: What was configured.
        engine: What it ran on.
        **facts: `ledger`, `events`, `message`, `inputs`, `stages`, `units`, `arrived`, where they are known; `served`,
            the versions of a server; `turn` and `holder` of the lease; `sums`, of a refresh the event `done` of the run
            whose sums it was made of: what that one read is said again.
    """
    ledger: Ledger | None = facts.get("ledger")
    row = {
        **vars(stamp),
        "state": state,
        "event_time": datetime.now(UTC),
        "message": facts.get("message"),
        "units": _json(facts.get("units")),
        "definitions": _json(definitions(settings)),
        "config_hash": settings.fingerprint(),
        "config": _json(settings.document()),
        "code_hash": code_hash(),
        "inputs": _json(facts.get("inputs")),
        "label_events": _json(facts.get("events")),
        "versions": _json({"engine": engine, **engine_versions(), **facts.get("served", {})}),
        "stages": _json(facts.get("stages")),
        "arrived": _json(facts.get("arrived")),
        "turn": facts.get("turn"),
        "holder": _json(facts.get("holder")),
        **_ledger_columns(ledger),
        **_of_sums(facts.get("sums")),
    }
    return pa.Table.from_pylist([{name: row.get(name) for name in RUNS.schema.names}], schema=RUNS.schema)


def definitions(settings: Evaluation) -> dict[str, dict[str, Any]]:
    """What the evaluation and each task × model mean: a change of any of it, but for `FREE`, needs a new name."""
    document = settings.document()
    found: dict[str, dict[str, Any]] = {"evaluation": {"timezone": settings.day.timezone, "shards": document["shards"]}}
    found[unnamed.OPTIONS] = unnamed.recorded(document)
    found |= {f"{JOINT}{name}": dict(weights) for name, weights in settings.joint.items()}
    for task_name, model in settings.pairs:
        task = settings.tasks[task_name]
        names = [name for name in (task.label, task.given) if name is not None]
        labels = {n: _meaning(document["labels"], n) for n in names}
        found[f"{task_name} / {model}"] = {
            "kind": task.kind,
            "label": task.label,
            "given": task.given,
            "labels": labels,
            "weight": None if task.propensity else task.weight or settings.impressions.columns.weight,
            **_scale(settings, task_name, model),
        }
    return found


def _scale(settings: Evaluation, task: str, model: str) -> dict[str, Any]:
    """How the scores and the weights of a task × model are meant."""
    choices = [settings.models[model][factor] for factor in settings.factors(task)]
    own = settings.tasks[task]
    propensity = None if own.propensity is None else own.propensity.model_dump()
    meant = {
        "scale": choices[0].scale if len(choices) == 1 else [choice.scale for choice in choices],
        "product": None if own.score is None else list(own.score.product),
        "negatives_rate": choices[0].negatives_rate,
        "propensity": propensity,
        "sampling_rate": settings.impressions.columns.sampling_rate,
        "classes": list(settings.classes(task)) or None,
    }
    return {name: value for name, value in meant.items() if value is not None}


def recorded(done: pa.Table) -> set[str]:
    """The definitions of runs that are done, as JSON.

    Runs from before options were recorded have them in their configuration.
    """
    rows = set(zip(done["definitions"].to_pylist(), done["config"].to_pylist(), strict=True))
    return {
        definitions if f'"{unnamed.OPTIONS}"' in definitions else _with_options(definitions, config)
        for definitions, config in rows
    }


def _with_options(definitions: str, config: str) -> str:
    return json.dumps({**json.loads(definitions), unnamed.OPTIONS: unnamed.recorded(json.loads(config))})


def check_definitions(settings: Evaluation, recorded: Iterable[str]) -> None:
    """Raise ContractError (exit 2) where a name of the tables now stands for something else.

    Args:
        settings: What is configured now.
        recorded: The `definitions` of the runs that are done.
    """
    now = definitions(settings)
    problems = []
    for before in map(json.loads, recorded):
        for name in now.keys() & before.keys():
            # An option is recorded since it has been there, and while something depends on it.
            common = now[name].keys() & before[name].keys()
            every = (now[name].keys() | before[name].keys()) - FREE
            for what in common if name == unnamed.OPTIONS else every:
                old, new = before[name].get(what), now[name].get(what)
                if old != new:
                    problems.append(_changed(name, what, json.dumps(old), json.dumps(new)))
    if problems:
        raise ContractError("a definition changed under an old name", list(dict.fromkeys(problems)))


def _changed(name: str, what: str, old: str, new: str) -> Problem:
    """What is told of a definition that is another one now; days whose sums do not rest on it can be made again."""
    stands, remedy = f"{old}, as in the tables that exist", "a new definition takes a new name"
    again = f"make those days again ({calling.lossledger('refresh CONFIG --from DAY --to DAY')})"
    if name != unnamed.OPTIONS:
        mend = f"{again}, or: {remedy}" if name.startswith(JOINT) else remedy
        return Problem(f"{name}: {what}", new, f"{stands}; {mend}")
    rests = f"{stands}: {unnamed.dependent(what)} would change under an old name"
    mend = f" {again}," if unnamed.of_results(what) else ""
    return Problem(what, new, f"{rests}. Set it back,{mend} or rename the evaluation: {remedy}")


@cache
def code_hash() -> str:
    """SHA-256 of the source code of the packages, as it was when it was first asked for: a plan asks for each day."""
    digest = hashlib.sha256()
    for package in ("jobs", "udfs"):
        for name, content in sorted(_sources(files(package), package)):
            digest.update(f"{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def _sources(folder: Traversable, name: str) -> Iterable[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{name}/{entry.name}", entry.read_bytes()


def _meaning(labels: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What of a label decides its value, wherever it is read from.

    Of a log what it is without a word is left out: so it was meant before there was a choice.
    """
    label = labels[name]
    meant = {key: label[key] for key in ("values", "window") if key in label}
    if "window" not in label:
        return meant
    columns = label["columns"]
    if label["events"] != "any":
        meant |= {"events": label["events"], "value": columns["value"]}
    if label["via"] is not None:
        clicks = {label["via"]: _meaning(labels, label["via"])}
        meant |= {"attribution": label["attribution"] or "post_click", "via": clicks}
    known = [key for key in ("event", "ingested", "retracted") if columns[key] is not None]
    return meant | ({"known by": known} if known else {})


def _ledger_columns(ledger: Ledger | None) -> dict[str, Any]:
    if ledger is None:
        return {}
    counts = {f"rows_{name}": getattr(ledger, name) for name in ("read", "outside", "rejected", "duplicate", "scored")}
    return {**counts, "groups_mixed": ledger.mixed, "rejected": _json(ledger.reasons)}


def _of_sums(done: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a refresh says of the run whose sums it was made of, and of all that this one read."""
    return {} if done is None else {"sums_run_id": done["run_id"], **{name: done[name] for name in OF_ROWS}}


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, default=str)
