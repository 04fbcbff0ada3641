"""Every number of the report is that of the tables, and the query beside a chart gives the numbers that are drawn."""

import json

import pytest

from jobs.sql.query import answered
from tests.jobs.surfaces.report.reading import floats, interval, numbers, rows
from tests.world.reported import LAST, of_day, plain, shown_days

SECTIONS = ["gates", "models", "trends", "calibration", "heat", "worst", "changes", "arrival", "health", "provenance"]
YOUNG, OLD = 0, 48
# What Apache Spark makes of the same tables is compared as a whole: test_on_spark.
pytestmark = pytest.mark.only_engine("sail")


def whole(settings, table, day=LAST, age_hours=YOUNG):
    return [row for row in plain(of_day(settings, table, day, age_hours)) if row.get("slice", "") == ""]


def test_every_section_is_there_and_none_is_empty(made, page):
    assert [each["id"] for each in page.find_all("section")] == SECTIONS
    assert {each.name: each.empty for each in made.sections} == dict.fromkeys(SECTIONS)


def test_the_verdict_comes_first(made, page):
    assert page.h1.get_text() == made.verdict.sentence
    assert made.html.index("<h1>") < made.html.index("<section")


@pytest.mark.parametrize("task", ["ctr", "weighted", "cvr"])
def test_models_have_the_numbers_of_metrics(month, page, task):
    by_key = {(row["model"], row["metric"]): row for row in whole(month, "metrics") if row["task"] == task}
    caption = f"Models of {task}"
    shown = ["log_loss", "normalized_entropy", "predicted_over_actual", "auc", "base_rate"]
    for model, *cells, n in rows(page, caption):
        for metric, cell in zip(shown, cells, strict=True):
            assert numbers(cell) == interval(by_key[model.get_text(), metric])
        assert numbers(n) == [by_key[model.get_text(), "log_loss"]["n"]]
    assert len(rows(page, caption)) == len({model for model, _ in by_key})


def test_comparisons_have_the_numbers_of_their_table(month, page):
    found = whole(month, "comparisons")
    titles = {"Log loss": "log_loss", "Normalized entropy": "normalized_entropy", "AUC": "auc"}
    by_key = {(row["task"], row["metric"]): row for row in found}
    cells = rows(page, "Comparisons: relative differences with intervals")
    assert len(cells) == 6
    for task, metric, _, difference, relative, _, running in cells:
        row = by_key[task.get_text(), titles[metric.get_text()]]
        assert numbers(difference) == interval(row, "difference")
        assert numbers(relative) == [row["relative_difference"]] * (row["relative_difference"] is not None)
        assert numbers(running) == [each for each in (row["running_low"], row["running_high"]) if each is not None]


def test_gates_have_the_numbers_of_their_table(month, page):
    found = plain(of_day(month, "gate_results", LAST, YOUNG))
    shown = rows(page, "Gates of the night, what fails first")
    assert len(shown) == len(found)
    told = {(cells[2].get_text(), *numbers(cells[3])) for cells in shown}
    sentences = {row["sentence"].split(": ", 1)[1] for row in found}
    assert {sentence for sentence, *_ in told} == sentences
    ends = (interval(row, "value", "low", "high") for row in found)
    assert {tuple(each) for _, *each in told} == {tuple(end for end in each if end is not None) for each in ends}
    assert [cells[0].get_text() for cells in shown][:1] == ["✕ failed"]


def test_days_are_at_the_age_at_which_they_are_final(month, page):
    shown = rows(page, "Numbers day by day")
    assert {cells[0].get_text() for cells in shown} == {str(day) for day in shown_days()}
    for day in (shown_days()[0], shown_days()[-2], LAST):
        age_hours = YOUNG if day == LAST else OLD
        by_key = {(row["task"], row["model"], row["metric"]): row for row in whole(month, "metrics", day, age_hours)}
        of_day = [cells for cells in shown if cells[0].get_text() == str(day)]
        assert len(of_day) >= 10
        for _, *key, value, labels in of_day:
            row = by_key[tuple(each.get_text() for each in key)]
            assert numbers(value) == interval(row)
            assert labels.get_text() == ("final" if row["is_final"] else "can change")


def test_a_young_day_is_hatched_and_has_its_nowcast(month, page):
    by_title = {each.h3.get_text(): each for each in page.select("#trends .panel")}
    panel = by_title["cvr: normalized entropy"]
    assert len(panel.select(".young")) == 1
    row = next(row for row in whole(month, "metrics") if row["metric"] == "normalized_entropy[nowcast]")
    assert [float(each["data-value"]) for each in panel.select(".expected")] == [row["value"]]
    assert by_title["ctr: normalized entropy"].select(".young, .expected") == []


def test_changes_have_the_numbers_of_their_table(month, page):
    found = {(row["task"], row["model"], row["metric"], row["against"]): row for row in whole(month, "changes")}
    cells = rows(page, "Log loss of ctr: what changed")
    assert len(cells) == 4
    for model, against, before, now, difference, causes, skills in cells:
        name = model.find(string=lambda text: text in ("champion", "candidate"))
        row = found["ctr", name, "log_loss", against.get_text()]
        assert numbers(before) + numbers(now) == [row["before"], row["now"]]
        assert numbers(difference) == interval(row, "difference")
        assert numbers(causes) == [row["within"], row["mix"], row["interaction"]]
        assert numbers(skills) == [row["calibration"], row["discrimination"], row["uncertainty"]]


def test_the_parts_of_the_loss_add_up_to_it(month, page):
    losses = [row for row in whole(month, "metrics") if row["metric"] == "log_loss"]
    values = {(row["task"], row["model"]): row["value"] for row in losses}
    shown = rows(page, "Miscalibration, discrimination and uncertainty of log loss")
    assert len(shown) == len(values)
    for task, model, *cells in shown:
        (loss,), (mcb,), (dsc,), (unc,), (hidden,) = map(numbers, cells)
        assert loss == values[task.get_text(), model.get_text()]
        assert mcb - dsc + unc == pytest.approx(loss, abs=1e-12)
        assert min(mcb, dsc, hidden) >= 0.0


def test_labels_have_the_numbers_of_their_table(month, page):
    (row,) = whole(month, "label_arrival")
    ((_, _, positives, expected, share, _),) = rows(page, "Labels of the night")
    assert numbers(positives) == [row["positives"]]
    assert numbers(expected) == interval(row, "expected_positives", "expected_low", "expected_high")
    assert numbers(share) == interval(row, "share", "share_low", "share_high")


def test_rows_are_those_that_the_run_counted(month, page):
    (run,) = [row for row in plain(of_day(month, "runs", LAST)) if row["state"] == "done"]
    shown = {cells[0].get_text(): numbers(cells[1]) for cells in rows(page, "Where every row went")}
    named = ("read", "scored", "duplicate", "rejected", "outside")
    assert shown == {name: [run[f"rows_{name}"]] for name in named}
    events = json.loads(run["label_events"])["conversion"]
    told = {cells[0].get_text(): numbers(cells[1]) for cells in rows(page, "Events of label logs by class")}
    assert told.pop("rejected") == [sum(events.pop("rejected").values())]
    assert told == {name.replace("_", " "): [count] for name, count in events.items()}
    (read,) = told.pop("read")
    assert read == sum(count for (count,) in told.values()) > 0
    assert run["run_id"] in page.find(id="provenance").get_text()
    assert run["config_hash"] in page.find(id="provenance").get_text()


def test_the_slice_that_became_worse_is_told_with_its_harm(month, page):
    found = [
        row
        for row in plain(of_day(month, "changes", LAST, YOUNG))
        if row["slice"] and row["metric"] == "log_loss" and (row["harm"] or 0.0) > 0.0 and row["p_adjusted"] <= 0.05
    ]
    worst = max(found, key=lambda row: row["harm"])
    cells = rows(page, "Slices that became worse, most harm first")[0]
    assert cells[1].get_text() == worst["model"] == "champion"
    assert cells[2].get_text() == "country=" + "<script>alert(1)</script>"
    assert numbers(cells[6]) == interval(worst, "difference")
    assert numbers(cells[7]) == [worst["harm"]]


def queries(page):
    """Of each part of the page that has a query: the part and the query."""
    for section in page.find_all("section"):
        for details in section.select("details.sql"):
            yield details.find_parent("figure") or section, details.code.get_text()


def test_the_sql_behind_gives_the_numbers_that_are_drawn(spark, month, page):
    figures = [(part, query) for part, query in queries(page) if part.name == "figure"]
    assert len(figures) == 8
    for figure, query in figures:
        shown = set(numbers(figure))
        assert len(shown) > 2
        assert shown - floats(answered(spark, month, query).to_pylist()) == set(), query


def test_the_sql_of_sections_without_charts_is_answered_too(spark, month, page):
    for _, query in queries(page):
        assert answered(spark, month, query).num_rows > 0
    assert len(page.select("details.sql")) == len(SECTIONS) + 1
