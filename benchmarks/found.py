"""What was measured, as a page asks for it: medians, ratios, and a dash where something was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.cases import Case

NOTHING = "–"


@dataclass(frozen=True)
class Found:
    """Everything that was measured, by case."""

    cases: Mapping[Case, Mapping[str, Any]]

    def seconds(self, case: Case, part: str = "whole") -> float | None:
        """The median of a part of its rounds; None where it was not measured."""
        times = [each[part] for each in self.cases[case]["rounds"] if part in each] if case in self.cases else []
        return median(times) if times else None

    def told(self, case: Case, part: str = "whole") -> str:
        """The median as text; of what had no answer the time that it was given."""
        late = self.cases[case].get("late") if case in self.cases else None
        return number(self.seconds(case, part)) if late is None else f"no answer in {late:.0f}"

    def mib(self, case: Case, of: str) -> float | None:
        """Its peak of memory, `largest` or `together`; None where it was not measured."""
        return self.cases[case][of] if self.rounds(case) else None

    def rounds(self, case: Case) -> int:
        """How many rounds the median is of."""
        return len(self.cases[case]["rounds"]) if case in self.cases else 0


def ratio(a: float | None, b: float | None, digits: int = 2) -> str:
    """The quotient as text.

    >>> ratio(3.0, 2.0), ratio(None, 2.0)
    ('1.50', '–')
    """
    return NOTHING if a is None or b is None or b == 0.0 else f"{a / b:.{digits}f}"


def number(value: float | None, digits: int = 2) -> str:
    """A number as text.

    >>> number(1234.5, 0)
    '1,234'
    """
    return NOTHING if value is None else f"{value:,.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its first column words, the others numbers.

    >>> print(table(("who", "s"), [("Sail", "3.9")]))
    | who | s |
    |---|--:|
    | Sail | 3.9 |
    """
    rule = f"|---|{'--:|' * (len(head) - 1)}"
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)])
