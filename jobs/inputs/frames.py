"""The frames of a run: what its pinned sources hold, in our columns. They are lazy: nothing is read yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame

from jobs.day import Day
from jobs.inputs.impressions import impressions, key_type, label_log
from jobs.inputs.sources import Inputs
from jobs.settings import Evaluation


@dataclass(frozen=True)
class Frames:
    """The impressions, and the events of each label log by its name."""

    impressions: DataFrame
    logs: Mapping[str, DataFrame]


def framed(inputs: Inputs, settings: Evaluation, day: Day, as_of: datetime) -> Frames:
    """The frames of pinned sources; events are labels up to the moment `as_of`."""
    key = key_type(settings, inputs.impressions, inputs.logs)
    declared = settings.label_logs.items()
    return Frames(
        impressions(inputs.impressions, settings, day, key),
        {name: label_log(inputs.logs[name], log, day, as_of, key) for name, log in declared},
    )
