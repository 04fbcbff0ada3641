"""What sections say of rows that are rarely there; DuckDB answers their queries, no engine is needed."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest

from jobs.settings import parse
from jobs.sql.language.dialects import for_duckdb
from jobs.surfaces.report import page
from jobs.surfaces.report.night import Night
from jobs.surfaces.report.sections import calibration, gates, heat, trends, verdict, worst
from tests.world import days

DAY = date(2026, 11, 20)
AT = {"event_date": DAY, "age_hours": 0, "task": "ctr", "model": "champion"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    config = days.configured(tmp_path_factory.mktemp("sections"))
    return parse({**config, "slices": [[], ["country"]], "changes": {"against": ["1d"]}})


def night(settings, **rows):
    """A night whose tables have these rows alone."""
    connection = duckdb.connect()
    for name, of in rows.items():
        connection.register(name, of if isinstance(of, pa.Table) else pa.Table.from_pylist(of))
    session = SimpleNamespace(
        sql=lambda text: SimpleNamespace(toArrow=connection.execute(for_duckdb(text)).to_arrow_table)
    )
    return Night(session, settings, DAY, 0, frozenset(rows))


def judged(gate, part="", *, fails=True):
    found = {"gate": gate, "slice": part, "verdict": "failed" if fails else "passed", "fails": fails, "sentence": ""}
    return {**found, **dict.fromkeys(("value", "low", "high", "least", "most"))}


def html(content):
    text = '{% import "marks.html" as marks %}{% include "sections/gates.html" %}'
    return page._environment().from_string(text).render(content=content, section=SimpleNamespace(sql="SELECT 1"))


def test_a_gate_that_fails_is_shown_and_named_however_many_others_fail():
    first = [judged("honest", f"country={i:03}") for i in range(60)]
    found = gates.of_rows([*first, judged("rarely"), judged("well", fails=False)])
    assert [judged.row["gate"] for judged in found.rows] == [*["honest"] * 39, "rarely"]
    assert (found.counts["failed"], found.failing, found.unseen, found.more) == (61, ["honest", "rarely"], 21, 1)
    told = verdict.sentence_of(SimpleNamespace(day=DAY), {"status": "red", "message": None}, found)
    assert told == "Friday, 20 November 2026 is red: honest and rarely fail."


def test_more_gates_than_are_shown_otherwise_are_all_shown_where_they_fail():
    found = gates.of_rows([judged(f"g{i:02}", part) for i in range(50) for part in ("", "country=DE")])
    assert [judged.row["gate"] for judged in found.rows] == found.failing == [f"g{i:02}" for i in range(50)]
    assert (found.unseen, found.more) == (50, 0)


def test_so_many_gates_as_are_not_shown_are_told():
    failing = [judged("honest", f"country={i:03}") for i in range(60)]
    assert "Not shown: 20 more that fail;" in html(gates.of_rows(failing))
    assert "Not shown: 1 that do not fail;" in html(gates.of_rows([*failing[:40], judged("well", fails=False)]))
    assert "Not shown" not in html(gates.of_rows(failing[:40]))


CHANGE = {**AT, "metric": "log_loss", "against": "1d", "slice": "country=DE", "harm": 1.0}
UNJUDGED = {**CHANGE, "p_adjusted": None, "ci_reason": "no_day"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{**UNJUDGED, "slice": ""}], "This night was evaluated without `changes` of declared slices"),
        ([UNJUDGED], "No declared slice could be judged against an earlier day: the earlier day is not there (1)."),
        (
            [UNJUDGED, *[{**UNJUDGED, "ci_reason": "too_few_rows"}] * 2],
            "No declared slice could be judged against an earlier day: too few rows (2); the earlier day is not there "
            "(1).",
        ),
        (
            [{**CHANGE, "p_adjusted": 0.4, "ci_reason": None}, UNJUDGED],
            "No declared slice has become worse by more than chance allows; changes that were judged: 1, not judged: "
            "the earlier day is not there (1).",
        ),
    ],
)
def test_slices_that_were_not_judged_are_not_told_as_well(settings, rows, said):
    of = night(settings, changes=rows)
    assert worst.none_worse(of.rows(worst.judged_sql(of))).startswith(said)


def of_days(metric, values, part="country=DE"):
    return [
        {**AT, "event_date": DAY - timedelta(days=back), "metric": metric, "slice": part, "value": value, "n": 9}
        | {"is_final": True, "ci_low": value, "ci_high": value}
        for back, value in enumerate(values)
    ]


def chosen(count):
    return [{"event_date": DAY - timedelta(days=back), "task": "ctr", "age_hours": 0} for back in range(count)]


def test_a_value_of_0_is_one_of_the_map(settings):
    rows = [*of_days("predicted_over_actual", [0.0, 1.0]), *of_days("log_loss", [0.0, 0.5])]
    zero = of_days("log_loss", [0.0, 0.0], "country=FR")
    found = heat.made(night(settings, metrics=[*rows, *zero], chosen_age=chosen(2))).content
    shown = {(of.metric, text): [cell.row["off"] for cell in cells] for of in found for text, cells in of.slices}
    assert shown == {
        ("predicted_over_actual", "country=DE"): [0.0, -1.0],
        ("log_loss", "country=DE"): [1.0, -1.0],
        ("log_loss", "country=FR"): [0.0, 0.0],
    }


def test_a_total_without_a_value_is_not_told_as_one_that_is_not_asked_for(settings):
    found = trends.made(night(settings, metrics=of_days("log_loss", [None], ""), chosen_age=chosen(1)))
    assert "has a value on any of these days" in found.empty


def binned(weights, positives):
    whole, part = [Decimal(each) for each in weights], [Decimal(each) for each in positives]
    sums = {"positive_weight": part, "negative_weight": [w - p for w, p in zip(whole, part, strict=True)]}
    of = {name: [value] * len(whole) for name, value in {**AT, "slice": ""}.items()}
    exact = {name: pa.array(each, pa.decimal128(37, 15)) for name, each in {**sums, "score_sum": part}.items()}
    return pa.table({**of, "bin": pa.array(range(len(whole))), "n": [max(1, int(each)) for each in whole], **exact})


def test_a_bin_of_nearly_no_weight_is_of_the_last_band(settings):
    of = night(settings, score_bins=binned([1, 10**15, Decimal("1e-15")], [0, 5, 0]))
    assert {row["band"] for row in of.rows(calibration.sql(of))} == {0, 5, 9}


@pytest.mark.parametrize("rows", [301, 9])
def test_the_interval_of_a_rate_lies_between_0_and_1(settings, rows):
    of = night(settings, score_bins=binned([rows] * 2, [0, rows]))
    none, every = of.rows(calibration.sql(of))
    assert none["low"] == 0.0 < none["high"] and every["low"] < every["high"] == 1.0
