"""Rows that cannot be evaluated are counted exactly, kept with their reason, and too many of them refuse the day."""

import itertools
import json
from collections import Counter, defaultdict
from datetime import timedelta
from types import SimpleNamespace

import pyarrow as pa
import pytest

from jobs import nightly
from jobs.errors import RefusedError
from jobs.examples import left_out, rejects
from jobs.ledger.runs import Ledger
from jobs.settings import parse
from jobs.surfaces import verdict
from tests.world import days
from tests.world.days import DAY, START, conversion, impression

EVERY_SHARE = {"rejected_share": 1.0}
# What is decided on the driver alone need not be shown twice, where a night takes ten seconds.
SAIL = pytest.mark.only_engine("sail")
ROW = ("impressions", None, None)
BY_P = [("impressions", task, "champion") for task in ("ctr", "weighted", "cvr")]
BY_Z = [("impressions", task, "candidate") for task in ("ctr", "weighted")]
BY_BID = [("impressions", "weighted", model) for model in ("champion", "candidate")]
LOG = ("conversion", None, None)

# Of each kind: who goes without the row, the reason, and what is wrong with the rows.
ROW_KINDS = [
    (ROW, "null_id", [{"impression_id": None}, {"impression_id": None, "ts": "x"}]),
    (ROW, "null_time", [{"ts": None}] * 3),
    (ROW, "bad_time", [{"ts": "yesterday"}, {"ts": "2026-13-01 00:00:00"}]),
    (ROW, "null_label", [{"clicked": None}] * 4),
    (ROW, "bad_label", [{"clicked": value} for value in ("2", "-1", "0.5", "yes", "nan")]),
]
PAIR_KINDS = [
    (BY_BID, "null_weight", [{"bid": None}] * 2),
    (BY_BID, "bad_weight", [{"bid": value} for value in ("-0.5", "nan", "much", "-inf", "inf")]),
    (BY_P, "null_score", [{"p": None}] * 3),
    (BY_P, "bad_score", [{"p": value} for value in ("1.0000001", "-0.1", "inf", "1d", "high")]),
    (BY_P, "nan_score", [{"p": "NaN"}] * 2),
    (BY_Z, "null_score", [{"z": None}]),
    (BY_Z, "bad_score", [{"z": "low"}] * 2),
    (BY_Z, "nan_score", [{"z": "nan"}] * 3),
    (BY_Z, "out_of_range", [{"z": value} for value in ("524288", "-524288", "1e300")]),
]
LOG_KINDS = [
    (LOG, "null_id", [{"impression_id": None}] * 2),
    (LOG, "null_time", [{"conv_ts": None}] * 3),
    (LOG, "bad_time", [{"conv_ts": "soon"}]),
]
# Neither is rejected: the limits of the ranges are open, and infinite logits are hard rows.
GOOD = [{"bid": "1048576"}, {"bid": "0"}, {"z": "524287.5"}, {"z": "-inf"}, {"p": "0"}, {"p": "1"}]


def planted(kinds, row, first):
    """The rows of all kinds, numbered on from `first`."""
    changes = [change for _, _, each in kinds for change in each]
    return [row(first + i, **change) for i, change in enumerate(changes)]


def write_bad_day(folder):
    good = [impression(i) for i in range(100)] + [impression(500 + i, **change) for i, change in enumerate(GOOD)]
    copies = [impression(i) for i in range(5)] + [impression(0)]
    outside = [impression(900 + i, ts=START + timedelta(days=1)) for i in range(7)]
    rows = good + copies + outside + planted(ROW_KINDS, impression, 200) + planted(PAIR_KINDS, impression, 300)
    days.written(rows, folder / "impressions", "csv")
    events = [conversion(i) for i in range(0, 100, 5)] + planted(LOG_KINDS, conversion, 700)
    days.written(events, folder / "conversions", "csv")


def csv_settings(folder, **limits):
    document = days.configured(folder, limits={**EVERY_SHARE, **limits})
    document["impressions"]["source"]["format"] = "csv"
    document["labels"]["conversion"]["source"]["format"] = "csv"
    return parse(document)


def planted_keys():
    """For each who and reason the keys of the rows, as they were written."""
    found = defaultdict(Counter)
    for kinds, first in ((ROW_KINDS, 200), (PAIR_KINDS, 300), (LOG_KINDS, 700)):
        number = itertools.count(first)
        for who, reason, changes in kinds:
            keys = [change.get("impression_id", f"i{i:04}") for change, i in zip(changes, number, strict=False)]
            for each in who if isinstance(who, list) else [who]:
                found[(*each, reason)].update(keys)
    return found


KEYS = planted_keys()
COUNTS = {who: keys.total() for who, keys in KEYS.items()}


@pytest.fixture(scope="module")
def bad_day(spark, tmp_path_factory):
    """A day with every kind of bad row, evaluated."""
    folder = tmp_path_factory.mktemp("bad_day")
    write_bad_day(folder)
    outcome = nightly.evaluate(spark, csv_settings(folder), DAY)
    kept = [row for row in days.rows_of(folder, "rejects") if row["run_id"] == outcome.stamp.run_id]
    return SimpleNamespace(folder=folder, outcome=outcome, kept=kept)


def by_reason(rows):
    return {(row["source"], row["task"], row["model"], row["reason"]): row["rows"] for row in rows}


def test_every_reason_is_counted_exactly(bad_day):
    assert by_reason(bad_day.outcome.ledger.reasons) == COUNTS


@pytest.mark.parametrize("who", KEYS, ids=lambda who: "-".join(map(str, who)))
def test_the_rejected_rows_are_kept_under_their_reason(bad_day, who):
    kept = [row for row in bad_day.kept if (row["source"], row["task"], row["model"], row["reason"]) == who]
    assert Counter(row["key"] for row in kept) == KEYS[who]


@pytest.mark.parametrize(
    ("reason", "column", "values"),
    [
        ("bad_time", "ts", {"yesterday", "2026-13-01 00:00:00"}),
        ("bad_label", "clicked", {"2", "-1", "0.5", "yes", "nan"}),
        ("bad_score", "p", {"1.0000001", "-0.1", "inf", "1d", "high"}),
    ],
)
def test_a_kept_row_is_the_row_as_it_was_read(bad_day, reason, column, values):
    rows = [json.loads(row["row"]) for row in bad_day.kept if row["reason"] == reason and row["model"] != "candidate"]
    assert {row[column] for row in rows if column in row} == values
    assert {row["user_id"] for row in rows if column in row} <= {f"u{i}" for i in range(17)}


def test_every_row_read_is_in_one_place(bad_day):
    ledger = bad_day.outcome.ledger
    rejected = sum(len(changes) for _, _, changes in ROW_KINDS)
    scored = 100 + len(GOOD) + sum(len(changes) for _, _, changes in PAIR_KINDS)
    assert (ledger.outside, ledger.rejected, ledger.duplicate, ledger.scored) == (7, rejected, 6, scored)
    assert ledger.read == 7 + rejected + 6 + scored


def test_the_runs_row_is_the_ledger(bad_day):
    ledger = bad_day.outcome.ledger
    (done,) = [row for row in days.rows_of(bad_day.folder, "runs") if row["state"] == "done"]
    counts = {name: done[f"rows_{name}"] for name in ("read", "outside", "rejected", "duplicate", "scored")}
    assert counts == {name: getattr(ledger, name) for name in counts}
    assert json.loads(done["rejected"]) == ledger.reasons


def test_rejected_rows_are_counted_by_weight(bad_day):
    weights = {row["reason"]: row["weights"] for row in filter(left_out.is_of_rows, bad_day.outcome.ledger.reasons)}
    number = itertools.count(200)
    bids = {
        reason: sum(impression(i)["bid"] for _, i in zip(changes, number, strict=False))
        for _, reason, changes in ROW_KINDS
    }
    mine = [row for row in days.rows_of(bad_day.folder, "statistics") if row["task"] == "weighted"]
    evaluated = sum(row["weight"] + row["unscored_weight"] for row in mine if row["model"] == "champion")
    whole = float(evaluated) + sum(bids.values())
    assert weights == {
        reason: {"weighted": {"weight": bid, "share": bid / whole, "at_most": False}} for reason, bid in bids.items()
    }
    said = verdict._remarks(bad_day.outcome)
    assert said[0] == f"rejected: 16 rows, {sum(bids.values()) / whole:.2%} of the weight of weighted"


def test_few_rows_of_much_weight_refuse_the_day():
    heavy = {"weight": 9.0, "share": 0.2, "at_most": False}
    reason = {"source": "impressions", "task": None, "model": None, "reason": "null_label", "rows": 1}
    ledger = Ledger(100, 0, 1, 0, 99, reasons=[{**reason, "weights": {"ctr": heavy}}])
    rows = rejects.Rows(None, {}, None, None, (), {})
    keys = {name: pa.array([], pa.string()) for name in ("task", "model")}
    sums = {name: pa.array([], pa.int64()) for name in ("n", "unscored", "weight", "unscored_weight")}
    statistics = pa.table({**keys, **sums})
    rejects.check(ledger, rows, statistics, 0.2, None)
    with pytest.raises(RefusedError, match=r"is rejected of impressions \(20.00% of the weight of ctr\);"):
        rejects.check(ledger, rows, statistics, 0.1, None)


@SAIL
def test_of_rows_without_a_label_it_is_not_known_whether_a_task_given_it_would_have_them(spark, tmp_path):
    cvr = {"label": "conversion", "given": "click", "weight": "bid"}
    models = {"champion": {"cvr": {"score": "p"}}}
    document = days.small_day(tmp_path, tasks={"cvr": cvr}, models=models, limits={"rejected_share": 0.06})
    days.written([impression(i, clicked=None, bid=1.5) for i in range(120, 124)], tmp_path / "impressions")
    outcome = nightly.evaluate(spark, parse(document), DAY)
    # The four are 3.2 % of 124 rows; that they may be 6 / 43 of the weight refuses nothing.
    evaluated = sum(impression(i)["bid"] for i in range(0, 120, 4))
    (reason,) = outcome.ledger.reasons
    assert reason["weights"] == {"cvr": {"weight": 6.0, "share": 6.0 / (evaluated + 6.0), "at_most": True}}
    share = f"{6.0 / (evaluated + 6.0):.2%}"
    assert verdict._remarks(outcome)[0] == f"rejected: 4 rows, at most {share} of the weight of cvr"


def test_rejected_rows_are_in_no_sum(bad_day):
    rows, scored = days.rows_of(bad_day.folder, "statistics"), bad_day.outcome.ledger.scored
    for model, unusable in (("champion", BY_P), ("candidate", BY_Z)):
        bad = sum(len(c) for pairs, _, c in PAIR_KINDS if pairs in (BY_BID, unusable))
        mine = [row for row in rows if (row["task"], row["model"]) == ("weighted", model)]
        assert sum(row["unscored"] for row in mine) == bad
        assert sum(row["n"] for row in mine) == scored - bad


@SAIL
@pytest.mark.parametrize("limit", [0, 2])
def test_the_limit_caps_the_rows_that_are_kept_and_not_the_counts(spark, folder, limit):
    write_bad_day(folder)
    outcome = nightly.evaluate(spark, csv_settings(folder, stored_rejects=limit), DAY)
    kept = Counter((r["source"], r["task"], r["model"], r["reason"]) for r in days.rows_of(folder, "rejects"))
    assert by_reason(outcome.ledger.reasons) == COUNTS
    assert kept == {key: min(count, limit) for key, count in COUNTS.items() if limit}


def refused(spark, folder, document, text):
    """Run a day that must be refused for these reasons, and check that the results are as before."""
    before = days.bytes_of(folder)
    with pytest.raises(RefusedError, match=text) as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert caught.value.exit_code == 2
    assert days.bytes_of(folder) == before
    newest = max(days.rows_of(folder, "runs"), key=lambda row: row["event_time"])
    assert (newest["state"], newest["message"]) == ("refused", str(caught.value))
    return newest


@SAIL
def test_a_refusal_quotes_a_row_of_each_reason(spark, folder):
    document = days.small_day(folder, count=20)
    days.written([impression(30, clicked=2), impression(31, clicked=3)], folder / "impressions")
    with pytest.raises(RefusedError, match="is rejected of impressions") as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert 'impressions: bad_label, as {"impression_id":"i0030"' in caught.value.examples
    assert '"clicked":2' in caught.value.examples
    assert "required: false" not in str(caught.value)  # no model is at fault


@SAIL
def test_a_model_without_any_score_refuses_the_day(spark, folder):
    document = days.small_day(folder, limits={"stored_rejects": 7})
    nightly.evaluate(spark, parse(document), DAY)
    silent = [impression(i, z=float("nan") if i % 2 else None) for i in range(120)]
    for file in (folder / "impressions").iterdir():
        file.unlink()
    days.written(silent, folder / "impressions")
    run = refused(spark, folder, document, r"more than 1\.00% \(limits\.rejected_share\) is rejected of ctr / candid")
    assert "            60  ctr / candidate: nan_score\n            60  ctr / candidate: null_score" in run["message"]
    kept = defaultdict(list)
    for row in days.rows_of(folder, "rejects"):
        kept[row["task"], row["reason"]].append(row["key"])
    # The first by their key, of the even and of the odd ones.
    first = {"null_score": range(0, 14, 2), "nan_score": range(1, 14, 2)}
    expected = {(task, reason): [f"i{i:04}" for i in first[reason]] for task in ("ctr", "weighted") for reason in first}
    assert {pair: sorted(keys) for pair, keys in kept.items()} == expected


@SAIL
def test_a_day_of_bad_rows_only_refuses_the_day(spark, folder):
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    for file in (folder / "impressions").iterdir():
        file.unlink()
    days.written([impression(i, clicked=7) for i in range(120)], folder / "impressions")
    run = refused(spark, folder, document, "is rejected of impressions;")
    assert (run["rows_read"], run["rows_rejected"], run["rows_scored"]) == (120, 120, 0)
    refused(spark, folder, {**document, "limits": EVERY_SHARE}, "no row of the day can be evaluated")


@SAIL
@pytest.mark.parametrize(
    ("bad", "blamed"),
    [
        ({"clicked": 3}, "impressions"),
        ({"p": 1.5}, "ctr / champion, weighted / champion, cvr / champion"),
        ({"bid": -1.0}, "weighted / champion, weighted / candidate"),
    ],
)
def test_the_share_is_of_the_rows_and_of_each_pair(spark, folder, bad, blamed):
    document = days.small_day(folder, 199)
    days.written([impression(1000, **bad), impression(1001, **bad)], folder / "impressions")
    days.written([impression(199)], folder / "impressions")
    outcome = nightly.evaluate(spark, parse(document), DAY)
    assert {row["rows"] for row in outcome.ledger.reasons} == {2}
    days.written([impression(1002, **bad)], folder / "impressions")
    refused(spark, folder, document, f"is rejected of {blamed};")


@pytest.mark.only_engine("sail")
def test_the_share_of_a_task_is_of_its_own_rows(spark, folder):
    document = days.small_day(folder, 400)
    days.written([impression(1000, clicked=1, p=None)], folder / "impressions")
    document["tasks"] = {"ctr": {"label": "click"}, "cvr": {"label": "conversion", "given": "click"}}
    document["models"] = {"champion": {"ctr": {"score": "p"}, "cvr": {"score": "p"}}}
    outcome = nightly.evaluate(spark, parse(document), DAY)
    assert by_reason(outcome.ledger.reasons) == {
        ("impressions", task, "champion", "null_score"): 1 for task in ("ctr", "cvr")
    }
    days.written([impression(1001, clicked=1, p=None)], folder / "impressions")
    refused(spark, folder, document, "is rejected of cvr / champion;")


@pytest.mark.only_engine("sail")
def test_the_share_of_a_log_is_of_its_own_events(spark, folder):
    document = days.small_day(folder, 495)
    days.written([conversion(0, impression_id=None)], folder / "conversions")
    assert nightly.evaluate(spark, parse(document), DAY).ledger.reasons[0]["rows"] == 1
    days.written([conversion(0, impression_id=None)], folder / "conversions")
    run = refused(spark, folder, document, "is rejected of conversion;")
    assert "             2  conversion: null_id" in run["message"]
