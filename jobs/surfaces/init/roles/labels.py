"""Labels that are columns of the impressions: 0 and 1, or the names of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from jobs.surfaces.init.logs.columns import Column
from jobs.surfaces.init.roles.guesses import Guess
from jobs.surfaces.init.words import LABEL, free, is_id, says, slug, topic, words

MOST_CLASSES: Final = 50
# What is or is not so of an impression before anything happens to it.
TRAITS: Final = frozenset(
    {
        *(
            "mobile",
            "weekday",
            "weekend",
            "male",
            "female",
            "new",
            "test",
            "holdout",
            "logged",
            "app",
            "video",
            "refresh",
        ),
        *("gender", "tablet", "premium", "member", "retargeting", "visible", "control", "treatment", "bot", "fold"),
    }
)


@dataclass(frozen=True)
class LabelColumn:
    """A label in the row: its name in the configuration, its column, and what it holds."""

    name: str
    column: str
    values: str
    classes: tuple[Any, ...] = ()
    topic: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """As a configuration has it."""
        classes = {"classes": list(self.classes)} if self.classes else {}
        return {"column": self.column, "values": self.values, **classes}


def labels_of(columns: Iterable[Column], given: Sequence[str] = ()) -> tuple[list[LabelColumn], list[Guess]]:
    """The labels of two values, by their names, or the one column that can be one; and what was guessed of each."""
    binary = [each for each in columns if each.binary is not None and each.absent <= 0.5]
    if given:
        chosen = [each for each in binary if each.name in given]
        return _made(chosen), [Guess("label", each.name, _share(each)) for each in chosen]
    named = [each for each in binary if says(each.name, LABEL) and not is_id(each.name)]
    if named:
        return _made(named), [Guess("label", each.name, _share(each)) for each in named]
    others = [each for each in binary if not says(each.name, TRAITS) and each.distinct == 2]
    if not others:
        return [], []
    first, *rest = sorted(others, key=_rate)
    guess = Guess("label", first.name, f"{_share(first)}, by its values alone", False, tuple(r.name for r in rest[:2]))
    return _made([first]), [guess]


def _made(columns: Sequence[Column]) -> list[LabelColumn]:
    """One label for each, of different names."""
    made: dict[str, LabelColumn] = {}
    for each in columns:
        said = topic(each.name)
        name = said if said is not None and said not in made else free(slug(each.name, "label"), made)
        made[name] = LabelColumn(name, each.name, each.binary or "binary", topic=said)
    return list(made.values())


def _share(column: Column) -> str:
    values = "-1 and 1" if column.binary == "signed" else "0 and 1"
    return f"{values}, {100.0 * _rate(column):.4g} % positive"


def _rate(column: Column) -> float:
    return float(np.mean(column.numbers == 1.0))


def truths(column: Column) -> pd.Series[Any]:
    """The labels of a column as 0 and 1, by the numbers of their rows."""
    return (column.series == 1.0).astype("float64")


def class_label(columns: Mapping[str, Column], given: Sequence[str] = ()) -> tuple[LabelColumn, Guess] | None:
    """A label of several classes: a column of few integers or texts, by its name."""
    for each in columns.values():
        named = each.name in given or (not given and says(each.name, {*LABEL, "class"}) and "p" not in words(each.name))
        if named and each.kind in ("integer", "text") and 3 <= each.distinct <= MOST_CLASSES:
            classes = tuple(sorted(each.values.unique().tolist()))
            label = LabelColumn(slug(each.name, "label"), each.name, "classes", classes)
            return label, Guess("label", each.name, f"{len(classes)} classes, in the order of the scores", False)
    return None
