"""The gates of a day that is in the tables, judged anew: its logs are not needed, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import calling
from jobs.errors import ConfigurationError, ContractError, Problem
from jobs.judgement import gate_rows
from jobs.judgement.gate_rows import KEYS, OWN, Evidence
from jobs.ledger import tables
from jobs.ledger.held import all_held
from jobs.ledger.judgements import LABEL_ARRIVAL
from jobs.safe_text import printable
from jobs.settings import Evaluation

SLICES = 5  # that are told of a gate, of those that fail and of the others
EXAMPLE = (
    "one at least, such as "
    "{honest: {task: TASK, model: MODEL, metric: predicted_over_actual, within: [0.95, 1.05]}} in the configuration"
)
Row = Mapping[str, Any]


def judged(session: SparkSession, settings: Evaluation, day: date, age_hours: int) -> list[dict[str, Any]]:
    """Every gate in every slice, of what the tables hold of a day at an age.

    Raises:
        ConfigurationError: There are no gates (exit 2).
        ContractError: The day is not in the tables at this age (exit 2).
    """
    if not settings.gates:
        raise ConfigurationError("there is nothing to judge", [Problem("gates", "none", EXAMPLE)])
    names = tables.declared(settings).keys() & {*KEYS, LABEL_ARRIVAL.name}
    found = all_held(session, settings, dict.fromkeys(names), [day], age_hours, provisional=True)
    if not found["metrics"].num_rows:
        run = calling.lossledger(f"run CONFIG --date {day}")
        problem = Problem("metrics", f"no row of {day} at age {age_hours}h", f"one; make it with: {run}")
        raise ContractError("the day is not in the tables", [problem])
    provisional = any(found["metrics"]["provisional"].to_pylist())
    evidence = Evidence.of(found, settings, "the day is provisional" if provisional else None)
    return [result.row for result in gate_rows.results(settings, evidence)]


def fails(rows: Sequence[Row]) -> bool:
    """Whether the night fails by any of them."""
    return any(row["fails"] for row in rows)


def plain(rows: pa.Table) -> list[dict[str, Any]]:
    """The rows without what every row of a run carries."""
    found: list[dict[str, Any]] = rows.select(OWN).to_pylist()
    return found


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each gate that has something to say, what fails first; those that passed are counted.

    Of a gate in many slices the first are told, and how many more there are.
    """
    told = [row for row in rows if row["verdict"] != "passed"]
    said: Counter[tuple[bool, str]] = Counter()
    of = Counter((not row["fails"], row["gate"]) for row in told)
    for row in sorted(told, key=lambda row: (not row["fails"], row["gate"], row["slice"])):
        group = (not row["fails"], row["gate"])
        said[group] += 1
        how = " FAILS" if row["fails"] else ""
        if said[group] <= SLICES:
            where = f" in {row['slice']}" if row["slice"] else ""
            yield printable(f"gate {row['gate']}{where}{how}: {row['sentence']}")
        elif said[group] == of[group]:
            rest = "" if row["fails"] else " is undecided or not judged"
            yield f"gate {row['gate']}{how}{rest} in {of[group] - SLICES:,} more slices, which gates_latest has"
    if rows:
        yield f"gates: {len(rows) - len(told):,} of {len(rows):,} passed"
