"""What a run says of its labels, to people and to programs."""

import pyarrow as pa

from jobs.ledger.judgements import LABEL_ARRIVAL
from jobs.surfaces import labels

SHARES = {"share": 0.625, "share_low": 0.5, "share_high": 0.75, "share_days": 9}


def arrival(*rows):
    whole = [{**dict.fromkeys(LABEL_ARRIVAL.schema.names), "label": "sale", "slice": "", **row} for row in rows]
    return pa.Table.from_pylist(whole, schema=pa.schema([field.with_nullable(True) for field in LABEL_ARRIVAL.schema]))


def lag(text, positives):
    return {"slice": text, "verdict": "labels_missing", "positives": positives, "expected_positives": 100.0}


def test_a_label_has_a_line_that_says_how_much_of_it_is_there():
    young = {"verdict": "arriving", "positives": 412.0, "retracted": 0.0, **SHARES}
    back = {**young, "label": "order", "retracted": 3.0}
    few = {"label": "click", "positives": 7.0, "reason": "too_few_days"}
    end = {"label": "view", "verdict": "complete", "positives": 9.0, **SHARES, "share": 1.0}
    assert list(labels.arriving(arrival(young, back, few, end, lag("country=DE", 1.0)))) == [
        "labels.sale: 412 positives by now, 62.5 % [50, 75] of the final ones, as on 9 earlier days",
        "labels.order: 412 positives by now, 62.5 % [50, 75] of the final ones, as on 9 earlier days;"
        " 3 or more of those before were taken back",
        "labels.click: 7 positives by now; not judged: too_few_days",
        "labels.view: 9 positives by now",
    ]
    assert list(labels.arriving(None)) == []


def test_what_lacks_most_is_told_first_and_of_many_slices_how_many():
    lagging = [lag(f"country={i}", 10.0 * i) for i in range(8)]
    told = labels.late(arrival(*lagging[::-1]))
    assert told[0] == "labels of sale are missing in country=0: 0 of 100 expected positives"
    assert told[5:] == ["labels are late or missing in 3 more slices"]
    back = {**lag("country=DE", 40.0), "retracted": 30.0}
    expected = "labels of sale are missing in country=DE: 40 of 100 expected positives, 30 or more were taken back"
    assert labels.late(arrival(back)) == [expected]
    assert labels.late(arrival({"verdict": "complete"})) == labels.late(None) == []


def test_programs_get_the_totals_and_what_lags():
    rows = arrival({"verdict": "arriving"}, lag("country=DE", 1.0), {"slice": "country=FR", "verdict": "arriving"})
    assert [row["slice"] for row in labels.facts(rows)] == ["", "country=DE"]
    assert labels.facts(rows)[1]["expected_positives"] == 100.0
    assert labels.facts(None) == []


def test_a_nowcast_stands_beside_the_number_by_now():
    row = {
        "task": "cvr",
        "model": "m",
        "log_loss": 0.25,
        "log_loss[nowcast]": 0.375,
        "intervals": {"log_loss[nowcast]": [0.35, 0.4]},
        "predicted_over_actual": 2.0,
        "predicted_over_actual[nowcast]": 1.25,
        "normalized_entropy": 0.9,
        "normalized_entropy[nowcast]": "too_few_days",
    }
    (line,) = labels.nowcasts([row])
    assert line == ("nowcast: cvr m: log_loss 0.375 [0.35, 0.4] (by now 0.25), predicted_over_actual 1.25 (by now 2)")
    assert list(labels.nowcasts([{"task": "ctr", "model": "m", "log_loss": 0.25}])) == []
