"""The sums of a few cells, made of rows of the logs: what each should be, and how far it may be from that."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mpmath import mp, mpf

from jobs.audit.inputs import Found
from jobs.audit.recount import groups, scored, terms, values
from jobs.audit.recount.events import Logs
from jobs.audit.recount.examples import Examples, Kept
from jobs.audit.recount.impressions import Cell, Shown
from jobs.audit.recount.terms import Term
from jobs.day import Day
from jobs.inputs.impressions import mapped_columns
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from udfs.kinds import KINDS
from udfs.measure import Statistic

HALF: Final = mpf("0.5e-15")  # of a unit: what rounding a term does


@dataclass
class Sum:
    """A sum of terms, and how far the one in the tables may be from it."""

    value: Any
    off: Any

    def is_near(self, found: Any) -> bool:
        """Whether a number is no further from it than it may be."""
        with mp.workdps(terms.DIGITS):
            return bool(abs(mpf(str(found)) - self.value) <= self.off)

    def __str__(self) -> str:
        """Return both."""
        return f"{mp.nstr(self.value, 25)} within {mp.nstr(self.off, 3)}"


Sums = Mapping[tuple[str, str, Cell], Mapping[str, Sum]]


@dataclass(frozen=True)
class Recount:
    """Cells of a run once more.

    Attributes:
        settings: What the run was configured with.
        units: By task the units in which its weights and values were summed.
        examples: What is evaluated of its impressions.
    """

    settings: Evaluation
    units: Mapping[str, Mapping[str, float]]
    examples: Examples

    @classmethod
    def of(cls, settings: Evaluation, run: Mapping[str, Any], found: Mapping[str, Found]) -> Recount:
        """Of the sources of a run as they were found again."""
        day = Day(run["event_date"], settings.day.timezone)
        shown = Shown(settings, found["impressions"], day, mapped_columns(settings))
        examples = Examples(settings, shown, Logs(settings, found, day, run["as_of"]))
        return cls(settings, json.loads(run["units"] or "{}"), examples)

    def sums(self, cells: Collection[Cell]) -> tuple[Sums, set[Cell]]:
        """The sums of some cells by task, model and cell; and the cells where it cannot be told which rows are kept.

        Raises:
            UnreadableError: Something in the logs is beyond what is read here.
        """
        rows = self.examples.shown.of_cells(cells, self.examples.values)
        kept, ambiguous = self.examples.of(rows)
        found: dict[tuple[str, str, Cell], dict[str, Sum]] = defaultdict(dict)
        by_kind = {task: KINDS[own.kind] for task, own in self.settings.tasks.items()}
        with mp.workdps(terms.DIGITS):
            for task, model in self.settings.pairs:
                if not by_kind[task].of_groups:
                    self._add_rows(found, (task, model), [each for each in kept if each.cell in cells])
            if any(kind.of_groups for kind in by_kind.values()):
                ambiguous |= self._add_groups(found, kept, cells)
        return found, ambiguous & set(cells)

    def _add_rows(self, sums: Any, pair: tuple[str, str], kept: Iterable[Kept]) -> None:
        """Add the rows of a task that is about rows; those outside of it count nowhere."""
        own = self.settings.tasks[pair[0]]
        for each in kept:
            if own.given is None or each.labels[own.given] == 1.0:
                example = scored.example(self.settings, pair, each)
                every = [*terms.counts(example.weight, example.scores is not None)]
                if example.weight is not None and example.scores is not None:
                    every += terms.TERMS[own.kind](example)
                self._add(sums[*pair, each.cell], pair[0], every, example)

    def _add_groups(self, sums: Any, kept: Iterable[Kept], cells: Collection[Cell]) -> set[Cell]:
        """Add the groups of the cells for every task that is about candidates: a group is where its first row is."""
        column = str(self.settings.impressions.columns.group)
        names = {str(values.text(each.row[column])) for each in kept}
        members, ambiguous = self.examples.of(self.examples.shown.where(column, names))
        assembled = groups.assembled(members, self.settings, names)
        for task, model in self.settings.pairs:
            if KINDS[self.settings.tasks[task].kind].of_groups:
                for cell, some in assembled:
                    if cell in cells:
                        group = groups.group(self.settings, (task, model), some)
                        every = [*terms.counts(group.weight, group.rows is not None), *groups.terms(group)]
                        self._add(sums[task, model, cell], task, every, group)
        return ambiguous

    def _add(self, into: dict[str, Sum], task: str, every: Iterable[Term], example: Any) -> None:
        kind, units = self.settings.tasks[task].kind, self.units.get(task, {})
        columns = _columns(self.settings, kind)
        for name, term in every:
            column, statistic = columns[name]
            one = into.setdefault(column, Sum(mpf(0), mpf(0)))
            one.value += term
            if not statistic.counts:
                of_weight, of_value = statistic.weight_degree, statistic.value_degree
                one.off += HALF * mpf(units.get("weight", 1)) ** of_weight * mpf(units.get("value", 1)) ** of_value
                one.off += terms.SLACK * (abs(term) + example.beside(of_weight, of_value))


def _columns(settings: Evaluation, kind: str) -> dict[str, tuple[str, Statistic]]:
    """Every statistic of a kind by its name, with its column."""
    return {statistic.name: (column, statistic) for column, statistic in statistics_of_kind(settings, kind).items()}
