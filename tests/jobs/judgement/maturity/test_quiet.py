"""What labels that are late or missing take with them: gates, finality, and no more than they touch."""

import pyarrow as pa
import pytest

from jobs.judgement.alerts import Night, of_night
from jobs.judgement.gate_rows import Evidence, results
from jobs.judgement.maturity.quiet import Lags, not_final
from jobs.ledger.judgements import LABEL_ARRIVAL
from jobs.settings import parse
from tests.jobs.judgement.maturity.months import CONFIG, FIRST

GATE = {"task": "cvr", "model": "m"}
GATES = {
    "honest": {**GATE, "metric": "predicted_over_actual", "within": [0.9, 1.1], "slices": [[], ["advertiser"]]},
    "enough": {**GATE, "rows": 10, "slices": [[], ["advertiser"]]},
    "final": {**GATE, "final": True, "slices": [[], ["advertiser"]]},
}
PARTS = {
    "dimensions": ["advertiser", "country"],
    "slices": [[], ["advertiser"], ["country"], ["advertiser", "country"]],
    "gates": GATES,
    "alerts": {"file": "x", "nights": 1, "of_last": 1},
}
SETTINGS = parse({**CONFIG, **PARTS})
SLICES = ["", "advertiser=a", "advertiser=b", "country=DE", "advertiser=a,country=DE", "advertiser=b,country=DE"]


EXPECTED = dict.fromkeys(SLICES, 1000.0)


def arrival(lags, expected=EXPECTED):
    """Rows of `label_arrival`: by slice a verdict and how many positives are there."""
    rows = [
        {
            "label": "sale",
            "slice": text,
            "verdict": lags.get(text, ("arriving",))[0],
            "positives": lags[text][1] if text in lags else number,
            "expected_positives": number,
        }
        for text, number in expected.items()
    ]
    schema = pa.schema([field.with_nullable(True) for field in LABEL_ARRIVAL.schema])
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema=schema)


def touched(lags, expected=EXPECTED):
    found = Lags.in_rows(arrival(lags, expected), SETTINGS)
    return {text for text in SLICES if found.touching("cvr", text) is not None}


def test_what_an_advertiser_lacks_is_lacking_of_all_that_it_is_part_of():
    lags = {"advertiser=b": ("labels_missing", 400.0)}
    assert touched(lags) == {"", "advertiser=b", "country=DE"}


def test_what_is_less_than_a_hundredth_of_a_slice_touches_it_not():
    lags = {"advertiser=b": ("labels_missing", 400.0)}
    large = {**dict.fromkeys(SLICES, 1000.0), "": 60_001.0}
    assert touched(lags, large) == {"advertiser=b", "country=DE"}
    assert touched(lags, {**large, "": 60_000.0}) == {"", "advertiser=b", "country=DE"}


def test_what_the_day_lacks_every_slice_may_lack_that_is_not_on_time_itself():
    lags = {"": ("labels_late", 500.0), **{text: (None, 1000.0) for text in SLICES[1:4]}}
    assert touched(lags) == {*SLICES[:4]}
    assert touched({**lags, "advertiser=a,country=DE": (None, 1000.0)}) == {*SLICES[:5]}
    assert touched({}) == set()


def evidence(lags):
    row = {"value": 1.4, "ci_low": 1.3, "ci_high": 1.5, "n": 100, "is_final": False}
    names = ("predicted_over_actual", "log_loss")
    metrics = {("cvr", "m", text, name): row for text in SLICES for name in names}
    return Evidence(metrics, {}, {}, lags=Lags.in_rows(arrival(lags), SETTINGS))


def test_a_gate_is_not_judged_by_labels_that_are_missing_and_the_others_are():
    lags = {"advertiser=b": ("labels_missing", 400.0)}
    found = {(of.gate, of.slice): of.judged for of in results(SETTINGS, evidence(lags))}
    told = "not judged: labels of sale are missing in advertiser=b: 400 of 1,000 expected positives"
    assert found["honest", ""].sentence == found["honest", "advertiser=b"].sentence == told
    assert {found["honest", text].verdict for text in ("", "advertiser=b")} == {"not_judged"}
    assert found["honest", "advertiser=a"].verdict == "failed"
    # How many rows there are does not rest on labels, and whether they are final is what is asked.
    assert {found["enough", text].verdict for text in ("", "advertiser=b")} == {"passed"}
    assert found["final", ""].verdict == "failed"
    assert {of.judged.verdict for of in results(SETTINGS, evidence({})) if of.gate == "honest"} == {"failed"}


def test_no_number_that_rests_on_them_is_final():
    columns = {"task": ["cvr"] * 3, "slice": ["", "advertiser=a", "advertiser=b"], "is_final": [True, True, True]}
    rows, lags = pa.table(columns), {"advertiser=b": ("labels_missing", 400.0)}
    assert not_final(rows, Lags.in_rows(arrival(lags), SETTINGS))["is_final"].to_pylist() == [False, True, False]
    assert not_final(rows, Lags.in_rows(arrival({}), SETTINGS)) == rows
    assert not_final(rows, Lags.in_rows(None, SETTINGS)) == rows


def test_joint_losses_rest_on_the_labels_of_all_their_tasks():
    parts = {
        **PARTS,
        "labels": {**CONFIG["labels"], "seen": {"column": "seen", "values": "binary"}},
        "tasks": {"cvr": {"label": "sale"}, "view": {"label": "seen"}},
        "models": {"m": {"cvr": {"score": "p"}, "view": {"score": "q"}}},
        "joint": {"both": {"cvr": 1.0, "view": 0.5}},
    }
    found = Lags.in_rows(arrival({"": ("labels_late", 500.0)}), parse({**CONFIG, **parts}))
    assert [found.touching(task, "") is None for task in ("cvr", "both", "view")] == [False, False, True]


@pytest.mark.parametrize("policy", ["fail", "allow"])
def test_people_are_told_of_the_labels_and_not_of_gates_that_are_not_judged(policy):
    gates = {"honest": {**GATES["honest"], "not_judged": policy}}
    settings = parse({**CONFIG, **PARTS, "gates": gates})
    lags = {"advertiser=b": ("labels_missing", 400.0)}
    rows = [of.row for of in results(settings, evidence(lags))]
    sentences = [lag.sentence for lag in Lags.in_rows(arrival(lags), settings).of]
    labels, failing = of_night(Night("ads", FIRST, rows, labels=sentences), settings.alerts)
    assert (labels.of, labels.text) == ("labels", sentences[0])
    assert failing.of == "gates"
    assert [line.split(":")[0] for line in failing.text.splitlines()] == ["advertiser=a"]
