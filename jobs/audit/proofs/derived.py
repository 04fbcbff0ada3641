"""That metrics, intervals, comparisons and gates follow from the sums: they are made of them once more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.evidence import Evidence
from jobs.audit.proofs.keys import KEYS
from jobs.audit.same import same
from jobs.audit.statement import Statement, equal, unknown
from jobs.examples.slices import Texts, by_dimensions
from jobs.inputs.scorings import scorings
from jobs.judgement import gate_rows
from jobs.judgement.comparisons import compared
from jobs.judgement.estimates import Known
from jobs.judgement.intervals import with_intervals
from jobs.ledger.runs import code_hash
from jobs.results import finish, lost
from jobs.results.baselines import references
from jobs.results.rows import with_slice

VALUES: Final = ("value", "n", "weight", "positives", "unit", "reason", "clip")
INTERVAL: Final = ("ci_low", "ci_high", "stderr", "ci_method", "ci_reason")
OF_EARLIER_DAYS: Final = "nowcast"  # the metrics that rest on other days
# Of a comparison what rests on this day alone.
OF_TONIGHT: Final = (
    *("candidate", "baseline", "candidate_value", "baseline_value", "difference", "ci_low", "ci_high", "stderr"),
    *("relative_difference", "relative_low", "relative_high", "p", "p_adjusted", "detectable", "reason", "ci_reason"),
)
OTHER_CODE: Final = 1e-9  # what another version of the code may change of a double, relative


def metrics(of: Evidence) -> Iterator[Statement]:
    """Metrics with their intervals, comparisons and gates are what the sums give; nowcasts rest on other days, too."""
    if of.run is None:
        yield unknown("metrics", "no run was done whose configuration they could be made with")
        return
    within = 0.0 if of.run["code_hash"] == code_hash() else OTHER_CODE
    rates = references(of.session, of.settings, of.stamp)
    yield from _metrics(of, rates, within)
    known = Known(of.tables, of.settings, rates)
    if "comparisons" in of.tables:
        made = compared(known, of.part.event_date, {}).select([*KEYS["comparisons"], *OF_TONIGHT])
        yield from _same("comparisons", of.tables["comparisons"], made, within)
    yield from _gates(of, within)
    yield from _changes(of)


def _metrics(of: Evidence, rates: Mapping[tuple[str, str], float], within: float) -> Iterator[Statement]:
    stored = of.tables["metrics"]
    stored = stored.filter(pc.invert(pc.match_substring(stored["metric"], f"[{OF_EARLIER_DAYS}]")))
    rows = finish.metrics(of.tables, of.settings, _slices(of), scorings(of.settings), rates)
    told = _told(of)
    yield from (unknown(f"metrics, {name}", "a sum that it rests on was too large to be recorded") for name in told[1])
    made = finish.stamped(lost.put_back(rows, told[0]), of.settings, of.stamp)
    made = with_intervals(made, Known({**of.tables, "metrics": made}, of.settings, rates))
    moved = _of_earlier_days(of)
    for statement in _same("metrics", stored, made.select([*KEYS["metrics"], *VALUES, *INTERVAL]), within):
        if statement.holds is False and any(statement.where.find(f"metric {name}") >= 0 for name in moved):
            yield unknown(statement.where, "it rests on a rate of an earlier day, which may have been evaluated anew")
        else:
            yield statement


def _same(name: str, stored: pa.Table, made: pa.Table, within: float) -> Iterator[Statement]:
    """That rows of metrics are those that are made now; of other code those of metrics that both versions have."""
    if within:
        then, now = (set(rows["metric"].to_pylist()) for rows in (stored, made))
        if then ^ now:
            yield unknown(
                name, f"made by another version of the code, and one of both lacks {', '.join(sorted(then ^ now))}"
            )
        both = pa.array(sorted(then & now), pa.string())
        stored, made = (rows.filter(pc.is_in(rows["metric"], value_set=both)) for rows in (stored, made))
    yield from same(name, stored.select(made.column_names), made, KEYS[name], within=within)


def _of_earlier_days(of: Evidence) -> tuple[str, ...]:
    """The metrics that rest on the rate of an earlier day, by how their names end."""
    rates = of.settings.baselines.reference.values()
    names = {name for name in of.tables["metrics"]["metric"].to_pylist() if name.endswith("[reference]")}
    return tuple(sorted(names)) if any(isinstance(rate, timedelta) for rate in rates) else ()


def _told(of: Evidence) -> tuple[pa.Table, list[str]]:
    """What `metrics` alone has, of sums that grew too large for the tables; and the names of those metrics."""
    assert of.run is not None
    gone = lost.by_pair(of.tables["statistics"], of.settings, json.loads(of.run["units"] or "{}"))
    told = lost.known(of.tables["metrics"], gone, of.settings)
    keys = zip(*(told[name].to_pylist() for name in ("metric", "task", "model")), strict=True)
    return told, sorted({f"{metric} of {task} / {model}" for metric, task, model in keys})


def _slices(of: Evidence) -> Texts:
    """The declared slices of the day: those of its cells, and those of which no row was left, which `metrics` names."""
    cells, told = of.tables["statistics"], by_dimensions(of.tables["metrics"]["slice"].unique().to_pylist())
    return {
        names: list(dict.fromkeys([*pc.unique(with_slice(cells, names)["slice"]).to_pylist(), *told.get(names, ())]))
        for names in of.settings.slices
    }


def _gates(of: Evidence, within: float) -> Iterator[Statement]:
    if "gate_results" not in of.tables or of.run is None:
        return
    quiet = f"the day is {of.run['message']}" if of.run["provisional"] else None
    results = gate_rows.results(of.settings, gate_rows.Evidence.of(of.tables, of.settings, quiet))
    made = gate_rows.rows_of(results, of.stamp).select([*gate_rows.OWN])
    yield from same("gate_results", of.tables["gate_results"], made, KEYS["gate_results"], within=within)


def _changes(of: Evidence) -> Iterator[Statement]:
    """That changes hold the metrics of the day against earlier ones, and differences are differences."""
    if "changes" not in of.tables:
        return
    keys = KEYS["metrics"]
    values = {
        tuple(row[key] for key in keys): row["value"]
        for row in of.tables["metrics"].select([*keys, "value"]).to_pylist()
    }
    for row in of.tables["changes"].select([*KEYS["changes"], "before", "now", "difference"]).to_pylist():
        place = "changes at " + ", ".join(f"{key} {row[key] or repr(row[key])}" for key in KEYS["changes"])
        yield equal(f"{place}, now", row["now"], values.get(tuple(row[key] for key in keys)))
        if row["difference"] is not None:
            yield equal(f"{place}, difference", row["difference"], row["now"] - row["before"])
