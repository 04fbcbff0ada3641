"""Examples of a few impressions: of copies the one that is kept, with its cell and the labels of every log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from jobs.audit.recount import values
from jobs.audit.recount.events import Logs
from jobs.audit.recount.impressions import TIME, Cell, Raw, Shown, spelled
from jobs.settings import Evaluation

Label = float | tuple[float, ...]


class Kept(NamedTuple):
    """A row that is evaluated, with its cell and its labels by name."""

    cell: Cell
    row: Raw
    labels: Mapping[str, Label]


@dataclass(frozen=True)
class Examples:
    """What is evaluated of impressions.

    Attributes:
        settings: What the run was configured with.
        shown: The impressions of the day.
        logs: Its label logs.
    """

    settings: Evaluation
    shown: Shown
    logs: Logs

    @cached_property
    def values(self) -> Mapping[str, set[str]]:
        """Of dimensions whose values are capped those that are kept."""
        return self.shown.kept()

    def of(self, rows: Iterable[Raw]) -> tuple[list[Kept], set[Cell]]:
        """The rows that are evaluated, of copies one, which may be another row; and cells where that cannot be told.

        Copies that are alike in time and labels are told apart by a hash, which is not made here.
        """
        columns = self.settings.impressions.columns
        usable = [(row, labels) for row in rows if (labels := self.shown.usable(row)) is not None]
        if columns.id is None or self.settings.impressions.duplicates == "none":
            return self._labelled(usable), set()
        copies: dict[str, list[tuple[Raw, Mapping[str, Label]]]] = defaultdict(list)
        for row in self.shown.where(columns.id, {str(values.text(row[columns.id])) for row, _ in usable}):
            if (labels := self.shown.usable(row)) is not None:
                copies[str(values.text(row[columns.id]))].append((row, labels))
        labelled: dict[str, list[Kept]] = defaultdict(list)
        for kept in self._labelled([copy for some in copies.values() for copy in some]):
            labelled[str(values.text(kept.row[columns.id]))].append(kept)
        return self._first_copies(labelled.values())

    def cell(self, row: Raw) -> Cell:
        """The cell of a row."""
        return tuple(spelled(row[name], self.values.get(name)) for name in self.settings.dimensions)

    def _first_copies(self, copies: Iterable[Sequence[Kept]]) -> tuple[list[Kept], set[Cell]]:
        """Of copies the earliest, then that of the highest labels; of what is alike in all of that any."""
        found: list[Kept] = []
        ambiguous: set[Cell] = set()
        for some in copies:
            first = min(some, key=self._rank)
            alike = [copy for copy in some if self._rank(copy) == self._rank(first)]
            if any(copy.row != first.row for copy in alike):
                ambiguous |= {copy.cell for copy in alike}
            else:
                found.append(first)
        return found, ambiguous

    def _rank(self, copy: Kept) -> tuple[Any, ...]:
        highest = (_negative(copy.labels[name]) for name in self.settings.labels)
        return (copy.row[TIME] or 0, *highest)

    def _labelled(self, rows: Sequence[tuple[Raw, Mapping[str, Label]]]) -> list[Kept]:
        logs = self.settings.label_logs
        keys = [self._key(row) for row, _ in rows] if logs else []
        of_logs = {name: self.logs.labels(name, keys) for name in logs}
        return [
            Kept(self.cell(row), row, {**own, **{name: of[self._key(row)] for name, of in of_logs.items()}})
            for row, own in rows
        ]

    def _key(self, row: Raw) -> tuple[str, int]:
        return str(values.text(row[str(self.settings.impressions.columns.id)])), row[TIME]


def _negative(label: Label) -> Any:
    return tuple(-share for share in label) if isinstance(label, tuple) else -label
