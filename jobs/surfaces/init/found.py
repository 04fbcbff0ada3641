"""What was found of somebody's logs: the log of impressions, labels, scores, and every guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from jobs.day import spellings
from jobs.surfaces.init.logs.samples import Log
from jobs.surfaces.init.roles.events import LabelLog
from jobs.surfaces.init.roles.guesses import Guess
from jobs.surfaces.init.roles.labels import LabelColumn
from jobs.surfaces.init.roles.scores import Score
from jobs.surfaces.init.words import TIME, says

TASKS: Final = {"click": "ctr", "conversion": "cvr", "view": "viewability"}
ROLES: Final = ("id", "time", "unit", "weight", "label", "score", "dimension")


@dataclass
class Proposal:
    """What was found of somebody's logs.

    Attributes:
        impressions: The log of impressions.
        labels: The labels by their names.
        scores: The scores.
        guesses: What was taken for what.
        given: Of a label the label whose positives alone are evaluated.
        dimensions: What there is to cut by.
        passed: Why other logs are no labels, by their names, and columns nothing at all.
    """

    impressions: Log
    labels: dict[str, LabelColumn | LabelLog] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    dimensions: list[str] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)

    def of(self, role: str) -> str | None:
        """The column of a role."""
        return next((guess.column for guess in self.guesses if guess.role == role), None)

    @property
    def partition(self) -> str | None:
        """The key of folders that are dates."""
        for key in self.impressions.folders:
            if says(key, TIME) and all(_date_of(text) is not None for text in self._folders(key)):
                return key
        return None

    @property
    def newest_folder(self) -> date | None:
        """The newest date that folders name."""
        return None if self.partition is None else _date_of(max(self._folders(self.partition)))

    @property
    def folder_of_day(self) -> str | None:
        """The newest folder, of a log that has no times: there only its folders tell days apart."""
        if self.of("time") is not None or self.partition is None or self.impressions.source["format"] == "delta":
            return None
        return f"{self.partition}={max(self._folders(self.partition))}"

    def _folders(self, key: str) -> list[str]:
        return sorted(self.impressions.columns[key].values.astype(str).unique())

    @property
    def taken(self) -> set[str]:
        """The columns that have a role."""
        used = {guess.column for guess in self.guesses if guess.column is not None and guess.role in ROLES}
        return used | {name for score in self.scores for name in score.columns}

    @property
    def scored(self) -> list[str]:
        """The labels that a score is about."""
        return list(dict.fromkeys(score.label for score in self.scores))

    @property
    def needed(self) -> set[str]:
        """The labels that a task needs."""
        return {*self.scored, *self.given.values()}

    def task(self, label: str) -> str:
        """The name of the task that predicts a label."""
        found = self.labels[label]
        name = TASKS.get(str(found.topic), label)
        return "ctcvr" if name == "cvr" and label not in self.given else name


def _date_of(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if text in spellings(found) else None
