"""The typed model of a configuration, and what follows from it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jobs.settings.durations import HOUR
from jobs.settings.fields import (
    Ages,
    Dimension,
    Items,
    ModelName,
    Name,
    Peer,
    Section,
)
from jobs.settings.judgement.alerts import Alerts
from jobs.settings.judgement.gates import Gate
from jobs.settings.logs import Impressions, Label, LabelColumn, LabelLog, Source
from jobs.settings.sections import (
    Baselines,
    Bins,
    Changes,
    Comparison,
    DayBounds,
    Lease,
    Limits,
    Loss,
    ModelScore,
    Shards,
    Tables,
    Task,
)

JointWeight = Annotated[float, Field(gt=-(2**40), lt=2**40)]
Scores = Annotated[Mapping[str, ModelScore], Field(min_length=1)]


def reach(name: str, labels: Mapping[str, Label]) -> timedelta:
    """From an impression to the end of what may count of a label: after the last click a whole window may follow."""
    label = labels[name]
    if isinstance(label, LabelColumn):
        return timedelta(0)
    click = labels.get(label.via or "") if label.post_click else None
    return label.window + (click.window if isinstance(click, LabelLog) else timedelta(0))


def final_after(name: str, labels: Mapping[str, Label]) -> timedelta:
    """Time from an impression to the moment its label no longer changes; one in its row is final at once."""
    label = labels[name]
    if isinstance(label, LabelColumn):
        return timedelta(0)
    own = reach(name, labels) + label.lateness
    click = labels.get(label.via or "")
    return max(own, click.window + click.lateness) if isinstance(click, LabelLog) else own


class Evaluation(Section):
    """One evaluation: everything a nightly run needs to know. Made by `load` or `parse` only."""

    evaluation: Name
    day: DayBounds = DayBounds()
    impressions: Impressions
    labels: Annotated[Mapping[Name, Label], Field(min_length=1)]
    tasks: Annotated[Mapping[Name, Task], Field(min_length=1)]
    models: Annotated[Mapping[ModelName, Scores], Field(min_length=1)]
    dimensions: Items[Dimension] = ()
    slices: Annotated[Items[Items[str]], Field(min_length=1)] = ((),)
    shards: Shards = Shards()
    bins: Bins = Field(default=Bins(), validate_default=True)
    baselines: Baselines = Baselines()
    changes: Changes = Changes()
    comparisons: Mapping[Name, Comparison] = {}
    compatibility: Items[Peer] = ()
    joint: Mapping[Name, Annotated[Mapping[Name, JointWeight], Field(min_length=1)]] = {}
    limits: Limits = Limits()
    lease: Lease = Lease()
    loss: Loss = Loss()
    ages: Ages = Field(default=None, validate_default=True)
    gates: Mapping[Name, Gate] = {}
    alerts: Alerts = Alerts()
    tables: Tables

    @model_validator(mode="before")
    @classmethod
    def _without_empty_sections(cls, given: object) -> object:
        # A section whose lines are all commented out reads as null, and means its default.
        if not isinstance(given, Mapping):
            return given
        return {key: value for key, value in given.items() if value is not None or key not in cls.model_fields}

    @field_validator("bins")
    @classmethod
    def _of_the_total_where_declared(cls, bins: Bins, info: ValidationInfo) -> Bins:
        # It is not said of which slices: of the total if that is one of them, else of none.
        said = "slices" in bins.model_fields_set or () in info.data.get("slices", bins.slices)
        return bins if said else bins.model_copy(update={"slices": ()})

    @field_validator("ages", mode="before")
    @classmethod
    def _or_final_age(cls, ages: object, info: ValidationInfo) -> object:
        labels = info.data.get("labels", {})
        final = max((final_after(name, labels) for name in labels), default=timedelta(0))
        return [HOUR * -(-final // HOUR)] if ages is None else ages

    def in_order(self) -> Self:
        """The same with the dimensions of each slice in their own order."""
        slices = tuple(tuple(name for name in self.dimensions if name in names) for names in self.slices)
        return self.model_copy(update={"slices": slices})

    @property
    def age_hours(self) -> int:
        """The youngest age: hours from the end of the day to the moment labels are cut off."""
        return self.ages[0] // HOUR

    @property
    def hours(self) -> tuple[int, ...]:
        """The hours of every age, the youngest first."""
        return tuple(age // HOUR for age in self.ages)

    @property
    def label_logs(self) -> dict[str, LabelLog]:
        """Labels that come as logs of their own, in the order of the configuration."""
        return {name: label for name, label in self.labels.items() if isinstance(label, LabelLog)}

    @property
    def sources(self) -> dict[str, Source]:
        """What is read: the impressions, and each label log by the name under which people are told of it."""
        logs = {f"labels.{name}": log.source for name, log in self.label_logs.items()}
        return {"impressions": self.impressions.source, **logs}

    @property
    def label_columns(self) -> dict[str, LabelColumn]:
        """Labels that are columns of the impressions, in the order of the configuration."""
        return {name: label for name, label in self.labels.items() if isinstance(label, LabelColumn)}

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every (task, model) that is scored: tasks, then models, in the order of the configuration."""
        return tuple((task, model) for task in self.tasks for model in self.models if self._scores(model, task))

    def compared(self, comparison: str) -> tuple[str, ...]:
        """The tasks of a comparison, in the order of the configuration."""
        own = self.comparisons[comparison]
        both = [task for task in self.tasks if {(task, own.candidate), (task, own.baseline)} <= set(self.pairs)]
        return tuple(task for task in both if not own.tasks or task in own.tasks)

    def keeps_pairs(self, task: str, model: str) -> bool:
        """Whether the model's scores of a task are compared with another one's, row by row."""
        own = (n for n, of in self.comparisons.items() if of.pair_statistics and model in (of.candidate, of.baseline))
        return any(task in self.compared(name) for name in own)

    def factors(self, task: str) -> tuple[str, ...]:
        """The tasks whose scores make that of a task: itself, or those of its product."""
        product = self.tasks[task].score
        return (task,) if product is None else product.product

    def classes(self, task: str) -> tuple[str, ...]:
        """The names of the classes of a task; none where it has no classes."""
        return self.labels[self.tasks[task].label].classes

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
        return all(self.label_is_final(age_hours, name) for name in names if name is not None)

    def label_is_final(self, age_hours: float, label: str) -> bool:
        """Whether a label no longer changes at this age."""
        return final_after(label, self.labels) <= HOUR * age_hours

    def span(self, name: str) -> timedelta:
        """The window of a label log in which what it is measured from lies: of events `post_click` their clicks."""
        log = self.label_logs[name]
        return self.label_logs[str(log.via)].window if log.post_click else log.window

    def reach(self, name: str) -> timedelta:
        """From an impression to the end of what may count of a label log."""
        return reach(name, self.labels)

    def document(self) -> dict[str, Any]:
        """Return the resolved configuration as plain JSON values; `parse` reads it back."""
        return self.model_dump(mode="json", by_alias=True)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the resolved configuration: equal for another order of keys or another spelling.

        The order of the labels counts, because it decides which copy of an impression is kept.
        """
        return fingerprint(self.labels, self.document())


def fingerprint(labels: Iterable[str], document: Mapping[str, Any]) -> str:
    """SHA-256 of a resolved configuration as plain JSON values, and of the order of its labels."""
    canonical = json.dumps([list(labels), document], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
