"""The sources of a run, pinned once and checked against the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    partition = settings.day.partition
    impressions = pinned.pinned(session, Wanted("impressions", settings.impressions.source, day, partition))
    logs = {
        name: pinned.pinned(
            session, Wanted(f"labels.{name}", log.source, day, partition, stamp.as_of, frozenset(log.read))
        )
        for name, log in settings.label_logs.items()
    }
    contract.check(impressions, logs, settings)
    return Inputs(impressions, logs)
