"""What the demo found, as values: for the report and for `--json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.demo.engines import OTHER, Comparison
from jobs.demo.truths import Truths
from jobs.results.outcome import Outcome
from jobs.surfaces import verdict


@dataclass(frozen=True)
class Answer:
    """A question, its SQL, and what the tables answer."""

    question: str
    sql: str
    answer: pa.Table


def unweighed(reasons: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is rejected as it was planted: counted, and not weighed."""
    return [{name: value for name, value in row.items() if name != "weights"} for row in reasons]


@dataclass(frozen=True)
class Findings:
    """What the demo found.

    Attributes:
        engine: The engine of the three days.
        truths: What was planted.
        outcomes: The run of each day.
        movers: The slices whose calibration changed most on the last day, the worst first.
        answers: Three questions in SQL.
        comparisons: The last day's tables of both engines; empty where the other one was left out.
        reason: Why it was left out.
        page: Where the report of the last day is.
    """

    engine: str
    truths: Truths
    outcomes: tuple[Outcome, ...]
    movers: pa.Table
    answers: tuple[Answer, ...]
    comparisons: tuple[Comparison, ...]
    reason: str | None
    page: Path

    @property
    def problems(self) -> list[str]:
        """What is not as it must be, as sentences; none if all is well."""
        wrong = [
            f"{day.date}: the run did not count what was planted"
            for day, outcome in zip(self.truths.days, self.outcomes, strict=True)
            if unweighed(outcome.ledger.reasons) != day.reasons or verdict.of_outcome(outcome)["rows"] != day.rows
        ]
        first = self.movers.slice(0, 1).to_pylist()
        if [(row["slice"], row["model"]) for row in first] != [(self.truths.wrong_slice, self.truths.wrong_model)]:
            wrong.append(f"{self.truths.wrong_slice} is not the first of the slices that went wrong")
        bits = [f"{each.table}: {', '.join(each.differing)} differ" for each in self.comparisons if each.differing]
        return wrong + bits

    @property
    def losses(self) -> dict[tuple[str, str], dict[str, float]]:
        """Log loss of each model, by day and task."""
        losses: dict[tuple[str, str], dict[str, float]] = {}
        for day in map(verdict.of_outcome, self.outcomes):
            for row in day["metrics"]:
                losses.setdefault((day["event_date"], row["task"]), {})[row["model"]] = row["log_loss"]
        return losses

    @property
    def wins(self) -> int:
        """How often the candidate has the lower log loss."""
        return sum(models["candidate"] < models["champion"] for models in self.losses.values())

    @property
    def exit_code(self) -> int:
        """0, or 3 where something is not as it must be."""
        return 3 if self.problems else 0

    def document(self) -> dict[str, Any]:
        """The findings as plain values."""
        return {
            "exit_code": self.exit_code,
            "days": [verdict.of_outcome(outcome) for outcome in self.outcomes],
            "movers": self.movers.to_pylist(),
            "questions": [{**vars(each), "answer": each.answer.to_pylist()} for each in self.answers],
            "engines": {"first": self.engine, "second": OTHER[self.engine], "left_out": self.reason},
            "compared": [vars(each) for each in self.comparisons],
            "report": str(self.page),
            "problems": self.problems,
        }
