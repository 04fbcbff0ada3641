"""A proposal: the configuration that fits somebody's logs, and what was guessed to make it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from jobs.errors import ContractError, Problem
from jobs.surfaces.init import said
from jobs.surfaces.init.found import Proposal
from jobs.surfaces.init.logs.columns import Column
from jobs.surfaces.init.logs.samples import Log
from jobs.surfaces.init.roles import dimensions, guesses, lacking
from jobs.surfaces.init.roles.events import LabelLog, impressions_among, is_events, is_sure, keys, label_log
from jobs.surfaces.init.roles.guesses import Guess
from jobs.surfaces.init.roles.labels import LabelColumn, class_label, labels_of, truths
from jobs.surfaces.init.roles.scores import Truth, class_scores, scores_of
from jobs.surfaces.init.said import Given
from jobs.surfaces.init.words import LABEL, free, says


def proposed(logs: Sequence[Log], events: Sequence[Log], given: Given) -> Proposal:
    """A proposal for the logs of one path, and for logs of events beside it.

    Raises:
        ContractError: Something without which nothing can be evaluated is not there (exit 2).
    """
    said.check_known(given, [*logs, *events])
    made = Proposal(_impressions(logs, given))
    made.passed |= made.impressions.mixed
    others = [log for log in logs if log is not made.impressions]
    _keyed(made, given, [*events, *others])
    for log in (*events, *others):
        _add_log(made, log, asked=log in events)
    _label_and_score(made, given)
    _conditioned(made)
    _weigh_and_cut(made, given)
    said.check_taken(made, given)
    _leave_out(made, given)
    return made


def _impressions(logs: Sequence[Log], given: Given) -> Log:
    def has_scores(log: Log) -> bool:
        wanted = given.get("score", ())
        return bool(set(wanted) & log.columns.keys()) or (
            not wanted and not is_events(log) and bool(lacking.named_scores(log))
        )

    return impressions_among(logs, has_scores)


def _keyed(made: Proposal, given: Given, events: Sequence[Log]) -> None:
    """Find the times and the ids of the impressions: with a log of events they are those that it has."""
    columns = made.impressions.columns
    said.check_time(given, columns)
    when = guesses.asked_for(given, "time", columns) or guesses.time_of(columns.values())
    named = guesses.asked_for(given, "id", columns)
    joined = [pair for log in events for pair in keys(log, made.impressions)]
    if named is None and joined:
        share, _, identity = best = max(joined)
        looked = "" if made.impressions.complete else " that were looked at"
        told = f"{100.0 * share:.4g} % of the events are about one of those{looked}"
        named = Guess("id", identity, told, is_sure(best, made.impressions))
    others = [each for each in columns.values() if when is None or each.name != when.column]
    made.guesses += [guess for guess in (named or guesses.id_of(others), when) if guess is not None]


def _add_log(made: Proposal, log: Log, *, asked: bool) -> None:
    """Take a log for a label, or keep why it is none.

    Raises:
        ContractError: It was named as one (exit 2).
    """
    identity, when = made.of("id"), made.of("time")
    if identity is None or when is None:
        lacks = " and ".join(name for name, of in (("an id", identity), ("a time", when)) if of is None)
        found: Any = f"the impressions have no column of {lacks}, by which events meet them"
    else:
        found = label_log(log, made.impressions, identity, when, made.labels)
    if isinstance(found, str):
        if asked:
            raise ContractError(
                "a log is no label of these impressions", [Problem(str(log.source["path"]), found, lacking.EVENTS)]
            )
        made.passed[free(log.name, made.passed)] = found
        return
    label, guessed = found
    made.labels[label.name] = label
    made.guesses += guessed


def _label_and_score(made: Proposal, given: Given) -> None:
    """Find labels in the rows, and the scores of all labels.

    Raises:
        ContractError: There is no label, or no score (exit 2).
    """
    columns = made.impressions.columns
    others = [each for each in columns.values() if each.name not in made.taken]
    found, guessed = labels_of(others, given.get("label", ()))
    beside = {label.topic for label in made.labels.values()} - {None}
    for label, guess in zip(found, guessed, strict=True):
        # What a log says is said once: a column of it would be a second label of the same.
        if not (made.labels and (label.topic in beside or not guess.sure)):
            name = free(label.name, made.labels)
            made.labels[name] = replace(label, name=name)
            made.guesses.append(guess)
    if not made.labels and _classes(made, given):
        return
    if not made.labels:
        raise lacking.label(made.impressions)
    made.scores, scored = scores_of(columns, list(_truths(made)), given.get("score", ()))
    if not made.scores:
        raise lacking.score(made.impressions, made.taken)
    made.guesses += scored


def _classes(made: Proposal, given: Given) -> bool:
    """Try a label of several classes, with a score for each."""
    columns = {name: each for name, each in made.impressions.columns.items() if name not in made.taken}
    label = class_label(columns, given.get("label", ()))
    score = label and class_scores(columns, label[0], given.get("score", ()))
    if not (label and score):
        return False
    made.labels[label[0].name] = label[0]
    made.scores = [score[0]]
    made.guesses += [label[1], score[1]]
    return True


def _truths(made: Proposal) -> Iterator[Truth]:
    """The labels as scores are held against them, clicks first."""
    identity = made.impressions.columns.get(made.of("id") or "")
    for name, label in sorted(made.labels.items(), key=lambda each: each[1].topic not in ("click", None)):
        if isinstance(label, LabelColumn):
            yield Truth(name, label.topic, label.column, truths(made.impressions.columns[label.column]))
        else:
            yield Truth(name, label.topic, None, None if identity is None else _happened(identity, label))


def _happened(identity: Column, label: LabelLog) -> pd.Series[Any]:
    return identity.values.astype(str).isin(label.ids).astype("float64")


def _conditioned(made: Proposal) -> None:
    """Whether conversions are predicted of clicks, or of impressions: whichever their scores are nearer to."""
    if not {"click", "conversion"} <= made.labels.keys():
        return
    rates = {truth.name: truth.values for truth in _truths(made)}
    click, conversion = rates["click"], rates["conversion"]
    of_it = (score for score in made.scores if (score.label, score.scale) == ("conversion", "probability"))
    column = next((score.columns[0] for score in of_it), None)
    if column is None or click is None or conversion is None or not click.sum():
        return
    score = made.impressions.columns[column].series
    # By their rows: some have no score, or no id.
    rows = pd.DataFrame({"score": score, "click": click, "conversion": conversion}).dropna()
    of_all, of_clicks = rows.mean(), rows[rows["click"] == 1.0].mean()
    nearer = _far(of_clicks) <= _far(of_all)
    if nearer:
        made.given["conversion"] = "click"
    told = (
        f"scores of {of_clicks['score']:.3g} on average where {of_clicks['conversion']:.3g} of clicks and "
        f"{of_all['conversion']:.3g} of impressions are converted"
    )
    chosen, other = ("click", "none") if nearer else ("none", "given: click")
    made.guesses.append(Guess("tasks.cvr.given" if nearer else "tasks.ctcvr", chosen, told, False, (other,)))


def _far(means: pd.Series[float]) -> float:
    """How far a mean score is from what happens, as a share of it."""
    return abs(means["score"] - means["conversion"]) / max(means["score"], 1e-12)


def _weigh_and_cut(made: Proposal, given: Given) -> None:
    columns = made.impressions.columns
    for role, find in {"unit": guesses.unit_of, "weight": guesses.weight_of}.items():
        guess = guesses.asked_for(given, role, columns) or find(columns.values(), made.taken)
        made.guesses += [guess] if guess is not None else []
    if names := list(filter(dimensions.usable_name, given.get("dimension", ()))):
        found, guessed = names, [Guess("dimension", name, "as you said") for name in names]
    else:
        used = made.taken | set(made.impressions.folders) | _labels_left(columns)
        found, guessed = dimensions.dimensions_of(columns, used)
    made.dimensions = found
    made.guesses += guessed


def _labels_left(columns: Mapping[str, Column]) -> set[str]:
    """Columns that are labels by their names: known afterwards only, so nothing to cut by."""
    return {each.name for each in columns.values() if each.binary is not None and says(each.name, LABEL)}


def _leave_out(made: Proposal, given: Given) -> None:
    """Pass over logs, and columns that were said to be labels, that no task needs."""
    for name in [each for each in made.labels if each not in made.needed]:
        label = made.labels[name]
        if isinstance(label, LabelLog):
            del made.labels[name]
            made.guesses = [guess for guess in made.guesses if not guess.role.startswith(f"labels.{name}.")]
        elif label.column not in given.get("label", ()):
            continue
        made.passed[free(name, made.passed)] = "no score is about it"
