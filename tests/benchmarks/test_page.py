"""The page of the benchmark says what was measured, ratios first, and a dash where nothing was."""

from typing import Any

import pytest

from benchmarks import billion, page
from benchmarks.cases import OURS, PLANS, Case, Logs, planned
from benchmarks.found import NOTHING
from udfs.catalog import columns_of
from udfs.exact.sums import Sums, accumulate
from udfs.scan.grains import CELLS, Grain
from udfs.scan.keyed import Keyed

ROWS = 10_000_000
EVERY = planned(list(PLANS), ROWS)
SIZES = {"impressions": 800_000_000, "clicks": 20_000_000}
MACHINE = {"cores": "2", "memory": "23 GiB", "pyspark": "4.1.4"}


def record(case: Case, **parts: float) -> dict[str, Any]:
    """Three rounds of which the middle one is as given."""
    stages = dict.fromkeys((*page.STAGES, "bare join", "compute", "whole", "scaled"), 4.0)
    rounds = [{name: value * factor for name, value in {**stages, **parts}.items()} for factor in (9.0, 1.0, 0.5)]
    of = {"largest": 1000.0, "together": 2000.0, "bytes": SIZES, "machine": MACHINE}
    return {"case": case.plain(), "rounds": rounds, **of}


def line(text: str, start: str) -> list[str]:
    (found,) = (each for each in text.splitlines() if each.startswith(f"| {start}"))
    return [part.strip() for part in found.strip("|").split("|")][1:]


def test_all_that_is_planned_is_on_the_page():
    text = page.written({case: record(case) for case in EVERY}, ROWS)
    assert NOTHING not in {part.strip() for part in text.split("|")}
    for i, case in enumerate(EVERY):
        lacking = page.written({other: record(other) for other in EVERY if other != case}, ROWS)
        assert lacking != text, (i, case)


def test_what_was_not_measured_is_a_dash():
    text = page.written({}, ROWS)
    assert line(text, "compute ÷ bare join of plain Spark, `duplicates: none`") == [NOTHING] * 3
    assert "Not computed" in text


def test_ratios_are_of_medians():
    logs = Logs(ROWS)
    cases = {case: record(case) for case in EVERY}
    for who, compute in zip(OURS, (8.0, 6.0, 2.0), strict=True):
        case = Case(who, logs, duplicates="none")
        cases[case] = record(case, compute=compute, **{"bare join": 4.0 if who == "spark" else 1.0})
    for models, compute in ((1, 5.0), (4, 20.0)):
        case = Case("spark", logs, duplicates="none", models=models)
        cases[case] = record(case, compute=compute)
    other = Case("duck_db", logs, "exact", duplicates="none")
    cases[other] = record(other, whole=12.0)
    text = page.written(cases, ROWS)
    assert line(text, "compute ÷ bare join of plain Spark, `duplicates: none`") == ["2.00", "1.50", "0.50"]
    assert line(text, "DuckDB, exact, `none` ÷ compute") == ["1.50", "2.00", "6.00"]
    assert line(text, "one more model ÷ the first, from 1 to 2")[0] == "0.60"
    assert line(text, "one more model ÷ the first, from 2 to 4")[0] == "1.20"


def test_what_was_noted_beside_measurements_is_on_the_page_once():
    cases = {case: {**record(case), "note": "on a day of load"} for case in EVERY[:2]}
    assert page.written(cases, ROWS).count("- on a day of load") == 1


def test_the_page_does_not_depend_on_the_order_of_measurements():
    every = {case: record(case) for case in EVERY}
    assert page.written(every, ROWS) == page.written(dict(reversed(every.items())), ROWS)


def test_a_row_of_sums_has_the_bytes_that_it_is_reckoned_with():
    names = columns_of("binary", billion.OPTIONS)
    sums = Sums(100)
    accumulate([(name, [1.0] * 100) for name in names], [(sums, range(100))])
    rows = Keyed(names, 5).rows(Grain(None, CELLS, 0, 1), 0, sums, {name: name for name in names})
    packed = sum(len(value.as_py()) for value in rows["rows"])
    assert 100 * billion.row_bytes() <= packed <= 100 * billion.row_bytes() + 10_000


def test_a_billion_rows_are_reckoned_as_by_hand():
    plan = billion.Plan(10**9, 2**27 / 10**6, cells=12_000, slices=250)
    assert plan.tasks == 1000
    assert plan.keys == 20_000
    assert plan.sums == 1000 * 2 * 20_000 * billion.row_bytes()
    found = {what: allowed / used for what, _, used, allowed in billion.limits(plan)}
    assert found["hashes of ids that meet in a task"] == pytest.approx(2**31 / (6 * 10**9 / 200))
    assert found["sums of one bucket (256 keys)"] == pytest.approx(2**31 / (1000 * 256 * billion.row_bytes()))


def test_the_limit_that_gives_first_is_the_first():
    text = billion.bounded([billion.Plan(10**9, 80.0, cells=12_000, slices=250)])
    _, *rows = [row.split("|") for row in text.splitlines() if row.startswith("| ")]
    left = [float(row[3].replace(",", "")) for row in rows]
    assert left == sorted(left)
    assert len(left) == 6
