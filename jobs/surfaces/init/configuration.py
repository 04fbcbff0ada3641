"""The configuration of a proposal: plain values, a remark for what was guessed, and the day to begin with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import pandas as pd

from jobs.day import Day
from jobs.settings import Evaluation
from jobs.surfaces.init.found import Proposal
from jobs.surfaces.init.roles.events import timed
from jobs.surfaces.init.roles.guesses import Guess
from jobs.surfaces.init.roles.labels import LabelColumn
from jobs.surfaces.init.words import says, slug
from udfs.kinds import MULTICLASS

GUESS: Final = "GUESS: "
BASELINES: Final = frozenset({"champion", "baseline", "control", "prod", "production", "current", "old", "live"})
ROLE_PLACES: Final = {
    **{role: f"impressions.columns.{role}" for role in ("id", "time", "unit", "weight")},
    "dimension": "dimensions",
}
MOST_COMPARED: Final = 3
ZONE: Final = f"{GUESS}the times carry no zone; name theirs, such as Europe/Berlin, if they are local"
NO_TIME: Final = "no column has times that can be read, so every row belongs to the --date that you give"
ONE_FOLDER: Final = f"{GUESS}no column has times, so a folder is a day: name that of the --date"


def document(made: Proposal, tables: str) -> dict[str, Any]:
    """The configuration as plain values."""
    slices = [[], *([name] for name in made.dimensions)]
    found: dict[str, Any] = {
        "evaluation": slug(made.impressions.name, "evaluation"),
        "day": {"timezone": "UTC", **({"partition": made.partition} if made.partition and made.of("time") else {})},
        "impressions": _impressions(made),
        "labels": {name: made.labels[name].document for name in _labels(made)},
        "tasks": dict(_tasks(made)),
        "models": _models(made),
        "dimensions": made.dimensions,
        "slices": slices,
    }
    if _is_binary(made):
        found["bins"] = {"slices": slices}
    if compared := _comparisons(found["models"]):
        found["comparisons"] = compared
    if len(days(made)) > 1:
        found["changes"] = {"against": ["1d"]}
    return {**found, "tables": {"path": tables}}


def remarks(made: Proposal, found: Mapping[str, Any]) -> dict[str, str]:
    """What is written beside the values, by their dotted places."""
    beside: dict[str, list[str]] = {"tables.path": ["a folder for each evaluation in it"]}
    for guess in made.guesses:
        for place in _places(made, guess):
            beside.setdefault(place, []).append(f"{'' if guess.sure else GUESS}{guess.told}")
    beside |= _of_times(made, found)
    if "dimensions" in beside:
        beside["dimensions"] = [_of_dimensions([guess for guess in made.guesses if guess.role == "dimension"])]
    return {place: " | ".join(told) for place, told in beside.items() if any(told)}


def _of_times(made: Proposal, found: Mapping[str, Any]) -> dict[str, list[str]]:
    """What to know of a log whose times carry no zone, or that has none."""
    when = made.impressions.columns.get(made.of("time") or "")
    if when is not None:
        return {"day.timezone": [ZONE]} if not when.zoned and when.kind == "time" else {}
    one_folder = {"impressions.source.path": [ONE_FOLDER]} if made.folder_of_day else {}
    return {"impressions.columns": [NO_TIME], **one_folder}


def _of_dimensions(guesses: Sequence[Guess]) -> str:
    unsure = [str(guess.column) for guess in guesses if not guess.sure]
    told = [f"{GUESS}{', '.join(unsure)}, by few values alone"] if unsure else []
    left = [f"left out: {', '.join(guesses[-1].others)}"] if guesses[-1].others else []
    return "; ".join([*told, *left])


def _places(made: Proposal, guess: Guess) -> Iterator[str]:
    """Where in the configuration a guess stands."""
    if guess.role == "label":
        names = [n for n, of in made.labels.items() if isinstance(of, LabelColumn) and of.column == guess.column]
        yield from (f"labels.{name}" for name in names)
    elif guess.role == "score":
        scores = (score for score in made.scores if guess.column in score.columns)
        yield from (f"models.{score.model}.{made.task(score.label)}" for score in scores)
    else:
        yield ROLE_PLACES.get(guess.role, guess.role.removesuffix(".given"))


def _impressions(made: Proposal) -> dict[str, Any]:
    columns = {role: column for role in ("id", "time", "unit", "weight") if (column := made.of(role)) is not None}
    if "time" in columns:
        columns["time"] = timed(made.impressions.columns[columns["time"]])
    source = dict(made.impressions.source)
    if made.folder_of_day:
        source["path"] = os.path.join(source["path"], made.folder_of_day)
    return {"source": source, "columns": columns, **({} if "id" in columns else {"duplicates": "none"})}


def _labels(made: Proposal) -> list[str]:
    """The labels that a task needs, in the order in which they happen."""
    return sorted(
        (name for name in made.labels if name in made.needed), key=lambda name: name not in made.given.values()
    )


def _tasks(made: Proposal) -> Iterator[tuple[str, Any]]:
    for label in _labels(made):
        if label in made.scored:
            found = made.labels[label]
            several = isinstance(found, LabelColumn) and found.values == "classes"
            kind = {"kind": MULTICLASS.name} if several else {}
            given = {"given": made.given[label]} if label in made.given else {}
            yield made.task(label), {**kind, "label": label, **given}


def _models(made: Proposal) -> dict[str, Any]:
    models: dict[str, dict[str, Any]] = {}
    for score in made.scores:
        models.setdefault(score.model, {})[made.task(score.label)] = score.document
    return models


def _is_binary(made: Proposal) -> bool:
    return all(not (isinstance(of, LabelColumn) and of.values == "classes") for of in made.labels.values())


def _comparisons(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The other models beside the one that is called the baseline, or stands first."""
    baseline = next((name for name in models if says(name, BASELINES)), next(iter(models)))
    others = [name for name in models if name != baseline and models[name].keys() & models[baseline].keys()]
    return {slug(name): {"candidate": name, "baseline": baseline} for name in others[:MOST_COMPARED]}


def days(made: Proposal) -> pd.Series[Any]:
    """The rows of each day that was looked at; of a log without times those of its folders, which are days."""
    when = made.impressions.columns.get(made.of("time") or "")
    if when is not None:
        counted: pd.Series[Any] = when.moments.dt.date.value_counts().sort_index()
        return counted
    return pd.Series([], dtype="int64")


def first_day(made: Proposal, settings: Evaluation, now: datetime) -> tuple[date | None, bool]:
    """The newest day with half as many rows as the fullest, before all one whose labels are all in; and whether it is.

    None where nothing tells a day.
    """
    found = days(made)
    if not len(found):
        return made.newest_folder, True
    zone = settings.day.timezone
    full = sorted(found[found >= found.max() / 2].index)
    ripe = [day for day in full if Day(day, zone).as_of(settings.age_hours) <= now]
    return (ripe or full)[-1], bool(ripe)
