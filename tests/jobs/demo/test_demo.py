import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from rich.console import Console

from jobs.demo import demo
from jobs.demo.engines import COMPARED, OTHER, compared, left_out, repeated
from jobs.demo.findings import Findings, unweighed
from jobs.demo.report import METRICS, WORDS
from jobs.demo.truths import DayTruth
from jobs.engines import jars
from jobs.errors import RuntimeFailure
from jobs.judgement.slices.ledger import Ledger
from jobs.judgement.worst import Asked, worst_of
from jobs.settings import load
from tests.world.child import ROOT

# It shows both engines: the last day is evaluated on Apache Spark too, in a process of its own.
pytestmark = pytest.mark.only_engine("sail")

CONFIG = ROOT / "conf" / "demo.yaml"

LAST = date(2026, 3, 1)
WIDTH = 140
ROWS = 40_000
DAYS = range(3)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(root: Path) -> Path:
    return root / "told.txt"


@pytest.fixture(scope="module")
def findings(spark: SparkSession, engine: str, root: Path, told: Path) -> Findings:
    with told.open("w") as file:
        console = Console(file=file, width=WIDTH, highlight=False)
        return demo(root, engine, ROWS, last_day=LAST, console=console)


def rows_of(root: Path, name: str, day: DayTruth, folder: str = "warehouse") -> pa.Table:
    table = DeltaTable(str(root / folder / "demo" / name))
    return table.to_pyarrow_table(filters=[("event_date", "=", date.fromisoformat(day.date))])


def sums_of(root: Path, day: DayTruth, task: str) -> dict[str, dict[str, Any]]:
    rows = rows_of(root, "statistics", day)
    names = [field.name for field in rows.schema if pa.types.is_decimal(field.type) or field.name in ("n", "unscored")]
    totals = rows.group_by(["task", "model"]).aggregate([(name, "sum") for name in names]).to_pylist()
    return {row["model"]: {name: row[f"{name}_sum"] for name in names} for row in totals if row["task"] == task}


def values_of(root: Path, day: DayTruth, metric: str, slice_text: str = "") -> dict[tuple[str, str], float]:
    rows = rows_of(root, "metrics", day).to_pylist()
    chosen = [row for row in rows if (row["metric"], row["slice"]) == (metric, slice_text)]
    return {(row["task"], row["model"]): row["value"] for row in chosen}


def done(root: Path, day: DayTruth) -> dict[str, Any]:
    event: dict[str, Any]
    (event,) = [row for row in rows_of(root, "runs", day).to_pylist() if row["state"] == "done"]
    return event


@pytest.mark.parametrize("number", DAYS)
def test_the_ledger_of_each_day_ties_out_as_planted(findings: Findings, root: Path, number: int) -> None:
    day = findings.truths.days[number]
    event = done(root, day)
    found = {name: event[f"rows_{name}"] for name in day.rows}
    assert found == day.rows
    assert found["read"] == found["outside"] + found["rejected"] + found["duplicate"] + found["scored"]
    assert min(found.values()) > 0


@pytest.mark.parametrize("number", DAYS)
def test_every_reject_is_counted_by_its_reason(findings: Findings, root: Path, number: int) -> None:
    day = findings.truths.days[number]
    assert unweighed(json.loads(done(root, day)["rejected"])) == day.reasons


@pytest.mark.parametrize("number", DAYS)
def test_every_reject_is_kept(findings: Findings, root: Path, number: int) -> None:
    day = findings.truths.days[number]
    keys = ["source", "task", "model", "reason"]
    kept = rows_of(root, "rejects", day).group_by(keys).aggregate([([], "count_all")]).to_pylist()
    found = [{**{key: row[key] for key in keys}, "rows": row["count_all"]} for row in kept]
    assert sorted(found, key=lambda row: [str(row[key]) for key in keys]) == day.reasons


def test_every_kind_of_bad_row_is_there(findings: Findings) -> None:
    kinds = {row["reason"] for day in findings.truths.days for row in day.reasons}
    scores = {"null_score", "nan_score", "bad_score", "null_weight", "bad_weight", "out_of_range"}
    # `bad_time` needs a time that is text, which parquet's is not.
    assert kinds == {"null_id", "null_time", "null_label", "bad_label"} | scores


@pytest.mark.parametrize("number", DAYS)
@pytest.mark.parametrize("task", ["ctr", "ctr_by_bid", "cvr", "viewability"])
def test_rows_and_positives_are_those_that_happened(findings: Findings, root: Path, number: int, task: str) -> None:
    day = findings.truths.days[number]
    for model, sums in sums_of(root, day, task).items():
        pair = f"{task} / {model}"
        assert sums["n"] == day.n[pair]
        if task != "ctr_by_bid":
            # Late, repeated and unasked-for labels change none of these.
            assert sums["positive_weight"] == day.positives[pair]


@pytest.mark.parametrize("number", DAYS)
def test_labels_outside_their_window_were_planted(findings: Findings, number: int) -> None:
    assert findings.truths.days[number].outside > 0
    assert findings.truths.days[number].repeated > 0


@pytest.mark.parametrize("number", DAYS)
def test_hard_rows_are_counted_apart(findings: Findings, root: Path, number: int) -> None:
    day = findings.truths.days[number]
    for sums in sums_of(root, day, "ctr").values():
        assert {name: sums[name] for name in day.hard} == day.hard
    assert min(day.hard.values()) > 0


@pytest.mark.parametrize("number", DAYS)
@pytest.mark.parametrize("metric", ["log_loss", "normalized_entropy"])
def test_the_candidate_is_better_on_every_day(findings: Findings, root: Path, number: int, metric: str) -> None:
    values = values_of(root, findings.truths.days[number], metric)
    for task in ("ctr", "ctr_by_bid", "cvr", "viewability"):
        assert values[task, "candidate"] < values[task, "champion"]


def test_the_slice_that_went_wrong_is_found_first(findings: Findings, root: Path) -> None:
    first = findings.movers.to_pylist()[0]
    assert (first["task"], first["model"], first["slice"]) == ("ctr", "champion", "country=BR,device=android")
    ratios = [
        values_of(root, day, "predicted_over_actual", findings.truths.wrong_slice)["ctr", "champion"]
        for day in findings.truths.days
    ]
    assert (first["before"], first["now"]) == (ratios[1], ratios[2])
    assert first["now"] > 1.5 * first["before"]


def test_both_engines_have_the_same_bits(findings: Findings, root: Path, engine: str) -> None:
    assert findings.reason is None
    assert [each.table for each in findings.comparisons] == list(COMPARED)
    day = findings.truths.days[-1]
    for each in findings.comparisons:
        assert each.differing == ()
        assert each.rows == rows_of(root, each.table, day, f"warehouse-{OTHER[engine]}").num_rows > 0


def test_all_is_well(findings: Findings) -> None:
    assert findings.problems == []
    assert findings.exit_code == 0
    assert findings.wins == len(findings.losses) == 12


def test_what_is_told_ends_with_the_verdict(findings: Findings, told: Path) -> None:
    text = told.read_text()
    for question in findings.answers:
        assert question.question in text
        assert question.sql.splitlines()[0] in text
        assert question.answer.num_rows > 0
    assert text.strip().splitlines()[-1].startswith("done: 119,808 impressions of 3 days scored")


def test_it_fits_two_screens_and_explains_its_words(findings: Findings, told: Path) -> None:
    lines = told.read_text().splitlines()
    progress = 1 + len(findings.outcomes) + len(findings.comparisons[:1])
    assert progress + sum(max(1, -(-len(line) // WIDTH)) for line in lines) <= 80
    explained = {line.split()[0] for line in lines if line[:1].isalpha()}
    assert {word for word, _ in WORDS} <= explained
    assert set(METRICS) <= {word for word, _ in WORDS}


def test_the_document_is_json(findings: Findings) -> None:
    document = json.loads(json.dumps(findings.document(), default=str))
    assert document["exit_code"] == 0
    assert len(document["days"]) == len(document["questions"]) == 3
    assert document["movers"][0]["slice"] == findings.truths.wrong_slice


def test_one_unit_of_the_fifteenth_decimal_is_a_difference(findings: Findings, root: Path, tmp_path: Path) -> None:
    day = findings.truths.days[-1]
    changed, *same = (rows_of(root, name, day) for name in COMPARED)
    sums = changed["score_sum"].to_pylist()
    column = pa.array([sums[0] + Decimal("1e-15"), *sums[1:]], changed["score_sum"].type)
    place = changed.column_names.index("score_sum")
    for name, rows in zip(COMPARED, (changed.set_column(place, "score_sum", column), *same), strict=True):
        write_deltalake(tmp_path / "demo" / name, rows, partition_by=["event_date", "age_hours"])
    found = compared(load(CONFIG), (str(root / "warehouse"), str(tmp_path)), findings.truths.dates[-1])
    assert [each.differing for each in found] == [("score_sum",), (), ()]
    assert replace(findings, comparisons=found).problems == ["statistics: score_sum differ"]
    assert replace(findings, comparisons=found).exit_code == 3


def test_the_cross_that_is_wrong_on_the_last_day_is_the_worst(
    findings: Findings, root: Path, spark: SparkSession
) -> None:
    settings = load(CONFIG, [f"tables.path={root / 'warehouse'}"])
    found = worst_of(Ledger(spark, settings, LAST, settings.age_hours), Asked(calibration=True))
    listed = {(each["task"], each["model"]): each["worst"] for each in found}
    assert listed["ctr", "champion"][0]["slice"] == "country=BR,device=android"
    assert listed["ctr", "champion"][0]["error"] > 0.0 and listed["ctr", "candidate"] == []
    of_verdict = {of["task"]: of["slices"] for of in findings.outcomes[-1].worst}
    named = [row["slice"] for row in of_verdict["ctr"] if row["model"] == "champion"]
    assert "country=BR,device=android" in named


def test_a_day_that_was_not_counted_as_planted_is_a_problem(findings: Findings) -> None:
    first, *others = findings.outcomes
    uncounted = replace(first, ledger=replace(first.ledger, reasons=first.ledger.reasons[1:]))
    found = replace(findings, outcomes=(uncounted, *others))
    assert found.problems == [f"{findings.truths.days[0].date}: the run did not count what was planted"]
    assert found.exit_code == 3


def test_an_engine_that_cannot_be_had_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(jars.FOLDER, str(tmp_path))
    assert str(tmp_path) in str(left_out("spark"))
    assert left_out("sail") is None


def test_a_day_that_fails_on_the_other_engine_fails_with_its_message(tmp_path: Path) -> None:
    environment = {"LOSSLEDGER_DEMO": str(tmp_path)}
    with pytest.raises(RuntimeFailure, match=r"2026-03-01 on Sail ended with exit code 4: .*data/impressions"):
        repeated(CONFIG, LAST, engine="sail", tables=str(tmp_path / "tables"), environment=environment)
