"""The sources of a run, pinned once and checked against the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession

from jobs.day import Day
from jobs.files import listing, pinned
from jobs.files.pinned import Pinned
from jobs.files.wanted import Wanted
from jobs.inputs import contract
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation


@dataclass(frozen=True)
class Inputs:
    """The pinned sources of a run."""

    impressions: Pinned
    logs: Mapping[str, Pinned]

    @property
    def all(self) -> list[Pinned]:
        """Every source."""
        return [self.impressions, *self.logs.values()]

    @property
    def provenance(self) -> dict[str, Any]:
        """What was read, for `runs`."""
        return {source.name: source.provenance for source in self.all}

    def warnings(self, settings: Evaluation) -> Iterator[str]:
        """What lies in a source and is not read."""
        for name, source in settings.sources.items():
            if source.path is not None and source.format != "delta":
                for folder in listing.passed_over(source.path, source.options):
                    yield f"{name}: files in {folder} are not read; options: {{recursiveFileLookup: true}} reads them"


def gathered(session: SparkSession, settings: Evaluation, day: Day, stamp: Stamp) -> Inputs:
    """Every source of an evaluation.

    Raises:
        InputMissingError: One is not there (exit 4).
        ContractError: One cannot be read, or does not have what the configuration names (exit 2).
    """
    found = {name: pinned.pinned(session, of) for name, of in wanted(settings, day, stamp.as_of).items()}
    logs = {name: found[f"labels.{name}"] for name in settings.label_logs}
    contract.check(found["impressions"], logs, settings)
    return Inputs(found["impressions"], logs)


def wanted(settings: Evaluation, day: Day, as_of: datetime) -> dict[str, Wanted]:
    """What a run wants of every source, by its name, where labels are known up to a moment."""
    partition = settings.day.partition
    shown = settings.impressions
    impressions = Wanted("impressions", shown.source, day, partition, time=shown.columns.time)
    logs = (
        Wanted(f"labels.{name}", log.source, day, partition, as_of, frozenset(log.read), log.columns.time)
        for name, log in settings.label_logs.items()
    )
    return {each.name: each for each in (impressions, *logs)}
