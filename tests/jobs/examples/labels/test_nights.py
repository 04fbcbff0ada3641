"""Labels of several events through whole nights: what is known at an age, what is refused, what is never doubled."""

import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.errors import ContractError, RefusedError, RuntimeFailure
from jobs.examples import label
from jobs.ledger.runs import definitions
from jobs.settings import parse
from tests.world.attribution import END, HOUR, START, Row, Rule, written
from tests.world.night import document, evaluated, table

# What is decided here is decided of frames that both engines make alike: `test_rules.py` has them.
pytestmark = pytest.mark.only_engine("sail")
MINUTE = timedelta(minutes=1)
SHOWN = [(i, START + i * MINUTE) for i in range(60)]
CLICKS = [Row(i, START + (i + 1) * MINUTE, 100 + i) for i in range(0, 60, 2)]
# Of every second clicked impression two purchases, the second one larger; the last is taken back the next noon.
SALES = [
    Row(100 + i, START + (i + 2 + k) * MINUTE, 1000 + 2 * i + k, value=0.1 * (k + 1))
    for i in range(0, 60, 4)
    for k in (0, 1)
]
LAST = Row(100 + 58, START + 65 * MINUTE, 5000, retracted=END + 12 * HOUR, value=7.0)
RULES = [Rule(rule, "post_click") for rule in ("any", "first", "count", "sum")]


def night(folder, sales=None, rules=RULES, **sections: Any) -> dict[str, Any]:
    logs = (SHOWN, CLICKS, [*SALES, LAST] if sales is None else sales)
    return {**written(folder / "logs", logs, rules), **sections}


def sums(config, age_hours: int) -> dict[str, float]:
    """The sum of the labels of each task at an age."""
    rows = [row for row in table(config, "statistics").to_pylist() if row["age_hours"] == age_hours]
    found = {row["task"]: (row.get("label_sum"), row.get("positive_weight")) for row in rows}
    return {task: float(next(each for each in pair if each is not None)) for task, pair in found.items()}


def test_what_is_taken_back_lowers_the_label_from_then_on_and_leaves_the_earlier_age_as_it_was(spark, tmp_path):
    config = night(tmp_path)
    young, old = (evaluated(spark, config, age_hours=age) for age in (0, 24))
    pairs = len(SALES) // 2
    first, both = pairs * 0.1, pairs * 0.3
    assert sums(config, 0) == pytest.approx(
        {
            "click": 30,
            "any_post_click": pairs + 1,
            "first_post_click": first + 7,
            "count_post_click": 2 * pairs + 1,
            "sum_post_click": both + 7,
        },
        rel=1e-15,
    )
    assert sums(config, 24) == pytest.approx(
        {
            "click": 30,
            "any_post_click": pairs,
            "first_post_click": first,
            "count_post_click": 2 * pairs,
            "sum_post_click": both,
        },
        rel=1e-15,
    )
    for name in ("any_post_click", "sum_post_click"):
        assert (young.events[name].inside, young.events[name].retracted) == (2 * pairs + 1, 0)
        assert (old.events[name].inside, old.events[name].retracted) == (2 * pairs, 1)
        assert "1 taken back" in old.events[name].sentence


def test_a_later_row_takes_an_event_back_by_its_id_whatever_it_says_besides(spark, tmp_path):
    noon = END + 12 * HOUR
    refund: Any = Row(0, noon, SALES[0].event, retracted=noon, value=None)
    config = night(tmp_path, [*SALES, refund])
    young, old = (evaluated(spark, config, age_hours=age).events["sum_post_click"] for age in (0, 24))
    assert (young.inside, young.retracted, young.other_days) == (len(SALES), 0, 1)
    assert (old.inside, old.retracted, old.other_days) == (len(SALES) - 1, 1, 1)
    before, after = (sums(config, age) for age in (0, 24))
    assert before["sum_post_click"] - after["sum_post_click"] == pytest.approx(0.1, rel=1e-12)
    assert after["first_post_click"] - before["first_post_click"] == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize(("size", "rule"), [(2.0**50, "first"), (2.0**49, "sum")])
def test_values_that_no_unit_brings_into_range_are_refused_by_their_column(spark, tmp_path, size, rule):
    sales = [*SALES, *(Row(100, START + 5 * MINUTE, k, value=size) for k in (1, 2))]
    with pytest.raises(ContractError, match=f"tasks.{rule}_post_click: label 'value'") as caught:
        evaluated(spark, night(tmp_path, sales, [Rule(rule, "post_click")]))
    assert caught.value.exit_code == 2


def test_large_values_are_summed_in_a_unit_of_their_task(spark, tmp_path):
    sales = [Row(100, START + (2 + k) * MINUTE, k, value=1e12 + 0.25) for k in range(3)]
    config = night(tmp_path, sales, [Rule("sum", "post_click")])
    evaluated(spark, config)
    assert sums(config, 0)["sum_post_click"] == 3e12 + 0.75
    units = json.loads(next(row["units"] for row in table(config, "runs").to_pylist() if row["units"]))
    assert units["sum_post_click"]["value"] > 1.0


def test_events_without_a_usable_value_clock_or_id_are_rejected_by_their_reason(spark, tmp_path):
    config = night(tmp_path, rules=[Rule("sum", "post_click")], limits={"min_rows": 0, "rejected_share": 1.0})
    file = tmp_path / "logs" / "conversions" / "part-000.parquet"
    rows = pq.read_table(file).to_pylist()
    for row, (column, value) in zip(
        rows,
        [("value", None), ("value", float("nan")), ("value", float("inf")), ("ingested", None), ("event", None)],
        strict=False,
    ):
        row[column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(file)), file)
    found = evaluated(spark, config).events["sum_post_click"]
    assert found.rejected == {"null_value": 1, "bad_value": 2, "null_ingested": 1, "null_event": 1}
    assert found.read == len(SALES) + 1 == 5 + found.inside
    kept = [row for row in table(config, "rejects").to_pylist() if row["source"] == "sum_post_click"]
    assert len(kept) == 5


def candidates(folder, sales) -> dict[str, Any]:
    config = night(folder, sales, [Rule("sum", "post_click")], limits={"min_rows": 0, "rejected_share": 1.0})
    config["tasks"] = {"slate": {"label": "sum_post_click", "kind": "candidates"}}
    config["models"] = {"m": {"slate": {"score": "p"}}}
    config["impressions"]["columns"] |= {"group": "seen"}
    return config


def test_gains_of_candidates_are_sums_of_0_or_more(spark, tmp_path):
    found = evaluated(spark, candidates(tmp_path, [*SALES, Row(100, START + 3 * MINUTE, 1, value=-1.0)]))
    assert found.events["sum_post_click"].rejected == {"bad_value": 1}
    values = {row["metric"]: row["value"] for row in found.metrics.to_pylist()}
    assert 0.0 < values["ndcg@10"] < 1.0


def test_a_rule_that_changed_under_an_old_name_is_refused(spark, tmp_path):
    config = night(tmp_path, rules=[Rule("count", "post_click")])
    evaluated(spark, config)
    log = config["labels"]["count_post_click"]
    for change in ({"attribution": "post_view"}, {"events": "any"}, {"window": "2h"}):
        other = {**config, "labels": {**config["labels"], "count_post_click": {**log, **change}}}
        with pytest.raises(ContractError, match="a definition changed under an old name"):
            evaluated(spark, other)
    window = {**config, "labels": {**config["labels"], "click": {**config["labels"]["click"], "window": "2h"}}}
    with pytest.raises(ContractError, match="count_post_click / m: labels"):
        evaluated(spark, window)
    evaluated(spark, config)


def test_a_log_of_before_there_was_a_choice_means_what_it_meant(tmp_path):
    columns = {"id": "i", "time": "t"}
    log = {"source": {"format": "parquet", "path": "clicks"}, "columns": columns, "window": "1h"}
    impressions = {"source": {"format": "parquet", "path": "impressions"}, "columns": columns}
    config = document(tmp_path, labels={"click": log}, impressions=impressions)
    assert definitions(parse(config))["ctr / m"]["labels"] == {"click": {"window": "1h"}}


@pytest.mark.parametrize("duplicates", ["remove", "none"])
@pytest.mark.parametrize("rule", ["any", "count"])
def test_a_join_that_multiplies_rows_fails_the_run_before_anything_is_written(
    spark, tmp_path, monkeypatch, duplicates, rule
):
    config = night(tmp_path, rules=[Rule(rule, "post_click")])
    config["impressions"]["duplicates"] = duplicates
    room = label.Events if rule == "any" else label.amounts
    joined = room.joined

    def twice(*given):
        found = joined(*given)
        return found.unionByName(found.where("id = 7"))

    monkeypatch.setattr(room, "joined", twice)
    with pytest.raises(RuntimeFailure, match=r"of 60 examples 6[1-9] were summed") as caught:
        evaluated(spark, config)
    assert caught.value.exit_code == 3
    assert table(config, "statistics").num_rows == 0


def test_events_about_unknown_clicks_refuse_the_day_with_ids_of_both_sides(spark, tmp_path):
    sales = [Row(9_000 + i, START + (i + 2) * MINUTE, i) for i in range(50)]
    with pytest.raises(RefusedError, match="none of 50 events is about an impression of the day") as caught:
        evaluated(spark, night(tmp_path, sales, [Rule("count", "post_click")]))
    assert "The log has '9000', the rows of click have '100'" in caught.value.examples
