"""The views say what they promise, the cookbook answers, and errors name what is missing."""

import json
import math
import re
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.engines.identity import engine_of
from jobs.engines.pins import conf_file
from jobs.errors import ConfigurationError, ContractError, LossledgerError
from jobs.ledger import tables
from jobs.settings import parse
from jobs.sql import answers, views
from jobs.sql.answers import rendered
from jobs.sql.query import answered
from jobs.sql.views import VIEWS, register
from jobs.storage import lake
from tests.world.night import DAY
from tests.world.two_nights import COOKBOOK, NEXT_DAY, SIZES, changed, copied, held, impressions

WRONG_RIGHT, CLASSES = ("wrong", "right"), ("positive", "negative")
# That views and cookbook have the same answers on every engine is shown in test_other_readers.py.
SAIL = pytest.mark.only_engine("sail")
LATER = 24
VIEW_OF_RUNS = conf_file("sql/held.sql").read_text(encoding="utf-8")
TOTALS = "SELECT event_date, task, model, value FROM metrics WHERE slice = '' AND metric = '{}'"


def rows_of(spark, settings, text):
    return answered(spark, settings, text).to_pylist()


@pytest.fixture(scope="module")
def aged(spark, ledger, tmp_path_factory):
    """The first night once more at a later age: provisional, and without one of the metrics."""
    settings = copied(ledger, tmp_path_factory.mktemp("aged"))
    for table in ("statistics", "metrics"):
        rows = held(spark, settings, table)
        rows = changed(rows.filter(pc.equal(rows["event_date"], DAY)), {"age_hours": LATER})
        if table == "metrics":
            rows = changed(rows.filter(pc.not_equal(rows["metric"], "brier_score")), {"is_final": False})
        lake.replace(spark, lake.address(settings, table, engine_of(spark)), rows, {})
    return settings


@SAIL
def test_statistics_latest_has_the_newest_age_of_each_day(spark, ledger, aged):
    ages = "SELECT event_date, age_hours, COUNT(*) AS cells FROM statistics_latest GROUP BY event_date, age_hours"
    cells = held(spark, ledger, "statistics").group_by("event_date").aggregate([([], "count_all")]).to_pylist()
    expected = {(row["event_date"], LATER * (row["event_date"] == DAY), row["count_all"]) for row in cells}
    assert {tuple(row.values()) for row in rows_of(spark, aged, ages)} == expected


@SAIL
def test_metrics_latest_has_the_newest_age_of_each_metric(spark, ledger, aged):
    rows = answered(spark, aged, "SELECT * FROM metrics_latest")
    older = pc.or_(pc.equal(rows["event_date"], NEXT_DAY), pc.equal(rows["metric"], "brier_score"))
    assert rows.num_rows == held(spark, ledger, "metrics").num_rows
    assert set(rows.filter(older)["age_hours"].to_pylist()) == {0}
    assert set(rows.filter(pc.invert(older))["age_hours"].to_pylist()) == {LATER}


@SAIL
def test_metrics_final_leaves_out_what_labels_can_still_change(spark, ledger, aged):
    rows = answered(spark, aged, "SELECT * FROM metrics_final")
    assert rows.num_rows == held(spark, ledger, "metrics").num_rows
    assert set(rows["age_hours"].to_pylist()) == {0}
    assert set(rows["is_final"].to_pylist()) == {True}


@SAIL
def test_what_is_provisional_is_shown_only_where_nothing_else_is(spark, ledger, tmp_path):
    settings = copied(ledger, tmp_path)
    for table in ("statistics", "metrics"):
        where = lake.address(settings, table, engine_of(spark))
        for day, age in ((DAY, LATER), (NEXT_DAY, 0)):
            rows = held(spark, ledger, table)
            rows = changed(rows.filter(pc.equal(rows["event_date"], day)), {"age_hours": age, "provisional": True})
            lake.replace(spark, where, rows, {})
    shown = "SELECT DISTINCT event_date, age_hours, provisional FROM {} ORDER BY event_date"
    found = {view: rows_of(spark, settings, shown.format(view)) for view in ("metrics_latest", "statistics_latest")}
    complete = {"event_date": DAY, "age_hours": 0, "provisional": False}
    assert found["statistics_latest"] == [complete]
    assert found["metrics_latest"] == [complete, {"event_date": NEXT_DAY, "age_hours": 0, "provisional": True}]


@SAIL
def test_tables_of_an_earlier_version_have_every_view(spark, ledger, tmp_path):
    settings = copied(ledger, tmp_path)
    for table in ("statistics", "metrics"):
        rows = held(spark, settings, table).drop_columns("provisional")
        path = str(settings.tables.path) + f"/{settings.evaluation}/{table}"
        write_deltalake(path, rows, mode="overwrite", schema_mode="overwrite")
    rows = rows_of(spark, settings, "SELECT DISTINCT event_date, provisional FROM metrics_latest ORDER BY event_date")
    assert rows == [{"event_date": day, "provisional": None} for day in SIZES]


@SAIL
@pytest.mark.parametrize("metric", ["log_loss", "normalized_entropy", "base_rate", "mean_score"])
def test_a_metric_from_sql_is_that_of_the_run(spark, ledger, metric):
    of_run = {tuple(row.values())[:3]: row["value"] for row in rows_of(spark, ledger, TOTALS.format(metric))}
    of_sql = {(r["event_date"], r["task"], r["model"]): r[metric] for r in rows_of(spark, ledger, COOKBOOK[1])}
    assert len(of_run) == 6
    assert of_sql == pytest.approx(of_run, rel=0, abs=6e-7)


@SAIL
def test_slices_from_sql_are_those_of_the_run(spark, ledger):
    only_one_day = COOKBOOK[0].replace("metrics_final) - 28", "metrics_final) - 1")
    of_sql = {
        (r["task"], r["model"], f"country={r['country']},device={r['device']}"): r["normalized_entropy"]
        for r in rows_of(spark, ledger, only_one_day)
    }
    metrics = held(spark, ledger, "metrics").to_pylist()
    of_run = {
        (r["task"], r["model"], r["slice"]): r["value"]
        for r in metrics
        if r["event_date"] == NEXT_DAY and r["metric"] == "normalized_entropy" and "device=" in r["slice"]
    }
    assert len(of_run) == 18
    assert of_sql == pytest.approx(of_run, rel=0, abs=6e-7)


# The expressions that an analyst writes first, and the metrics that they must be.
OBVIOUS = {
    "log_loss": "SUM(nll) / SUM(weight)",
    "log_loss_total": "SUM(positive_nll + negative_nll)",
    "base_rate": "SUM(positives) / SUM(weight)",
    "mean_score": "SUM(score_sum) / SUM(weight)",
    "predicted_over_actual": "SUM(score_sum) / SUM(positives)",
    "brier_score": "SUM(squared_error) / SUM(weight)",
}
SELECTED = ", ".join(f"{text} AS {name}" for name, text in OBVIOUS.items())
SLICES = {"": "''", "country": "CONCAT('country=', country)", "both": "CONCAT('country=', country, ',device=', device)"}


def of_run(spark, settings, names):
    """The metrics of the one age at which the ledger looks at a day: here the final one."""
    wanted = held(spark, settings, "metrics")
    wanted = wanted.filter(pc.and_(pc.is_in(wanted["metric"], pa.array(names)), wanted["is_final"]))
    return {
        tuple(row[k] for k in ("event_date", "task", "model", "slice", "metric")): row["value"]
        for row in wanted.to_pylist()
    }


def by_metric(rows, names):
    return {
        (*(row[k] for k in ("event_date", "task", "model", "slice")), name): row[name] for row in rows for name in names
    }


@SAIL
def test_the_obvious_sum_over_the_ledger_is_the_metric_whatever_ages_there_are(spark, aged):
    found = {}
    for text in SLICES.values():
        query = f"SELECT event_date, task, model, {text} AS slice, {SELECTED} FROM ledger GROUP BY 1, 2, 3, 4"
        found |= by_metric(rows_of(spark, aged, query), OBVIOUS)
    expected = of_run(spark, aged, list(OBVIOUS))
    assert len(expected) == len(found) == 6 * (1 + 3 + 6) * len(OBVIOUS)
    assert found == pytest.approx(expected, rel=1e-12, abs=0)
    assert {r["is_final"] for r in rows_of(spark, aged, "SELECT is_final FROM ledger")} == {True}


@SAIL
def test_the_obvious_sum_over_shards_is_the_metric(spark, aged):
    query = f"SELECT event_date, task, model, slice, {SELECTED} FROM shard_ledger GROUP BY ALL"
    found = by_metric(rows_of(spark, aged, query.replace("ALL", "1, 2, 3, 4")), OBVIOUS)
    assert found == pytest.approx(of_run(spark, aged, list(OBVIOUS)), rel=1e-12, abs=0)


FINISHED = [*(name for name in OBVIOUS if name != "log_loss_total"), "label_entropy", "normalized_entropy"]


@SAIL
def test_finished_cells_are_the_metrics_of_their_slices(spark, aged):
    query = f"SELECT event_date, task, model, {SLICES['both']} AS slice, {', '.join(FINISHED)} FROM cell_metrics"
    expected = {k: v for k, v in of_run(spark, aged, FINISHED).items() if "device=" in k[3]}
    assert by_metric(rows_of(spark, aged, query), FINISHED) == pytest.approx(expected, rel=1e-12, abs=0)


@SAIL
def test_finished_shards_are_their_ledger_divided_out(spark, ledger):
    query = f"SELECT event_date, task, model, slice, shard, {SELECTED} FROM shard_ledger GROUP BY 1, 2, 3, 4, 5"
    keys = ("event_date", "task", "model", "slice", "shard")
    names = [name for name in OBVIOUS if name != "log_loss_total"]
    expected = {tuple(r[k] for k in keys): [r[name] for name in names] for r in rows_of(spark, ledger, query)}
    found = {
        tuple(r[k] for k in keys): [r[name] for name in names]
        for r in rows_of(spark, ledger, "SELECT * FROM shard_metrics")
    }
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(expected[key], rel=1e-12, abs=0) for key in found)


@SAIL
def test_where_no_age_is_final_the_newest_is_looked_at(spark, aged, tmp_path):
    settings = copied(aged, tmp_path)
    rows = held(spark, settings, "metrics")
    for age in (0, LATER):
        of_age = changed(
            rows.filter(pc.and_(pc.equal(rows["age_hours"], age), pc.equal(rows["event_date"], DAY))),
            {"is_final": False},
        )
        lake.replace(spark, lake.address(settings, "metrics", engine_of(spark)), of_age, {})
    found = rows_of(spark, settings, "SELECT DISTINCT event_date, age_hours, is_final FROM ledger ORDER BY 1")
    assert [tuple(row.values()) for row in found] == [(DAY, LATER, False), (NEXT_DAY, 0, True)]


def test_what_cannot_be_summed_is_not_passed_over(spark, ledger, tmp_path):
    settings = parse({**copied(ledger, tmp_path).document(), "loss": {"clip": 0}})
    text = (
        "SELECT model, SUM(nll) / SUM(weight) AS log_loss FROM ledger WHERE task = 'ctr' GROUP BY model ORDER BY model"
    )
    candidate, champion = (row["log_loss"] for row in rows_of(spark, settings, text))
    assert (math.isfinite(candidate), champion) == (True, math.inf)
    rows = held(spark, settings, "statistics")
    older = changed(rows.filter(pc.equal(rows["event_date"], DAY)), {"hard_right_positive_weight": None})
    lake.replace(spark, lake.address(settings, "statistics", engine_of(spark)), older, {})
    assert all(math.isnan(row["log_loss"]) for row in rows_of(spark, settings, text))
    undefined = f"SELECT COUNT(log_loss) AS n FROM cell_metrics WHERE event_date = DATE'{DAY}'"
    assert rows_of(spark, settings, undefined) == [{"n": 0}]


@SAIL
def test_another_clip_prices_all_days_alike_and_shows_in_the_metrics(spark, ledger, tmp_path):
    settings = parse({**copied(ledger, tmp_path).document(), "loss": {"clip": 1e-3}})
    query = "SELECT event_date, model, SUM(nll) / SUM(weight) AS log_loss FROM ledger WHERE task = 'ctr' GROUP BY 1, 2"
    found = {(r["event_date"], r["model"]): r["log_loss"] for r in rows_of(spark, settings, query)}
    at_run = {k[:3]: v for k, v in of_run(spark, ledger, ["log_loss"]).items() if k[3] == ""}
    assert all(found[day, "champion"] < at_run[day, "ctr", "champion"] for day in SIZES)
    assert all(found[day, "candidate"] == pytest.approx(at_run[day, "ctr", "candidate"], rel=1e-12) for day in SIZES)
    assert rows_of(spark, settings, "SELECT DISTINCT clip FROM metrics_latest") == [{"clip": 1e-15}]
    rows = held(spark, settings, "metrics")
    other = changed(rows.filter(pc.equal(rows["event_date"], DAY)), {"clip": 1e-3})
    lake.replace(spark, lake.address(settings, "metrics", engine_of(spark)), other, {})
    assert {(r["same_clip"], r["harm"]) for r in rows_of(spark, settings, COOKBOOK[2])} == {(False, None)}


@SAIL
def test_any_dimension_over_any_days_is_what_the_rows_say(spark, ledger):
    text = "SELECT device, SUM(n) AS n, SUM(positive_weight) AS positives FROM statistics_latest"
    found = rows_of(spark, ledger, f"{text} WHERE task = 'ctr' AND model = 'candidate' GROUP BY device ORDER BY device")
    raw = pa.concat_tables([pa.table(impressions(day)) for day in SIZES])
    raw = raw.filter(raw["click"].is_valid()).group_by("device").aggregate([("click", "count"), ("click", "sum")])
    expected = [
        {"device": r["device"], "n": r["click_count"], "positives": Decimal(r["click_sum"])}
        for r in raw.sort_by("device").to_pylist()
    ]
    assert found == expected


@pytest.mark.parametrize("clip", [1e-15, 1e-3, 3e-17])
def test_hard_scores_are_priced_at_the_configured_clip(spark, ledger, clip):
    settings = parse({**ledger.document(), "loss": {"clip": clip}})
    names = ["positive_nll", "negative_nll", "nll", *(f"hard_{a}_{b}_weight" for a in WRONG_RIGHT for b in CLASSES)]
    sums = ", ".join(f"CAST(SUM({name}) AS DOUBLE) AS {name}" for name in names)
    row = rows_of(spark, settings, f"SELECT {sums} FROM statistics_priced WHERE task = 'by_bid'")[0]
    prices = {"wrong": -math.log(clip), "right": -math.log1p(-clip)}
    hard = sum(row[f"hard_{a}_{b}_weight"] * prices[a] for a in WRONG_RIGHT for b in CLASSES)
    assert min(row.values()) > 0
    assert row["nll"] == pytest.approx(row["positive_nll"] + row["negative_nll"] + hard, rel=1e-14, abs=0)


def test_a_right_hard_score_costs_little_but_no_less_than_that(spark, ledger, tmp_path):
    settings = copied(ledger, tmp_path)
    row = held(spark, settings, "statistics").slice(0, 1)
    sums = [
        name for name, column in zip(row.column_names, row.columns, strict=True) if pa.types.is_decimal(column.type)
    ]
    right = {**dict.fromkeys(sums, Decimal(0)), "hard_right_negative_weight": Decimal(2**30), "age_hours": LATER}
    lake.replace(spark, lake.address(settings, "statistics", engine_of(spark)), changed(row, right), {})
    found = rows_of(spark, settings, f"SELECT nll FROM statistics_priced WHERE age_hours = {LATER}")
    assert float(found[0]["nll"]) == pytest.approx(-(2**30) * math.log1p(-1e-15), rel=1e-8, abs=0)


def test_without_a_clip_only_wrong_hard_scores_are_undefined(spark, ledger):
    settings = parse({**ledger.document(), "loss": {"clip": 0}})
    text = """SELECT COUNT(*) AS wrong FROM statistics_priced
              WHERE (nll IS NULL) <> (hard_wrong_positive_weight + hard_wrong_negative_weight > 0)"""
    assert rows_of(spark, settings, text) == [{"wrong": 0}]
    losses = {(r["event_date"], r["model"]): r["log_loss"] for r in rows_of(spark, settings, COOKBOOK[1])}
    assert [losses[day, "champion"] for day in SIZES] == [None, None]
    assert None not in [losses[day, "candidate"] for day in SIZES]


def test_a_sum_over_a_day_that_did_not_record_it_is_null(spark, ledger, tmp_path):
    settings = copied(ledger, tmp_path)
    rows = held(spark, settings, "statistics")
    older = changed(rows.filter(pc.equal(rows["event_date"], DAY)), {"positive_nll": None})
    lake.replace(spark, lake.address(settings, "statistics", engine_of(spark)), older, {})
    by_day = {r["event_date"]: r["log_loss"] for r in rows_of(spark, settings, COOKBOOK[1])}
    assert by_day[DAY] is None
    assert by_day[NEXT_DAY] is not None
    assert {r["log_loss"] for r in rows_of(spark, settings, COOKBOOK[0])} == {None}


@SAIL
def test_the_audit_of_the_cookbook_finds_a_wrong_sum(spark, ledger, tmp_path):
    settings = copied(ledger, tmp_path)
    rows = held(spark, settings, "statistics").filter(pc.field("event_date") == NEXT_DAY)
    off_by_one = rows["squared_error"][0].as_py() + Decimal("1E-15")
    wrong = pa.concat_tables([changed(rows.slice(0, 1), {"squared_error": off_by_one}), rows.slice(1)])
    lake.replace(spark, lake.address(settings, "statistics", engine_of(spark)), wrong, {})
    disagree = [r for r in rows_of(spark, settings, COOKBOOK[-1]) if not r["agrees"]]
    first = {name: rows[name][0].as_py() for name in ("event_date", "task", "model")}
    assert [{name: r[name] for name in first} for r in disagree] == [first]


# Views of tables that not every evaluation has.
OF_JUDGEMENTS = {"slice_changes", "worst_slices", "slice_comparisons", "slice_arrival", "gates_latest"}
# The evaluation has no task of several classes, and keeps no score bins.
OF_JUDGED = {name for name in VIEWS if views.KIND_OF.get(name) != "multiclass"} - {"reliability"}
OF_LEDGER = OF_JUDGED - OF_JUDGEMENTS


def test_every_view_is_registered_whose_tables_are_there(spark, ledger, judged):
    assert set(register(spark, ledger)) == {*tables.declared(ledger), *OF_LEDGER, "clip"} == set(views.known(ledger))
    assert {*tables.declared(judged), *OF_JUDGED, "clip"} == set(views.known(judged))
    assert set(views.known(judged)) - set(register(spark, judged)) == {
        "unpaired_statistics"
    }  # of which no row is there


def test_a_session_forgets_the_tables_of_another_evaluation(spark, ledger):
    assert rows_of(spark, ledger, "SELECT COUNT(*) AS n FROM runs")[0]["n"] > 0
    other = ledger.model_copy(update={"evaluation": "other"})
    with pytest.raises(ContractError) as caught:
        answered(spark, other, "SELECT * FROM metrics_latest")
    where = lake.address(other, "metrics", engine_of(spark)).path
    assert [problem.place for problem in caught.value.problems] == ["metrics"]
    assert where in str(caught.value)
    assert "lossledger run CONFIG --date D" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT * FROM metricz", "did you mean 'metrics'"),
        ("SELECT nothing FROM runs", "nothing"),
        ("SELEC 1", "found 'SELEC' at its beginning, expected one of SELECT"),
        ("SELECT 1 +", "(?i)syntax|expected"),
        ("", "found '' at its beginning"),
        ("SELECT 1 / 0", "(?i)divi(de|sion) by zero"),
    ],
)
def test_a_wrong_query_is_told_in_a_line_or_two(spark, ledger, text, told, capfd):
    with pytest.raises(ConfigurationError, match=told) as caught:
        answered(spark, ledger, text)
    assert len(str(caught.value).splitlines()) <= 2
    assert "SQLQueryContextLogger" not in capfd.readouterr().err


@SAIL
@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM delta.`{}`",
        "-- a comment\n/* another */ delete FROM delta.`{}`",
        "INSERT INTO delta.`{}` SELECT * FROM runs",
        "WITH all AS (SELECT * FROM runs) INSERT INTO delta.`{}` SELECT * FROM all",
        "FROM runs INSERT INTO delta.`{}` SELECT *",
        "CREATE TABLE copy USING delta AS SELECT * FROM runs",
        "DROP VIEW runs",
        "EXPLAIN ANALYZE DELETE FROM delta.`{}`",
    ],
)
def test_what_writes_is_no_query(spark, ledger, text):
    where = lake.address(ledger, "runs", engine_of(spark)).path
    before = DeltaTable(where).version()
    with pytest.raises(ConfigurationError):
        answered(spark, ledger, text.format(where))
    assert DeltaTable(where).version() == before


@SAIL
@pytest.mark.parametrize(
    "text",
    ["/* 1 */ WITH a AS (SELECT 1 AS x) SELECT x FROM a; ", "(SELECT 1 AS x)", "values (1)", "SELECT 1 AS a, 2 AS a"],
)
def test_queries_begin_in_many_ways(spark, ledger, text):
    assert answered(spark, ledger, text).column(0).to_pylist() == [1]


def test_every_table_of_results_is_asked_which_run_its_rows_are_of():
    asked = re.findall(r"SELECT DISTINCT '(\w+)' AS held_by, event_date, age_hours, run_id FROM \1\b", VIEW_OF_RUNS)
    assert sorted(asked) == sorted(["statistics", "shard_statistics", "metrics", *tables.OPTIONAL])


def test_every_file_is_a_view_or_the_cookbook():
    names = {file.name for file in conf_file("sql").iterdir()}
    assert names == {f"{name}.sql" for name in (*VIEWS, "clip", "cookbook")}


ANSWER = pa.table(
    {
        "d": pa.array([date(2026, 3, 18), None]),
        "sum": pa.array([Decimal("0.100000000000000"), None], pa.decimal128(37, 15)),
        "rate": [0.1 + 0.2, math.inf],
        "ok": [True, None],
        "text": ["[red]\x1b[31m", "é"],
    }
)


def test_people_get_a_table():
    lines = rendered(ANSWER, as_json=False).splitlines()
    assert lines[0].split() == ["d", "sum", "rate", "ok", "text"]
    assert lines[2].split() == ["2026-03-18", "0.100000000000000", "0.3", "true", r"[red]\x1b[31m"]
    assert lines[3].split() == ["NULL", "NULL", "inf", "NULL", "é"]
    assert lines[4:] == ["(2 rows)"]


def test_programs_get_json_with_all_digits():
    row, other = json.loads(rendered(ANSWER, as_json=True))
    expected = {"d": "2026-03-18", "sum": "0.100000000000000", "rate": 0.1 + 0.2, "ok": True, "text": "[red]\x1b[31m"}
    assert row == expected
    assert other == {"d": None, "sum": None, "rate": "inf", "ok": None, "text": "é"}


def test_two_columns_of_one_name_fit_a_table_but_not_json():
    twice = pa.table([[1], [2]], names=["a", "a"])
    assert rendered(twice, as_json=False).splitlines()[2].split() == ["1", "2"]
    with pytest.raises(LossledgerError, match="a: found 2 columns"):
        rendered(twice, as_json=True)


def test_people_see_the_first_rows_of_a_large_answer_and_programs_all():
    many = pa.table({"a": range(1234)})
    lines = rendered(many, as_json=False).splitlines()
    assert len(lines) == answers.SHOWN + 3
    assert lines[-1] == "(the first 500 of 1,234 rows; all of them with --json, others with ORDER BY and LIMIT)"
    assert json.loads(rendered(many, as_json=True)) == many.to_pylist()
    assert json.loads(rendered(many.slice(0, 0), as_json=True)) == []


def test_a_column_that_is_not_grouped_is_told_in_words(spark, ledger):
    with pytest.raises(ConfigurationError, match=r"(?i)group.?by"):
        answered(spark, ledger, "SELECT task, AVG(value) FROM metrics_latest")


def test_every_column_of_every_table_and_view_has_a_comment(spark, ledger, judged):
    for name in set(views.known(judged)) - {"unpaired_statistics"}:
        rows = rows_of(spark, judged, f"DESCRIBE {name}")
        assert [row["col_name"] for row in rows] == spark.table(name).columns
        assert [row["col_name"] for row in rows if not row["comment"] or "  " in row["comment"]] == [], name
    for text in ("-- a\nDESC TABLE EXTENDED `runs`;", "SHOW COLUMNS IN runs"):
        assert rows_of(spark, ledger, text) == rows_of(spark, ledger, "DESCRIBE runs")
    of_n = next(row for row in rows_of(spark, ledger, "describe statistics") if row["col_name"] == "n")
    assert (of_n["data_type"], of_n["comment"].split()[:2]) == ("bigint", ["Rows", "scored:"])
    with pytest.raises(ConfigurationError, match="did you mean 'statistics'"):
        answered(spark, ledger, "DESCRIBE statistic")


def test_tables_and_views_are_listed_with_what_they_are(spark, ledger):
    listed = {row["name"]: row["comment"] for row in rows_of(spark, ledger, "SHOW TABLES")}
    assert listed.keys() == set(views.known(ledger))
    assert all(len(comment) > 20 for comment in listed.values())
    assert {row["name"] for row in rows_of(spark, ledger, "show views")} == {*OF_LEDGER, "clip"}
    assert {"function": "xxhash64"} in rows_of(spark, ledger, "SHOW FUNCTIONS")
