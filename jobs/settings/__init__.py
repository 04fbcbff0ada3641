"""The configuration of an evaluation: one YAML file, one frozen typed model, all errors at once."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from jobs.errors import ConfigurationError, Problem
from jobs.settings.checks import RESERVED, relation_problems
from jobs.settings.errors import merged, shape_problems
from jobs.settings.fields import Age, Dimension, Items, JsonObject, ModelName, Name, Peer, Section, Time, TimeColumn
from jobs.settings.kinds import kind_problems
from jobs.settings.options import option_problems
from jobs.settings.refused import refusals
from jobs.settings.sections import (
    Baselines,
    Bins,
    Complete,
    Day,
    ImpressionColumns,
    Impressions,
    Label,
    LabelColumn,
    LabelLog,
    Limits,
    LogColumns,
    Loss,
    ModelScore,
    ProductScore,
    Shards,
    Source,
    Tables,
    Task,
)
from jobs.settings.yaml_file import read

__all__ = [
    "RESERVED",
    "Baselines",
    "Bins",
    "Complete",
    "Day",
    "Evaluation",
    "ImpressionColumns",
    "Impressions",
    "Label",
    "LabelColumn",
    "LabelLog",
    "Limits",
    "LogColumns",
    "Loss",
    "ModelScore",
    "ProductScore",
    "Shards",
    "Source",
    "Tables",
    "Task",
    "Time",
    "TimeColumn",
    "load",
    "parse",
]

HOUR = timedelta(hours=1)
MOST_TOLD = 200
JointWeight = Annotated[float, Field(gt=-(2**40), lt=2**40)]
Scores = Annotated[Mapping[str, ModelScore], Field(min_length=1)]


class Evaluation(Section):
    """One evaluation: everything a nightly run needs to know. Made by `load` or `parse` only."""

    evaluation: Name
    day: Day = Day()
    impressions: Impressions
    labels: Annotated[Mapping[Name, Label], Field(min_length=1)]
    tasks: Annotated[Mapping[Name, Task], Field(min_length=1)]
    models: Annotated[Mapping[ModelName, Scores], Field(min_length=1)]
    dimensions: Items[Dimension] = ()
    slices: Annotated[Items[Items[str]], Field(min_length=1)] = ((),)
    shards: Shards = Shards()
    bins: Bins = Bins()
    baselines: Baselines = Baselines()
    compatibility: Items[Peer] = ()
    joint: Mapping[Name, Annotated[Mapping[Name, JointWeight], Field(min_length=1)]] = {}
    limits: Limits = Limits()
    loss: Loss = Loss()
    ages: Annotated[Items[Age], Field(min_length=1)] = Field(default=None, validate_default=True)
    gates: Items[JsonObject] = ()
    tables: Tables

    @field_validator("slices")
    @classmethod
    def _in_order(cls, slices: Items[Items[str]], info: ValidationInfo) -> Items[Items[str]]:
        order = {name: rank for rank, name in enumerate(info.data.get("dimensions", ()))}
        # An unknown dimension is reported by the relations, so here it only must not fail.
        return tuple(tuple(sorted(names, key=lambda name: order.get(name, len(order)))) for names in slices)

    @field_validator("ages", mode="before")
    @classmethod
    def _or_final_age(cls, ages: object, info: ValidationInfo) -> object:
        labels = info.data.get("labels", {}).values()
        final = max((label.final_after for label in labels), default=timedelta(0))
        return [HOUR * -(-final // HOUR)] if ages is None else ages

    @field_validator("ages")
    @classmethod
    def _sorted(cls, ages: Items[Age]) -> Items[Age]:
        return tuple(sorted(set(ages)))

    @property
    def age_hours(self) -> int:
        """Hours from the end of the day to the moment labels are cut off."""
        return self.ages[0] // HOUR

    @property
    def label_logs(self) -> dict[str, LabelLog]:
        """Labels that come as logs of their own, in the order of the configuration."""
        return {name: label for name, label in self.labels.items() if isinstance(label, LabelLog)}

    @property
    def label_columns(self) -> dict[str, LabelColumn]:
        """Labels that are columns of the impressions, in the order of the configuration."""
        return {name: label for name, label in self.labels.items() if isinstance(label, LabelColumn)}

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every (task, model) that is scored: tasks, then models, in the order of the configuration."""
        return tuple((task, model) for task in self.tasks for model in self.models if self._scores(model, task))

    def factors(self, task: str) -> tuple[str, ...]:
        """The tasks whose scores make that of a task: itself, or those of its product."""
        product = self.tasks[task].score
        return (task,) if product is None else product.product

    def classes(self, task: str) -> tuple[str, ...]:
        """The names of the classes of a task; none where it has no classes."""
        label = self.labels[self.tasks[task].label]
        return label.classes if isinstance(label, LabelColumn) else ()

    def _scores(self, model: str, task: str) -> bool:
        return self.models[model].keys() >= set(self.factors(task))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the tasks, each once."""
        return tuple(dict.fromkeys(task.kind for task in self.tasks.values()))

    def keeps_bins(self, dimensions: Iterable[str]) -> bool:
        """Whether score bins are kept of the slices by these dimensions, in whatever order they are declared."""
        return frozenset(dimensions) in {frozenset(names) for names in self.bins.slices}

    def is_final(self, age_hours: float, task: str) -> bool:
        """Whether the task's label, and the label it is given, no longer change at this age."""
        names = (self.tasks[task].label, self.tasks[task].given)
        return all(self.labels[name].final_after <= HOUR * age_hours for name in names if name is not None)

    def document(self) -> dict[str, Any]:
        """Return the resolved configuration as plain JSON values; `parse` reads it back."""
        return self.model_dump(mode="json", by_alias=True)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the resolved configuration: equal for another order of keys or another spelling.

        The order of the labels counts, because it decides which copy of an impression is kept.
        """
        canonical = json.dumps([list(self.labels), self.document()], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def load(path: str | Path, overrides: Sequence[str] = ()) -> Evaluation:
    """Return the evaluation of a YAML file, under overrides such as `limits.min_rows=0`."""
    return _parsed(read(path, overrides), str(path))


def parse(mapping: Mapping[Any, Any]) -> Evaluation:
    """Return the evaluation of a plain mapping; raises ConfigurationError with every problem there is."""
    return _parsed(mapping, "the configuration")


def _parsed(mapping: object, origin: str) -> Evaluation:
    given = _without_empty_sections(mapping) if isinstance(mapping, Mapping) else mapping
    evaluation, misshapen = _shaped(given)
    problems = merged(
        refusals(given), misshapen, relation_problems(given), kind_problems(given), option_problems(given)
    )
    if evaluation is None or problems:
        more = f", the first {MOST_TOLD}" if len(problems) > MOST_TOLD else ""
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}{more}"
        raise ConfigurationError(f"{origin} is not valid: {count}", problems[:MOST_TOLD])
    return evaluation


def _without_empty_sections(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    # A section whose lines are all commented out reads as null, and means its default.
    return {key: value for key, value in mapping.items() if value is not None or key not in Evaluation.model_fields}


def _shaped(given: object) -> tuple[Evaluation | None, list[Problem]]:
    try:
        return Evaluation.model_validate(given), []
    except ValidationError as error:
        return None, shape_problems(error, _schema())


@functools.cache
def _schema() -> dict[str, Any]:
    return Evaluation.model_json_schema()
