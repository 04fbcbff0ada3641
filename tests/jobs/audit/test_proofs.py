"""Every proof holds of tables that a run has written, and finds what is broken in them on purpose."""

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.audit.audited import audited, worst
from jobs.audit.evidence import Evidence
from jobs.audit.proofs.one_run import _ended
from jobs.audit.registry import PROOFS
from jobs.audit.statement import verdict
from jobs.ledger.turns.holders import told
from jobs.settings import parse
from jobs.storage.change import DayAtAge
from tests.world import audited as world
from tests.world.audited import PARTS, broken, changed, copied, one, verdicts
from tests.world.days import DAY
from tests.world.on_sail import made

UNIT = Decimal("0.000000000000001")


@pytest.fixture(scope="module")
def ledger(spark, tmp_path_factory):
    return made(world.ledger, spark, tmp_path_factory.mktemp("audited"))


@pytest.fixture
def copy(ledger, tmp_path):
    return copied(ledger, tmp_path)


def findings(found, proof):
    (verdict,) = (each for each in found.verdicts if each.proof == proof)
    return [str(finding) for finding in verdict.findings]


def test_every_proof_holds_of_what_runs_wrote(spark, ledger):
    found = [*audited(spark, ledger, PARTS[:-1], sample=1), one(spark, ledger, sample=100)]
    assert [each.facts for each in found if each.exit_code] == []
    assert worst(found) == 0
    last = {each.proof: each for each in found[-1].verdicts}
    assert list(last) == list(PROOFS)
    assert {name: each.state for name, each in last.items()} == dict.fromkeys(PROOFS, "proven")
    assert last["vintages"].compared > 10
    assert last["sample"].compared > 1000, "many cells of every kind"
    assert verdicts(found[0])["vintages"] == "nothing_to_prove", "there is no younger age"


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize(
    ("of", "change", "told"),
    [
        (
            ("one_run", "score_bins"),
            lambda rows: changed(rows, "run_id", lambda _: "another", lambda _: True),
            "score_bins.run_id: found another in 1 rows, expected ",
        ),
        (
            ("one_run", "metrics"),
            lambda rows: rows.slice(0, 0),
            "metrics: found 0 rows, expected some",
        ),
        (
            ("one_run", "changes"),
            lambda rows: changed(rows, "provisional", lambda _: True, lambda _: True),
            "changes.provisional: found True, expected False",
        ),
        (
            ("keys", "metrics"),
            lambda rows: pa.concat_tables([rows, rows.slice(3, 1)]),
            "rows: found 2, expected 1",
        ),
        (
            ("keys", "statistics"),
            lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]),
            "rows: found 2, expected 1",
        ),
        (
            ("keys", "runs"),
            lambda rows: pa.concat_tables([rows, rows.filter(pc.equal(rows["state"], "done"))]),
            "events that it ended: found 2, expected 1",
        ),
        (
            ("rows", "runs"),
            lambda rows: changed(rows, "rows_rejected", lambda n: n + 1, lambda row: row["state"] == "done"),
            "runs: rows_read: found ",
        ),
        (
            ("rows", "statistics"),
            lambda rows: changed(rows, "unscored", lambda n: n + 1, lambda row: row["task"] == "ctr"),
            "goes without, by reason: found ",
        ),
        (
            ("rows", "rejects"),
            lambda rows: rows.slice(1),
            "rejects of impressions",
        ),
        (
            ("weights", "statistics"),
            lambda rows: changed(rows, "weight", lambda w: w + UNIT, lambda row: row["task"] == "priced"),
            "statistics, priced / ",
        ),
        (
            ("totals", "statistics"),
            lambda rows: changed(rows, "positive_nll", lambda w: w + UNIT, lambda row: row["positive_nll"] > 0),
            "shard_statistics, added up at task ",
        ),
        (
            ("totals", "shard_statistics"),
            lambda rows: changed(rows, "score_sum", lambda w: w - UNIT, lambda row: row["slice"] == "country=DE"),
            "slice country=DE, score_sum: found ",
        ),
        (
            ("totals", "shard_statistics"),
            lambda rows: changed(rows, "shard", lambda _: 12, lambda row: row["n"] > 0),
            "shard_statistics.shard: found 0 to 12, expected 0 to 11",
        ),
        (
            ("totals", "score_bins"),
            lambda rows: changed(rows, "negative_nll", lambda w: w + UNIT, lambda row: row["slice"] == ""),
            "score_bins, added up at task ",
        ),
        (
            ("totals", "score_bins"),
            lambda rows: rows.slice(0, 0),
            "score_bins, added up at task bought, model candidate, slice '', shard 0: found no row, expected one",
        ),
        (
            ("totals", "class_statistics"),
            lambda rows: changed(rows, "class_score_sum", lambda w: w + UNIT, lambda row: row["slice"] == ""),
            "class_statistics, slices by country added up",
        ),
        (
            ("totals", "class_statistics"),
            lambda rows: rows.filter(pc.not_equal(rows["class"], "arts")),
            "class_weight, added up: found ",
        ),
        (
            ("totals", "unpaired_statistics"),
            lambda rows: changed(rows, "weight", lambda w: w + UNIT, lambda row: row["slice"] == ""),
            "unpaired_statistics, slices by ",
        ),
        (
            ("totals", "pair_statistics"),
            lambda rows: changed(rows, "n", lambda n: n + 1, lambda row: row["slice"] == ""),
            "pair_statistics, slices by ",
        ),
        (
            ("comparisons", "comparisons"),
            lambda rows: changed(rows, "n", lambda n: n + 1, lambda row: row["metric"] == "log_loss"),
            "metric log_loss, n: found ",
        ),
        (
            ("comparisons", "comparisons"),
            lambda rows: changed(rows, "only_baseline", lambda n: n + 1, lambda row: row["task"] == "ctr"),
            "only_baseline: found ",
        ),
        (
            ("comparisons", "unpaired_statistics"),
            lambda rows: changed(rows, "n", lambda n: n + 1, lambda row: row["slice"] == ""),
            "release, ",
        ),
        (
            ("comparisons", "pair_statistics"),
            lambda rows: rows.slice(1),
            "pair_statistics of bought, candidate and champion at slice ",
        ),
        (
            ("metrics", "metrics"),
            lambda rows: changed(rows, "value", lambda x: np.nextafter(x, 9.0), lambda row: row["metric"] == "auc"),
            "metric auc, value: found ",
        ),
        (
            ("metrics", "metrics"),
            lambda rows: changed(rows, "ci_low", lambda x: x - 1e-9, lambda row: row["ci_low"] is not None),
            "ci_low: found ",
        ),
        (
            ("metrics", "metrics"),
            lambda rows: rows.slice(1),
            "found no row, expected one",
        ),
        (
            ("metrics", "comparisons"),
            lambda rows: changed(rows, "difference", lambda x: -x, lambda row: row["difference"] is not None),
            "difference: found ",
        ),
        (
            ("metrics", "gate_results"),
            lambda rows: changed(rows, "fails", lambda x: not x, lambda _: True),
            "gate_results at gate honest, slice '', fails: found True, expected False",
        ),
        (
            ("metrics", "changes"),
            lambda rows: changed(rows, "now", lambda x: x + 1.0, lambda row: row["difference"] is not None),
            "now: found ",
        ),
        (
            ("vintages", "runs"),
            lambda rows: changed(
                rows,
                "label_events",
                lambda text: text.replace('"inside": ', '"inside": -'),
                lambda row: row["state"] == "done",
            ),
            "events of sale inside their windows",
        ),
        (
            ("vintages", "shard_statistics"),
            lambda rows: changed(
                rows,
                "positive_rows",
                lambda _: -1000,
                lambda row: row["task"] == "bought" and row["positive_rows"] and row["slice"] == "",
            ),
            "positive_rows, 0h and 24h: found ",
        ),
        (
            ("ids", "gate_results"),
            lambda rows: changed(rows, "sentence", lambda text: f"{text}, as user-007 did", lambda _: True),
            "gate_results.sentence: found 1 values of impressions.columns.unit, expected none",
        ),
        (
            ("ids", "metrics"),
            lambda rows: changed(rows, "reason", lambda _: "impr-1-00001", lambda row: row["reason"] is not None),
            "metrics.reason: found ",
        ),
    ],
)
def test_what_is_broken_is_found(spark, copy, of, change, told):
    proof, table = of
    broken(copy, table, change)
    found = one(spark, copy, without=PROOFS.keys() - {proof})
    assert found.exit_code == 1
    assert verdicts(found)[proof] == "wrong"
    assert any(told in finding for finding in findings(found, proof)), findings(found, proof)
    assert set(verdicts(found).values()) == {"wrong", "left_out"}


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize(
    "column", ["n", "weight", "positive_nll", "hard_wrong_positive_weight", "class_nll", "label_sum"]
)
def test_a_sample_finds_what_every_table_agrees_on(spark, copy, column):
    """Cells and shards by the same amount, as a fault of the night itself would have it: only the logs know."""
    by = (lambda n: n + 1) if column == "n" else (lambda x: x + Decimal("0.000001"))
    moved = lambda row: row[column] is not None and row["n"] > 0  # noqa: E731
    broken(copy, "statistics", lambda rows: changed(rows, column, by, moved))
    found = one(spark, copy, sample=100, without=PROOFS.keys() - {"sample"})
    assert any(f", {column}: found " in finding for finding in findings(found, "sample"))


GONE = '{"host": "gone", "pid": 1, "birth": "0", "silence": 60}'


@pytest.mark.parametrize(
    ("holder", "silent", "state"),
    [
        (GONE, 1, "not_proven"),
        (GONE, 60, "wrong"),
        (json.dumps(told(timedelta(hours=1))), 1, "not_proven"),
        # A run of an older release does not say what holds the day.
        (None, 1, "not_proven"),
        (None, 60, "wrong"),
    ],
)
def test_a_later_run_that_never_ended_is_found_unless_it_may_be_under_way(tmp_path, holder, silent, state):
    heard = datetime.now(UTC) - timedelta(minutes=silent)
    began = {"run_id": "later", "state": "started", "event_time": heard, "turn": 9, "holder": holder}
    found = verdict("one_run", _ended(Evidence(None, parse(world.configured(tmp_path)), PARTS[0], [began])))
    assert found.state == state
    said = [*found.open, *map(str, found.findings)]
    assert ("run later " in said[0], len(said)) == (True, 1)


@pytest.mark.only_engine("sail")
def test_a_sample_of_no_cell_is_none(spark, ledger):
    found = one(spark, ledger, sample=0, without=PROOFS.keys() - {"sample"})
    assert (found.exit_code, set(verdicts(found).values())) == (0, {"left_out"})


def test_logs_that_are_gone_prove_nothing(spark, ledger, tmp_path):
    document = ledger.document()
    copy = copied(ledger, tmp_path)
    elsewhere = tmp_path / "moved"
    path = Path(document["labels"]["sale"]["source"]["path"])
    path.rename(elsewhere)
    try:
        found = one(spark, copy)
    finally:
        elsewhere.rename(path)
    assert found.exit_code == 4
    states = verdicts(found)
    assert {name for name, state in states.items() if state == "not_proven"} == {"sample", "ids"}
    (of,) = (each for each in found.verdicts if each.proof == "sample")
    assert "labels.sale: is not there any more" in of.open[0]


@pytest.mark.only_engine("sail")
def test_logs_that_have_changed_prove_nothing(spark, ledger, copy):
    file = next(Path(ledger.impressions.source.path).rglob("day=0/*.parquet"))
    status = file.stat()
    try:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        found = one(spark, copy, DayAtAge(DAY, 0))
    finally:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert verdicts(found)["sample"] == "not_proven"


@pytest.mark.only_engine("sail")
def test_a_day_that_is_not_there_is_told(spark, ledger):
    found = one(spark, ledger, DayAtAge(DAY - timedelta(days=9), 0))
    assert (found.exit_code, found.absent, found.verdicts) == (4, "it is not in the tables", ())


@pytest.mark.only_engine("sail")
def test_an_audit_writes_nothing(spark, ledger):
    root = Path(str(ledger.tables.path))
    before = {file: file.stat().st_mtime_ns for file in root.rglob("*")}
    one(spark, ledger)
    assert {file: file.stat().st_mtime_ns for file in root.rglob("*")} == before
