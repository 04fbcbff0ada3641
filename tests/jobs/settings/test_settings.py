import copy
import functools
import pickle
import re
from collections.abc import Callable
from datetime import date, timedelta
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrameReader

from jobs.errors import ConfigurationError, Problem
from jobs.settings import Evaluation, LabelLog, load, parse
from jobs.settings.judgement.gates import Margin
from jobs.settings.options import ALIKE, REFUSED, SPARK_ONLY
from jobs.settings.relations import RESERVED
from tests.world.child import ROOT

CONF = ROOT / "conf"
HOURS = timedelta(hours=1)
LOG: dict[str, Any] = {"source": {"format": "parquet", "path": "clicks"}, "columns": {"id": "i", "time": "t"}}
SMALL: dict[str, Any] = {
    "evaluation": "ads",
    "impressions": {"source": {"format": "parquet", "path": "impressions"}, "columns": {"id": "i", "time": "t"}},
    "labels": {"click": {"column": "clicked", "values": "binary"}, "sale": {**LOG, "window": "90m"}},
    "tasks": {"ctr": {"label": "click"}, "cvr": {"label": "sale", "given": "click"}},
    "models": {"v1.2": {"cvr": {"score": "p"}, "ctr": {"score": "z", "scale": "logit"}}},
    "dimensions": ["country", "device"],
    "slices": [[], ["device", "country"]],
    "tables": {"path": "warehouse"},
}


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The small configuration with other values at some places, written like `tasks/ctr/label`."""
    config = copy.deepcopy(SMALL)
    for place, value in changes:
        *above, last = place.split("/")
        node = config
        for key in above:
            node = node.setdefault(key, {})
        node[last] = value
    return config


def errors(action: Callable[[], Evaluation]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        action()
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"against": ["1w"]}, "changes.against[0]: found '1w', expected how many days back, such as 1d or 7d"),
        ({"against": ["24h"]}, "changes.against[0]: found '24h', expected how many days back, such as 1d or 7d"),
        ({"against": ["7d", "7d"]}, "changes.against[1]: found the same as changes.against[0], expected each once"),
        (
            {"reference": "2026-13-01"},
            "changes.reference: found '2026-13-01', expected a day such as 2026-11-01, or null",
        ),
        (
            {"agianst": ["1d"]},
            "changes.agianst: found an unknown key, expected one of against, reference; did you mean 'against'?",
        ),
    ],
)
def test_a_day_to_be_held_against_is_a_day(given: dict[str, Any], problem: str) -> None:
    assert errors(lambda: parse({**SMALL, "changes": given})) == [problem]


def test_days_to_be_held_against_are_spelled_as_written() -> None:
    found = parse({**SMALL, "changes": {"against": ["7d", "1d"], "reference": "2026-11-01"}})
    assert found.changes.names == ("7d", "1d", "reference")
    days = found.changes.days(date(2026, 11, 9))
    assert list(days.values()) == [date(2026, 11, 2), date(2026, 11, 8), date(2026, 11, 1)]
    assert parse(found.document()) == found
    assert parse(SMALL).changes.names == ()


def test_every_error_of_a_file_is_told_in_two_rounds(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    misnamed = changed(("tasks/ctr/label", "clik"), ("labels/sale/source/options", {"sep": ";"}))
    misnamed["slices"].append(["contry"])
    misshapen = copy.deepcopy(misnamed)
    misshapen |= {"day": {"timezone": "Europe/Berln"}, "limits": {"min_row": 3}, "loss": {"alpha": "five", "clip": 0.5}}
    misshapen["impressions"]["duplicates"] = "removed"
    known = "cells, values, rejected_share, stored_rejects, rejects_kept, min_rows, volume, group_rows"
    rounds = [
        (
            misshapen,
            f"{file} is not valid: 5 problems",
            "  - day.timezone: found 'Europe/Berln', expected an IANA time zone such as Europe/Berlin; did you mean 'Europe/Berlin'?",  # noqa: E501
            "  - impressions.duplicates: found 'removed', expected 'remove' or 'none'; did you mean 'remove'?",
            f"  - limits.min_row: found an unknown key, expected one of {known}; did you mean 'min_rows'?",
            "  - loss.alpha: found 'five', expected a number",
            "  - loss.clip: found 0.5, expected a number less than 0.5",
        ),
        (
            misnamed,
            f"{file} is not valid: 3 problems",
            "  - labels.sale.source.options.sep: found an unknown option, expected an option for parquet: pathGlobFilter, recursiveFileLookup, mergeSchema, modifiedAfter, modifiedBefore, datetimeRebaseMode, int96RebaseMode",  # noqa: E501
            "  - slices[2][0]: found 'contry', expected one of country, device (dimensions); did you mean 'country'?",
            "  - tasks.ctr.label: found 'clik', expected one of click, sale (labels); did you mean 'click'?",
        ),
    ]
    for wrong, *lines in rounds:
        file.write_text(yaml.safe_dump(wrong))
        with pytest.raises(ConfigurationError) as caught:
            load(file)
        assert str(caught.value).splitlines() == lines


SHAPES: list[tuple[str, Any, str]] = [
    ("evaluation", "Ads", "evaluation: found 'Ads', expected a name of a-z, 0-9 and _ that starts with a letter"),
    ("evaluation", None, "evaluation: found nothing, expected a value, as this key is required"),
    ("labels/sale/window", "0h", "labels.sale.window: found '0h', expected a duration above zero"),
    ("labels/sale/window", 3, "labels.sale.window: found 3, expected a duration such as 30s, 90m, 1h or 7d"),
    ("ages", ["90m"], "ages[0]: found '90m', expected whole hours, as age_hours is an integer"),
    ("shards", {"count": 1025}, "shards.count: found 1025, expected a number less than or equal to 1024"),
    ("limits", {"cells": True}, "limits.cells: found True, expected an integer"),
    ("limits", {"rejected_share": float("nan")}, "limits.rejected_share: found nan, expected a finite number"),
    ("loss", [], "loss: found a list of 0, expected a mapping"),
    ("labels/sale/columns", {"id": 1, "time": "t"}, "labels.sale.columns.id: found 1, expected text"),
    ("labels/sale/columns", {"id": "i"}, "labels.sale.columns.time: found nothing, expected a value, as this key is required"),  # noqa: E501
    ("tasks/ctr/wait", "w", "tasks.ctr.wait: found an unknown key, expected one of kind, label, given, weight, propensity, score; did you mean 'weight'?"),  # noqa: E501
    ("impressions/columns/time", 3, "impressions.columns.time: found 3, expected a column name, or {column, unit}"),
    ("labels/click/values", "sign", "labels.click.values: found 'sign', expected 'binary', 'signed', 'soft', 'number' or 'classes'; did you mean 'signed'?"),  # noqa: E501
    ("impressions/source/options", {"a": [1]}, "impressions.source.options.a: found a list of 1, expected text, a number, true or false"),  # noqa: E501
    ("foo", None, "foo: found an unknown key, expected one of " + ", ".join(Evaluation.model_fields)),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "text"), SHAPES)
def test_a_wrong_shape_is_named_with_its_place(place: str, value: Any, text: str) -> None:
    assert "\n".join(errors(lambda: parse(changed((place, value))))) == text


RELATIONS: list[tuple[str, Any, str]] = [
    ("tasks/cvr/given", "sale", "tasks.cvr.given: found 'sale', expected another label than the task's own"),
    ("labels/click/values", "soft", "tasks.cvr.given: found 'click', whose values are soft, expected a label whose values are binary"),  # noqa: E501
    ("models/v1.2/ctrr", {"score": "p"}, "models[\"v1.2\"].ctrr: found 'ctrr', expected one of ctr, cvr (tasks); did you mean 'ctr'?"),  # noqa: E501
    ("models", {"a": {"ctr": {"score": "p"}}}, "tasks.cvr: found no model that scores it, expected its name under at least one model"),  # noqa: E501
    ("dimensions", ["device", "country", "Device"], "dimensions[2]: found the same as dimensions[0], expected each once"),  # noqa: E501
    ("slices", [["device", "country"], ["country", "device"]], "slices[1]: found the same as slices[0], expected each once"),  # noqa: E501
    ("slices", [["device", "device"]], "slices[0][1]: found the same as slices[0][0], expected each once"),
    ("limits", {"values": {"devices": 3}}, "limits.values.devices: found 'devices', expected one of country, device (dimensions); did you mean 'device'?"),  # noqa: E501
    ("impressions/source/table", "a.b.c", "impressions.source: found format and path and table, expected either format and path, or table alone"),  # noqa: E501
    ("labels/sale/source", {"path": "x"}, "labels.sale.source: found path, expected either format and path, or table alone"),  # noqa: E501
    ("impressions/source/names", ["a"], "impressions.source.names: found names, expected them only with format: csv and without a header"),  # noqa: E501
    ("tables", {"catalog": "lake"}, "tables: found catalog, expected either path, or catalog and schema"),
    ("impressions/columns/id", None, "impressions.columns.id: found nothing, expected a column, as the label log sale is joined by it"),  # noqa: E501
    ("impressions/columns/time", None, "impressions.columns.time: found nothing, expected a column, as the label log sale is joined by it"),  # noqa: E501
]  # fmt: skip


KINDS: list[tuple[str, Any, str]] = [
    ("tasks/ctr/kind", "multiclass", "tasks.ctr.label: found 'click', whose values are binary, expected a label of a multiclass task, whose values are classes"),  # noqa: E501
    ("models/v1.2/ctr/score", ["p", "q"], 'models["v1.2"].ctr.score: found 2 columns, expected one column'),
    ("models/v1.2/ctr/score", 3, 'models["v1.2"].ctr.score: found 3, expected a column name, or a list of them'),
    ("labels/other", {"column": "c", "values": "classes", "classes": [1, True]}, "labels.other.classes[1]: found True, expected text or an integer; a name such as yes, no, null or 1.5 in quotes"),  # noqa: E501
    ("labels/other", {"column": "c", "values": "classes", "classes": [1, "1"]}, "labels.other.classes: found a list of 2, expected the names of two classes or more, each once, in the order of the scores"),  # noqa: E501
    ("labels/click/classes", ["a", "b"], "labels.click.classes: found a list of 2, expected none, or values: classes"),
    ("tasks/ctr/propensity", {"column": "q", "cap": 0.5}, "tasks.ctr.propensity.cap: found 0.5, expected a number greater than or equal to 1"),  # noqa: E501
    ("bins", {"bits": 8}, "bins.bits: found 8, expected a number greater than or equal to 9"),
    ("bins", {"slices": [["country"]]}, "bins.slices[0]: found a list of 1, expected one of the declared slices"),
    ("baselines", {"reference": {"ctrr": 0.1}}, "baselines.reference.ctrr: found 'ctrr', expected one of ctr, cvr (tasks); did you mean 'ctr'?"),  # noqa: E501
    ("joint", {"esmm": {"ctr": 1.0, "x": 1.0}}, "joint.esmm.x: found 'x', expected one of ctr, cvr (tasks)"),
    ("tasks/ctcvr", {"label": "sale", "score": {"product": ["ctrr", "cvr"]}}, "tasks.ctcvr.score.product: found a list of 2, expected two binary tasks that models score, of ctr, cvr"),  # noqa: E501
    ("joint", {"esmm": {"ctr": 1e308}}, "joint.esmm.ctr: found 1e+308, expected a number less than 1099511627776"),
    ("models/v1.2/ctr", {"score": "z", "required": "no"}, 'models["v1.2"].ctr.required: found \'no\', expected true or false'),  # noqa: E501
    ("models/v1.2/ctr", {"score": "z", "negatives_rate": 1e-60}, 'models["v1.2"].ctr.negatives_rate: found 1e-60, expected a number greater than or equal to 0.000001'),  # noqa: E501
    ("joint", {"ctr": {"cvr": 1.0}}, "joint.ctr: found the name of a task, expected a name of its own"),
    ("compatibility", ["keras3"], "compatibility[0]: found 'keras3', expected one of scikit-learn, scikit-learn-float32, torchrec, spark-mllib, keras, keras-2, pytorch, xgboost, lightgbm; did you mean 'keras'?"),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "text"), KINDS)
def test_what_a_kind_of_task_asks_for_is_told(place: str, value: Any, text: str) -> None:
    assert errors(lambda: parse(changed((place, value), ("slices", [[]])))) == [text]


@pytest.mark.parametrize(("place", "value", "text"), RELATIONS)
def test_names_and_keys_that_do_not_fit_each_other_are_told(place: str, value: Any, text: str) -> None:
    assert errors(lambda: parse(changed((place, value)))) == [text]


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"format": "csv", "path": "x", "options": {"nulValue": "NA", "Sep": ";", "nullvalue": "-"}}, "impressions.source.options.nulValue: found an unknown option, expected an option for csv: pathGlobFilter, "),  # noqa: E501
    ({"format": "csv", "path": "x", "options": {"Sep": ";", "delimiter": ","}}, "impressions.source.options.delimiter: found the same option as Sep, expected one of the two"),  # noqa: E501
    ({"format": "parquet", "path": "x", "options": {"sep": ";"}}, "impressions.source.options.sep: found an unknown option, expected an option for parquet: pathGlobFilter, "),  # noqa: E501
    ({"format": "delta", "path": "x", "options": {"versionAsOf": 3}}, "impressions.source.options.versionAsOf: found an unknown option, expected an option for delta: there is none"),  # noqa: E501
    ({"table": "a.b", "options": {"sep": ";", "ignoreMissingFiles": True}}, "impressions.source.options.ignoreMissingFiles: found an unknown option, expected an option for csv or parquet or delta: "),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(("source", "text"), OPTIONS)
def test_options_that_no_engine_knows_are_refused(source: dict[str, Any], text: str) -> None:
    (told,) = errors(lambda: parse(changed(("impressions/source", source))))
    assert told.startswith(text)


def test_every_option_of_sparks_csv_reader_is_known() -> None:
    theirs = set(signature(DataFrameReader.csv).parameters) - {"self", "path", "schema", "maxMalformedLogPerPartition"}
    assert theirs <= {*ALIKE["csv"], *SPARK_ONLY["csv"], *REFUSED}


@pytest.mark.parametrize("option", [name for refused in REFUSED for name in (refused, refused.upper())])
def test_options_without_effect_are_refused_with_what_to_do(option: str) -> None:
    source = {"format": "csv", "path": "x", "options": {option: "x"}}
    told = f"impressions.source.options.{option}: found an option without effect, expected none"
    assert errors(lambda: parse(changed(("impressions/source", source))))[0].startswith(told)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ([], ((),)),
        ([("slices", [["country"]])], ()),
        ([("slices", [["country"]]), ("bins/bits", 12)], ()),
        ([("slices", [["country"]]), ("bins/slices", [["country"]])], (("country",),)),
    ],
)
def test_bins_are_of_the_total_where_that_is_declared_and_nothing_else_said(changes: list, kept: tuple) -> None:
    found = parse(changed(*changes))
    assert found.bins.slices == kept
    assert parse(found.document()) == found


VALUED = [
    ("csv", "inferSchema", True, "expected false, as every column of a CSV is read as text"),
    ("csv", "mode", "DROPMALFORMED", "expected PERMISSIVE or FAILFAST, as no row may be lost without a word"),
    ("csv", "MODE", "FOO", "expected PERMISSIVE or FAILFAST"),
    ("csv", "header", "maybe", "expected true or false"),
    ("parquet", "mergeSchema", False, "expected true, as the columns of all files are read"),
]


@pytest.mark.parametrize(("kind", "option", "value", "told"), VALUED)
def test_options_have_values_that_are_obeyed(kind: str, option: str, value: Any, told: str) -> None:
    source = {"format": kind, "path": "x", "options": {option: value}}
    assert told in errors(lambda: parse(changed(("impressions/source", source))))[0]


def test_words_for_null_are_those_of_a_text() -> None:
    source = {"format": "csv", "path": "x", "nulls": ["\\N", ""], "options": {"nullValue": "NA"}}
    assert parse(changed(("impressions/source", source))).impressions.source.null_words("i") == ("\\N", "", "NA")
    some = parse(changed(("impressions/source", {**source, "nulls": {"i": ["-"]}}))).impressions.source
    assert (some.null_words("i"), some.null_words("t")) == (("-", "NA"), ("NA",))
    told = "impressions.source.nulls: found words for NULL, expected them only with format: csv, where all is text"
    wrong = {"format": "parquet", "path": "x", "nulls": ["NA"]}
    assert errors(lambda: parse(changed(("impressions/source", wrong)))) == [told]


@pytest.mark.parametrize("values", ["number", "classes"])
def test_a_task_is_given_a_label_of_two_values_only(values: str) -> None:
    label = {"column": "c", "values": values, **({"classes": ["a", "b"]} if values == "classes" else {})}
    told = f"tasks.cvr.given: found 'other', whose values are {values}, expected a label whose values are binary"
    assert errors(lambda: parse(changed(("labels/other", label), ("tasks/cvr/given", "other")))) == [told]


def test_soft_labels_are_no_sampled_negatives() -> None:
    changes = ("impressions/columns/sampling_rate", "rate"), ("labels/click/values", "soft"), ("tasks/cvr/given", None)
    assert errors(lambda: parse(changed(*changes))) == [
        "impressions.columns.sampling_rate: found 'rate', expected none, as the label of ctr is soft, which does not "
        "say which rows are sampled negatives"
    ]


def test_a_product_is_scored_by_its_factors_alone() -> None:
    product = {"label": "sale", "score": {"product": ["ctr", "cvr"]}}
    direct = changed(("tasks/ctcvr", product), ("models/v1.2/ctcvr", {"score": "p"}))
    expected = "expected none, as {0} is scored by a product; compare with it in a task of another name"
    assert errors(lambda: parse(direct)) == [f'models["v1.2"].ctcvr: found a score, {expected.format("ctcvr")}']
    assert errors(lambda: parse(changed(("tasks/ctr/score", {"product": ["ctr", "cvr"]})))) == [
        f'models["v1.2"].ctr: found a score, {expected.format("ctr")}',
        "tasks.ctr.score.product: found a list of 2, expected two binary tasks that models score, of cvr",
    ]


def test_a_rate_of_negatives_is_for_binary_tasks_that_are_no_factors() -> None:
    product = ("tasks/both", {"label": "sale", "score": {"product": ["ctr", "cvr"]}})
    rate = ("models/v1.2/ctr/negatives_rate", 0.1)
    assert parse(changed(rate)).models["v1.2"]["ctr"].negatives_rate == 0.1
    refused = 'models["v1.2"].ctr.negatives_rate: found 0.1, expected none, but for a binary task that is no factor'
    assert errors(lambda: parse(changed(product, rate))) == [f"{refused} of another"]
    assert len(errors(lambda: parse(changed(rate, ("tasks/ctr/kind", "regression"))))) == 1


def test_a_label_log_is_not_called_as_the_impressions_are() -> None:
    config = changed(("labels/impressions", SMALL["labels"]["sale"]))
    (text,) = errors(lambda: parse(config))
    assert text.startswith("labels.impressions: found 'impressions', expected another name")


def test_key_columns_and_statistics_are_no_dimensions() -> None:
    names = [*RESERVED[1:], "Event_Date", "positive_focal_g3"]
    text = "dimensions[{}]: found {!r}, expected a name that is no key column or statistic of our tables"
    told = [text.format(rank, name) for rank, name in enumerate(names)]
    assert errors(lambda: parse(changed(("dimensions", names), ("slices", [[]])))) == told


BY_CLICKS: dict[str, Any] = {
    "clicked": {**LOG, "window": "1h", "columns": {"id": "i", "time": "t", "event": "c"}},
    "sale": {**LOG, "window": "90m", "columns": {"id": "c", "time": "t"}, "via": "clicked"},
}
WRONG_EVENTS: list[tuple[str, tuple[str, Any], str]] = [
    ("no value", ("events", "sum"), "columns.value: found nothing, expected a column, as events: sum is made of the values of events"),  # noqa: E501
    ("no first value", ("events", "first"), "columns.value: found nothing, expected a column, as events: first is made of the values of events"),  # noqa: E501
    ("a value for nothing", ("columns/value", "v"), "columns.value: found 'v', expected none, as events: any asks for no value; or first, or sum"),  # noqa: E501
    ("no rule", ("events", "last"), "events: found 'last', expected 'any', 'first', 'count' or 'sum'"),
    ("no such log", ("via", "click"), "via: found 'click', expected one of clicked (label logs that are about impressions); did you mean 'clicked'?"),  # noqa: E501
    ("itself", ("via", "sale"), "via: found 'sale', expected one of clicked (label logs that are about impressions)"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "text"), [row[1:] for row in WRONG_EVENTS], ids=[row[0] for row in WRONG_EVENTS])
def test_how_events_become_a_label_is_told_by_its_place(change: tuple[str, Any], text: str) -> None:
    place, value = change
    logs = ((f"labels/{name}", copy.deepcopy(log)) for name, log in BY_CLICKS.items())
    config = changed(*logs, ("tasks/cvr/kind", "regression"))
    parse(config)
    *above, last = place.split("/")
    functools.reduce(lambda node, key: node[key], above, config["labels"]["sale"])[last] = value
    assert errors(lambda: parse(config)) == [f"labels.sale.{text}"]


def test_clicks_that_others_are_about_have_ids_and_a_window_of_clicks_needs_them() -> None:
    bare = changed(("labels/clicked", {**LOG, "window": "1h"}), ("labels/sale", BY_CLICKS["sale"]))
    text = "labels.clicked.columns.event: found nothing, expected the column of the ids that sale has of them"
    assert errors(lambda: parse(bare)) == [text]
    text = "labels.sale.attribution: found 'post_click', expected post_view, or the log of the clicks in via"
    assert errors(lambda: parse(changed(("labels/sale/attribution", "post_click")))) == [text]
    assert parse(changed(("labels/sale/attribution", "post_view"))).label_logs["sale"].attribution == "post_view"


def test_which_tasks_take_a_number_of_events() -> None:
    def asked(kind: str, label: str, **columns: str) -> dict[str, Any]:
        columns = {"id": "i", "time": "t", "group": "g"}
        return changed(
            ("labels/sales", {**LOG, "window": "1h", "events": "count"}),
            ("tasks/cvr", {"label": label, "kind": kind}),
            ("impressions/columns", columns),
        )

    for kind in ("regression", "candidates"):
        assert parse(asked(kind, "sales")).labels["sales"].values == "number"
        assert parse(asked(kind, "sale")).labels["sale"].values == "binary"
    (text,) = errors(lambda: parse(asked("binary", "sales")))
    assert text.startswith("tasks.cvr.label: found 'sales', whose values are number, expected a label of a binary task")
    given = changed(("labels/sales", {**LOG, "window": "1h", "events": "count"}), ("tasks/cvr/given", "sales"))
    expected = "tasks.cvr.given: found 'sales', whose values are number, expected a label whose values are binary"
    assert errors(lambda: parse(given)) == [expected]


def test_a_label_that_begins_with_a_click_is_final_a_window_of_clicks_later() -> None:
    by_clicks = [(f"labels/{name}", log) for name, log in BY_CLICKS.items()]
    found = parse(changed(*by_clicks))
    assert (found.span("sale"), found.reach("sale"), found.age_hours) == (HOURS, 2.5 * HOURS, 3)
    seen = parse(changed(*by_clicks, ("labels/sale/attribution", "post_view")))
    assert (seen.span("sale"), seen.reach("sale"), seen.age_hours) == (1.5 * HOURS, 1.5 * HOURS, 2)
    late = parse(changed(*by_clicks, ("labels/clicked/lateness", "5h")))
    assert (late.age_hours, late.is_final(5, "cvr"), late.is_final(6, "cvr")) == (6, False, True)


NOT_YET: list[tuple[str, Any, str]] = [
    ("tasks/ctr/label", {"column": "cat"}, "tasks.ctr.label: found a mapping of column, {}, expected the name of a label"),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "text"), NOT_YET)
def test_what_is_not_computed_yet_is_refused(place: str, value: Any, text: str) -> None:
    assert errors(lambda: parse(changed((place, value)))) == [text.format("which is not supported yet")]


GATE = {"task": "ctr", "model": "v1.2", "metric": "log_loss", "within": [0, 1]}
WRONG_GATES: list[tuple[dict[str, Any], str]] = [
    ({"task": "ctl"}, "gates.g.task: found 'ctl', expected one of ctr, cvr; did you mean 'ctr'?"),
    ({"model": "v1.3"}, "gates.g.model: found 'v1.3', expected one of v1.2; did you mean 'v1.2'?"),
    ({"metric": "log_los"}, "gates.g.metric: found 'log_los', expected a metric of the task, see docs/metrics.md; did you mean 'log_loss'?"),  # noqa: E501
    ({"slices": [["device", "contry"]]}, "gates.g.slices[0]: found [device, contry], expected one of the declared slices [], [device, country]; did you mean '[device, country]'?"),  # noqa: E501
    ({"slices": [[], []]}, "gates.g.slices[1]: found the same as gates.g.slices[0], expected each once"),
    ({"require": "bettr", "within": None, "model": None, "comparison": "x"}, "gates.g.require: found 'bettr', expected one of better, not_worse, equivalent; did you mean 'better'?"),  # noqa: E501
    ({"slices": []}, "gates.g.slices: found none, expected one at least; [] is the total"),
    ({"against": "7d"}, "gates.g: found within and against, expected no key against, as within does not read it"),
    ({"every_night": False}, "gates.g: found within and every_night, expected no key every_night, as within does not read it"),  # noqa: E501
    ({"within": [1, 0]}, "gates.g: found within [1.0, 0.0], expected two bounds, the lower one first"),
    ({"rows": 5}, "gates.g: found within and rows, expected one of require, suspicious, within, at_most, rows, final"),
]  # fmt: skip


def test_a_gate_of_a_change_asks_for_a_day_and_a_metric_that_changes_are_told_of() -> None:
    steady = {"task": "ctr", "model": "v1.2", "metric": "log_loss", "against": "7d", "at_most": "2%"}
    days = ("changes", {"against": ["7d"]})
    assert parse(changed(days, ("gates", {"g": steady}))).gates["g"].kind == "at_most"
    expected = "gates.g.against: found '7d', expected none, as none is declared"
    assert errors(lambda: parse(changed(("changes", {"against": []}), ("gates", {"g": steady})))) == [expected]
    (text,) = errors(lambda: parse(changed(days, ("gates", {"g": {**steady, "metric": "tjur_r2"}}))))
    assert text.startswith("gates.g.metric: found 'tjur_r2', expected one of log_loss, normalized_entropy")


def test_a_gate_of_a_comparison_asks_for_a_metric_that_is_compared() -> None:
    models = ("models/v2", SMALL["models"]["v1.2"])
    release = ("comparisons", {"release": {"candidate": "v2", "baseline": "v1.2"}})
    better = {"task": "ctr", "comparison": "release", "metric": "log_loss", "require": "better"}
    assert parse(changed(models, release, ("gates", {"g": better}))).gates["g"].require == "better"
    of_bins = {**better, "metric": "auc"}
    by_shard = ("bins", {"shards": True})
    assert parse(changed(models, release, by_shard, ("gates", {"g": of_bins}))).gates["g"].metric == "auc"
    (text,) = errors(lambda: parse(changed(models, release, ("gates", {"g": of_bins}))))
    assert text.startswith("gates.g.metric: found 'auc', expected bins.shards: true with it")
    nowhere = ("gates", {"g": {**of_bins, "slices": [[], ["country"]]}})
    (text,) = errors(lambda: parse(changed(models, release, by_shard, nowhere)))
    assert text.startswith("gates.g.slices[1]: found [country], expected one of the slices of bins []")
    for metric, expected in (
        ("log_loss_total", "a metric of the task"),
        ("expected_calibration_error", "a metric whose difference has an interval"),
        ("normalized_entropy[stratified]", "a metric whose difference has an interval"),
    ):
        (text,) = errors(
            lambda of={**better, "metric": metric}: parse(changed(models, release, by_shard, ("gates", {"g": of})))
        )
        assert text.startswith(f"gates.g.metric: found '{metric}', expected {expected}")


def test_the_least_effect_of_an_alert_is_in_the_unit_of_a_gate_that_is_there() -> None:
    def asked(**effects: Any) -> Evaluation:
        return parse(changed(("gates", {"honest": GATE}), ("alerts", {"file": "x", "least_effect": effects})))

    place = "alerts.least_effect"
    assert parse(asked(honest=0.02).document()).alerts.least_effect["honest"] == Margin(0.02, relative=False)
    expected = f"{place}.honst: found 'honst', expected one of honest; did you mean 'honest'?"
    assert errors(lambda: asked(honst=0.02)) == [expected]
    expected = f"{place}.honest: found '2%', expected an amount such as 0.01, as the gate's own numbers are"
    assert errors(lambda: asked(honest="2%")) == [expected]


@pytest.mark.parametrize(("changes", "text"), WRONG_GATES)
def test_a_gate_on_what_is_not_there_is_told_before_any_work(changes: dict[str, Any], text: str) -> None:
    assert parse(changed(("gates", {"g": GATE}))).gates["g"].kind == "within"
    assert errors(lambda: parse(changed(("gates", {"g": {**GATE, **changes}})))) == [text]


def test_a_secret_is_refused_and_never_shown() -> None:
    for key in ("fs.s3a.secret.key", "Password", "sasToken", "credentials", "account_key"):
        config = changed(("impressions/source/options", {key: "hunter2"}))
        (text,) = errors(functools.partial(parse, config))
        assert "looks like a secret, expected no secret here: give it to the engine" in text
        assert "hunter2" not in text


def test_defaults_and_helpers() -> None:
    small = parse(SMALL)
    assert (small.age_hours, small.ages) == (2, (2 * HOURS,))
    assert (small.is_final(1, "ctr"), small.is_final(1, "cvr"), small.is_final(2, "cvr")) == (True, False, True)
    assert small.pairs == (("ctr", "v1.2"), ("cvr", "v1.2"))
    assert (list(small.label_columns), list(small.label_logs)) == (["click"], ["sale"])
    assert small.slices == ((), ("country", "device"))
    assert (small.limits.cells, small.limits.rejected_share, small.limits.min_rows) == (200_000, 0.01, 50)
    assert (small.loss.alpha, small.loss.gamma, small.loss.clip, small.loss.kernel) == (1.0, 2.0, 1e-15, "strict")
    assert (small.shards.count, small.day.timezone, small.impressions.duplicates) == (32, "UTC", "remove")


def test_empty_sections_mean_their_defaults() -> None:
    assert parse(changed(("limits", None), ("bins", None), ("ages", None), ("gates", None))) == parse(SMALL)


def test_a_late_label_makes_a_task_final_later() -> None:
    late = parse(changed(("labels/sale/lateness", "1d"), ("labels/sale/columns/time", {"column": "t", "unit": "ms"})))
    assert (late.age_hours, late.is_final(25, "cvr"), late.is_final(26, "cvr")) == (26, False, True)
    sale = late.labels["sale"]
    assert isinstance(sale, LabelLog)
    assert (sale.columns.time.column, sale.columns.time.unit) == ("t", "ms")


@pytest.mark.parametrize("name", ["nightly", "ipinyou"])
def test_the_shipped_files_load_and_survive_a_round_trip(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOSSLEDGER_DATA", raising=False)
    shipped = load(CONF / f"{name}.yaml")
    again = parse(yaml.safe_load(yaml.safe_dump(shipped.document())))
    assert again == shipped == pickle.loads(pickle.dumps(shipped))
    assert again.fingerprint() == shipped.fingerprint()


def test_the_fingerprint_knows_values_not_their_order_or_spelling() -> None:
    backwards = {key: SMALL[key] for key in reversed(SMALL)}
    spelt = changed(("labels/sale/window", "5400s"), ("loss", {"alpha": 1}), ("slices", [[], ["country", "device"]]))
    assert parse(SMALL).fingerprint() == parse(backwards).fingerprint() == parse(spelt).fingerprint()
    assert re.fullmatch("[0-9a-f]{64}", parse(SMALL).fingerprint())
    assert parse(changed(("loss", {"alpha": 2}))).fingerprint() != parse(SMALL).fingerprint()


def test_environment_and_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSLEDGER_DATA", "/elsewhere")
    one = load(CONF / "ipinyou.yaml", ["limits.min_rows=0", "tables.path=other", "slices=[[exchange]]"])
    assert one.impressions.source.path == "/elsewhere/ipinyou_1458/test.txt"
    assert (one.limits.min_rows, one.tables.path, one.slices) == (0, "other", (("exchange",),))
    assert errors(lambda: load(CONF / "ipinyou.yaml", ["limits", "a=["])) == [
        "override 'limits': found no assignment, expected place=value, such as limits.min_rows=0",
        "override 'a=…': found did not find expected node content, expected a place that can be set, and a YAML value",
    ]


UNREADABLE = [
    ("a: 1\na: 2\n", "line 2, column 1: found duplicate key a, expected YAML, each key once"),
    ("a: !!python/name:os.system x", "line 1, column 4: found could not determine a constructor for the tag"),
    ("a: ${oc.env:NOPE_NOPE}", "a: found no environment variable 'NOPE_NOPE', expected it, or ${oc.env:NAME,default}"),
    ("tables: {path: '???'}", "tables.path: found '???', expected a value in its place"),
    ("a: {b: '${a}'}", "a.b: found '${a}', expected a value that does not contain this one"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), UNREADABLE)
def test_a_file_that_cannot_be_read_says_where(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text)
    (found,) = errors(lambda: load(tmp_path / "a.yaml"))
    assert found.startswith(message)


def test_a_file_that_is_not_there_names_the_nearest() -> None:
    here, meant = CONF / "nightli.yaml", str(CONF / "nightly.yaml")
    with pytest.raises(ConfigurationError) as caught:
        load(here)
    assert caught.value.problems == (Problem(str(here), "no such file", "a YAML file", meant),)


KEYS = sorted(set(re.findall(r"[a-z_]+", repr(SMALL))) | set(Evaluation.model_fields) | {"options", "names", "unit"})
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=3) | st.text(max_size=5)
SCALARS = PLAIN | st.sampled_from(KEYS)
TREES = st.recursive(SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(SCALARS, part, max_size=4))
INNER = """impressions/source/options impressions/columns/time labels/click labels/sale/source labels/sale/window
tasks/ctr tasks/cvr/given tasks/new models/v1.2/ctr models/new limits/values"""
CHANGES = st.lists(st.tuples(st.sampled_from([*Evaluation.model_fields, *INNER.split()]), TREES), max_size=3)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(SCALARS, TREES, max_size=5), CHANGES)
@example({}, [("slices", True)])
@example({}, [("bins", {"slices": 1})])
def test_anything_either_parses_or_is_a_configuration_error(anything: dict[Any, Any], changes: list[Any]) -> None:
    whole = [change for change in changes if "/" not in change[0]]
    inner = [change for change in changes if "/" in change[0]][:1]
    for config in (anything, {**changed(*whole), **anything}, changed(*inner)):
        try:
            assert parse(parse(config).document()) == parse(config)
        except ConfigurationError as error:
            assert error.problems and all(line.startswith("  - ") for line in str(error).splitlines()[1:])
