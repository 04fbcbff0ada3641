"""Provenance: the run, code, configuration, inputs and versions that made the numbers."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from jobs.engines.quoting import text_literal
from jobs.surfaces.report.night import Night, Row
from jobs.surfaces.report.section import Section

TITLE = "Where these numbers come from"
LEAD = "The run that wrote them; with its code, configuration and inputs the same bits come out again."
OF_SOURCE = ("version", "files", "bytes", "fingerprint")


class Provenance(NamedTuple):
    """The run as pairs of words, its sources, versions, and the seconds of its stages."""

    facts: list[tuple[str, Any]]
    inputs: list[tuple[str, dict[str, Any]]]
    versions: dict[str, Any]
    stages: dict[str, float]


def sql(night: Night, run_id: str) -> str:
    """The query for the run that the tables hold the rows of."""
    return f"SELECT * FROM runs\nWHERE {night.itself} AND state = 'done' AND run_id = {text_literal(run_id)}"


def run_of(night: Night) -> tuple[Row, str]:
    """The event of the run whose numbers `metrics` holds, and the query for it."""
    query = f"SELECT DISTINCT run_id FROM metrics WHERE {night.itself}"
    (run_id,) = (row["run_id"] for row in night.rows(query)[:1])
    asked = sql(night, run_id)
    found = night.rows(asked)
    return (found[0] if found else {"run_id": run_id}), asked


def made(night: Night, run: Row, query: str) -> Section:
    """What is known of the run."""
    if "config_hash" not in run:
        why = f"The run {run['run_id']} has not noted its end: evaluate the day again."
        return Section("provenance", TITLE, LEAD, why)
    facts = [
        ("evaluation", night.settings.evaluation),
        ("run", run["run_id"]),
        ("labels known up to", run["as_of"]),
        ("written", run["event_time"]),
        ("configuration (SHA-256)", run["config_hash"]),
        ("code (SHA-256)", run["code_hash"]),
    ]
    inputs = [*json.loads(run["inputs"] or "{}").items()]
    content = Provenance(facts, inputs, json.loads(run["versions"] or "{}"), json.loads(run["stages"] or "{}"))
    return Section("provenance", TITLE, LEAD, None, content, query)
