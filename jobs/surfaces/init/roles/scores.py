"""Scores: which columns are what a model said beforehand, of which label, of which model, on which scale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from jobs.surfaces.init.logs.columns import MOSTLY, Column
from jobs.surfaces.init.roles.guesses import FEW_ABSENT, Guess
from jobs.surfaces.init.roles.labels import LabelColumn
from jobs.surfaces.init.words import LOGIT, NO_SCORE, NUMBERED, SCORE, TOPICS, free, is_id, says, slug, topic, words

NO_WORSE: Final = 1.1  # than a constant, by the squared error
NO_FARTHER: Final = 1.5  # of one that ranks: a real model may be badly calibrated
RANKS: Final = 0.6  # the area under the curve of one that does
MANY: Final = 20  # different values: a trait has few
MOST: Final = 8
FARTHEST: Final = 60.0


@dataclass(frozen=True)
class Score:
    """A score: its columns, its scale, the label that it is about, the model that says it, and whether of every row."""

    columns: tuple[str, ...]
    label: str
    model: str
    scale: str = "probability"
    required: bool = True

    @property
    def document(self) -> dict[str, Any]:
        """As a configuration has it."""
        score = self.columns[0] if len(self.columns) == 1 else list(self.columns)
        scale = {"scale": self.scale} if self.scale != "probability" else {}
        return {"score": score, **scale, **({} if self.required else {"required": False})}


@dataclass(frozen=True)
class Truth:
    """A label as scores are held against it: its name, what it is about, and its values where they are in the rows."""

    name: str
    topic: str | None
    column: str | None = None
    values: pd.Series[Any] | None = None


def scores_of(
    columns: Mapping[str, Column], truths: Sequence[Truth], given: Sequence[str] = ()
) -> tuple[list[Score], list[Guess]]:
    """The scores of labels of two values: by their names, else by how well they predict the label."""
    labels = {truth.column for truth in truths}
    free = [each for each in columns.values() if each.name not in labels and scale_of(each) is not None]
    if given:
        chosen = [each for each in free if each.name in given]
        return _paired(chosen, truths), [_guess(each, sure=True) for each in chosen]
    named = [each for each in free if says_score(each, truths)]
    if named:
        return _paired(named, truths), [
            _guess(each, sure=scale_of(each) == "probability" or says(each.name, LOGIT)) for each in named
        ]
    fitting = [each for each in free if _predicts(each, truths)]
    if len(fitting) > MOST or not any(each.distinct > 1 for each in fitting):
        return [], []
    why = "by its values alone: they predict the label"
    guesses = [Guess("score", each.name, f"{each.examples}, {why}", False) for each in fitting]
    return _paired(fitting, truths), guesses


def _guess(column: Column, *, sure: bool) -> Guess:
    scale = scale_of(column)
    told = "probabilities" if scale == "probability" else "log odds"
    few = f", {100.0 * column.absent:.3g} % without one: not required" if column.absent > FEW_ABSENT else ""
    return Guess("score", column.name, f"{told} {column.examples}{few}", sure, () if sure else ("scale: probability",))


def says_score(column: Column, truths: Iterable[Truth]) -> bool:
    """Whether the name of a column is that of a score: by its words, or as the beginning of the name of a label."""
    if says(column.name, NO_SCORE) or NUMBERED.fullmatch(column.name) or is_id(column.name):
        return False
    begins = any(truth.column is not None and truth.column.startswith(f"{column.name}_") for truth in truths)
    return begins or says(column.name, SCORE) or (column.probable and says(column.name, TOPICS))


def scale_of(column: Column) -> str | None:
    """`probability` or `logit`; None of a column that is neither."""
    if column.kind not in ("number", "integer") or column.binary is not None or not len(column.values):
        return None
    if column.probable:
        return "probability"
    numbers = column.numbers[np.isfinite(column.numbers)]
    signs = len(numbers) > 0 and numbers.min() < 0.0 and column.kind == "number"
    return "logit" if signs and (np.abs(numbers) < FARTHEST).mean() >= MOSTLY else None


def _predicts(column: Column, truths: Sequence[Truth]) -> bool:
    """Whether numbers from 0 to 1 are no farther from one of the labels than a constant, or not much and rank it."""
    few = 1 < column.distinct < MANY
    if not column.probable or few or NUMBERED.fullmatch(column.name) or says(column.name, NO_SCORE):
        return False
    return any(truth.values is not None and _fits(column.series.dropna(), truth.values) for truth in truths)


def _fits(score: pd.Series[Any], truth: pd.Series[Any]) -> bool:
    both = pd.DataFrame({"score": score, "truth": truth}).dropna()
    error = float(((both["score"] - both["truth"]) ** 2).mean() / max(float(both["truth"].var(ddof=0)), 1e-12))
    return error <= NO_WORSE or (error <= NO_FARTHER and _area(both["score"], both["truth"]) >= RANKS)


def _area(score: pd.Series[Any], truth: pd.Series[Any]) -> float:
    """The area under the curve: how often a positive is ranked above a negative, a tie counting half."""
    ranks, positive = score.rank(), truth == 1.0
    count = int(positive.sum())
    pairs = count * (len(truth) - count)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / pairs) if pairs else 0.5


def _paired(columns: Sequence[Column], truths: Sequence[Truth]) -> list[Score]:
    """Each score with its label; those of one topic with the label of it, all else with the first."""
    if not truths:
        return []
    labels = [(each, _label_of(each, truths)) for each in columns]
    several = len({name for _, name in labels}) < len(labels)
    made: dict[tuple[str, str], Score] = {}
    for each, label in labels:
        model = _model(each, truths) if several else "model"
        taken = [known for known, of in made if of == label]
        model = free(slug(each.name, "model"), taken) if model in taken else model
        scale = scale_of(each) or "probability"
        made[model, label] = Score((each.name,), label, model, scale, each.absent <= FEW_ABSENT)
    return list(made.values())


def _label_of(column: Column, truths: Sequence[Truth]) -> str:
    begun = (t for t in truths if t.column is not None and t.column.startswith(f"{column.name}_"))
    said = topic(column.name)
    alike = (truth for truth in truths if said is not None and said == truth.topic)
    plain = (truth for truth in truths if truth.topic in (None, "click"))
    return next((t.name for found in (begun, alike, plain) for t in found), truths[0].name)


def _model(column: Column, truths: Sequence[Truth]) -> str:
    """What is left of a name without what it is about."""
    about = {truth.topic for truth in truths} - {None}
    left = [word for word in words(column.name) if word not in about]
    return slug("_".join(left), "model") if left else "model"


def class_scores(
    columns: Mapping[str, Column], label: LabelColumn, given: Sequence[str] = ()
) -> tuple[Score, Guess] | None:
    """Columns of probabilities, one for each class, that add up to 1 in every row."""
    groups: dict[str, list[Column]] = {}
    for each in columns.values():
        whole = each.kind in ("number", "integer") and not each.absent and each.name != label.column
        if whole and (not given or each.name in given):
            stem = "" if given else re.sub(r"[^\W_]+$", "", each.name) or each.name[:1]
            groups.setdefault(stem, []).append(each)
    for group in groups.values():
        sums = sum((each.numbers for each in group), np.zeros(len(group[0].values)))
        if len(group) == len(label.classes) and np.all(np.abs(sums - 1.0) < 1e-3):
            names = tuple(each.name for each in _in_order(group, label.classes))
            told = f"{', '.join(names)}, which add up to 1"
            return Score(names, label.name, "model"), Guess("score", names[0], told, False)
    return None


def _in_order(group: Sequence[Column], classes: Sequence[Any]) -> list[Column]:
    """The columns in the order of classes where their names end with those, else as they stand."""
    by_class = {str(each): [c for c in group if c.name.lower().endswith(str(each).lower())] for each in classes}
    if all(len(found) == 1 for found in by_class.values()):
        return [found[0] for found in by_class.values()]
    return list(group)
