"""The frames of a run: what its pinned sources hold, in our columns. They are lazy: nothing is read yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame

from jobs.day import Day
from jobs.inputs import label_logs
from jobs.inputs.impressions import impressions
from jobs.inputs.sources import Inputs
from jobs.settings import Evaluation


@dataclass(frozen=True)
class Frames:
    """The impressions, and the rows of each label log by its name."""

    impressions: DataFrame
    logs: Mapping[str, DataFrame]


def framed(inputs: Inputs, settings: Evaluation, day: Day, as_of: datetime) -> Frames:
    """The frames of pinned sources; events are labels up to the moment `as_of`."""
    key = label_logs.key_type(settings, inputs.impressions, inputs.logs)
    return Frames(
        impressions(inputs.impressions, settings, day, key),
        label_logs.framed(inputs.logs, settings, day, as_of, key),
    )
