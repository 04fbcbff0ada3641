"""What does not fit is refused before any dear work, by one message that names it, and nothing is touched."""

import json

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from jobs import cli, nightly
from jobs.errors import ContractError
from jobs.settings import parse
from tests.world import days
from tests.world.days import DAY
from udfs.measures.peers import peer_columns

COLUMNS = "impression_id, ts, user_id, country, clicked, bid, p, z"
NUMBERS = "one of the types double, float, decimal, bigint, int, smallint, tinyint, boolean"
SOURCES = "the sources do not have what the configuration names"


def changed(document, place, value):
    """The configuration with one value changed; a section that is not there is made."""
    new = json.loads(json.dumps(document))
    *parts, last = place.split(".")
    node = new
    for part in parts:
        node = node.setdefault(part, {})
    node[last] = value
    return new


# What is changed in a configuration that works, the day, the exit code, and the whole message.
BAD = {
    "misspelt column": (
        {"impressions.columns.id": "impresion_id"},
        DAY,
        2,
        f"{SOURCES}\n  - impressions.columns.id: found 'impresion_id', expected a column of impressions: {COLUMNS}; "
        "did you mean 'impression_id'?",
    ),
    "two at once": (
        {"impressions.columns.unit": "user", "models.candidate.ctr.score": "zz_top"},
        DAY,
        2,
        f"{SOURCES}\n  - impressions.columns.unit: found 'user', expected a column of impressions: {COLUMNS}; "
        "did you mean 'user_id'?\n"
        f"  - models.candidate.ctr.score: found 'zz_top', expected a column of impressions: {COLUMNS}",
    ),
    "score of a wrong type": (
        {"models.champion.ctr.score": "user_id"},
        DAY,
        2,
        f"{SOURCES}\n  - models.champion.ctr.score: found column 'user_id' of type string, expected {NUMBERS}",
    ),
    "time of a wrong type": (
        {"impressions.columns.time": "p"},
        DAY,
        2,
        f"{SOURCES}\n  - impressions.columns.time: found column 'p' of type double, "
        "expected one of the types timestamp, timestamp_ntz, date",
    ),
    "log without its key column": (
        {"labels.conversion.columns.id": "user_id"},
        DAY,
        2,
        f"{SOURCES}\n  - labels.conversion.columns.id: found 'user_id', "
        "expected a column of labels.conversion: impression_id, conv_ts",
    ),
    "log without a key": (
        {"labels.conversion.columns": {"time": "conv_ts"}},
        DAY,
        2,
        "{config} is not valid: 1 problem\n"
        "  - labels.conversion.columns.id: found nothing, expected a value, as this key is required",
    ),
    "unknown key": (
        {"dimension": ["country"]},
        DAY,
        2,
        "{config} is not valid: 1 problem\n"
        "  - dimension: found an unknown key, expected one of evaluation, day, impressions, labels, tasks, models, "
        "dimensions, slices, shards, bins, "
        "baselines, changes, comparisons, compatibility, joint, limits, lease, loss, ages, gates, alerts, tables; "
        "did you mean 'dimensions'?",
    ),
    "empty day": (
        {},
        "2026-11-15",
        4,
        "impressions: 2026-11-15 is empty: none of 120 rows read lies in it; they are of 2026-11-16. "
        "Wait until the day is there, or check --date (exit code 4: not there yet).",
    ),
    "a day to come": (
        {},
        "2999-01-01",
        4,
        "2999-01-01 has not begun in UTC. At age 24h it can be run from 2999-01-03 00:00 UTC (exit code 4).",
    ),
    "a date that a template left empty": (
        {},
        "None",
        2,
        "the day cannot be read\n  - --date: found 'None', expected a date such as 2026-11-20",
    ),
    "no impressions": (
        {"impressions.source.path": "{folder}/nowhere"},
        DAY,
        4,
        "impressions: there is nothing at '{folder}/nowhere' on this machine. Check the path, name its "
        "file system (as in hdfs://…), or wait until the log is there (exit code 4: not there yet).",
    ),
    "no label log": (
        {"labels.conversion.source.path": "{folder}/nowhere"},
        DAY,
        4,
        "labels.conversion: there is nothing at '{folder}/nowhere' on this machine. Check the path, name its "
        "file system (as in hdfs://…), or wait until the log is there (exit code 4: not there yet).",
    ),
    "no partition of the day": (
        {"impressions.source.path": "{folder}/by_day", "day.partition": "dt"},
        DAY,
        4,
        "impressions: no file under '{folder}/by_day' for 2026-11-16 in a partition dt=2026-11-16; "
        "there are dt=2026-11-10 (exit code 4: not there yet).",
    ),
}


@pytest.fixture(scope="module")
def evaluated(spark, tmp_path_factory):
    """A folder whose day is in the tables, with the configuration that brought it there."""
    folder = tmp_path_factory.mktemp("contract")
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    days.written([days.impression(i) for i in range(5)], folder / "by_day" / "dt=2026-11-10")
    return folder, document


def run(config, day):
    """The command on the session of this process: exit code, JSON verdict, and what else it said."""
    ran = CliRunner(env={"COLUMNS": "140"}).invoke(
        cli.app, ["run", str(config), "--date", str(day), "--engine", "sail", "--json"]
    )
    return ran.exit_code, json.loads(ran.stdout), ran.stderr


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_message_and_touches_nothing(spark, evaluated, tmp_path, case):
    folder, document = evaluated
    changes, day, code, message = BAD[case]
    names = {"folder": folder, "config": tmp_path / "small.yaml"}
    for place, value in changes.items():
        document = changed(document, place, value.format(**names) if isinstance(value, str) else value)
    before, events = days.bytes_of(folder), len(days.rows_of(folder, "runs"))
    assert run(days.saved(document, names["config"]), day) == (
        code,
        {"exit_code": code, "error": message.format(**names)},
        "",
    )
    assert days.bytes_of(folder) == before
    # Where something is not there the run is an event, as it began and was refused; too early is told beforehand.
    recorded = days.rows_of(folder, "runs")
    assert len(recorded) - events == (2 if code == 4 and case != "a day to come" else 0)
    if len(recorded) > events:
        ending = max(recorded, key=lambda row: row["event_time"])
        assert (ending["state"], ending["message"]) == ("refused", message.format(**names))


DEFINITIONS = {
    "label": ({"tasks.ctr.label": "conversion"}, "ctr / champion: label"),
    "label values": ({"labels.click.values": "soft"}, "ctr / champion: labels"),
    "window": ({"labels.conversion.window": "2d"}, "cvr / champion: labels"),
    "weight": ({"tasks.ctr.weight": "bid"}, "ctr / champion: weight"),
    "weight of all": ({"impressions.columns.weight": "bid"}, "ctr / champion: weight"),
    "scale": ({"models.champion.ctr.scale": "logit"}, "ctr / champion: scale"),
    "given": ({"tasks.cvr.given": "click"}, "cvr / champion: given"),
    "zone": ({"day.timezone": "Asia/Tokyo"}, "evaluation: timezone"),
    "duplicates": ({"impressions.duplicates": "none"}, "impressions.duplicates"),
}


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("what", DEFINITIONS)
def test_a_changed_definition_under_an_old_name_is_refused(spark, evaluated, what):
    folder, document = evaluated
    changes, named = DEFINITIONS[what]
    for place, value in changes.items():
        document = changed(document, place, value)
    # Another gamma besides: not even its columns may be added.
    document = {**document, "loss": {"gamma": 7.0}}
    if what == "window":
        document["ages"] = ["24h"]
    before, events = days.bytes_of(folder), days.rows_of(folder, "runs")
    with pytest.raises(ContractError, match="a definition changed under an old name") as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert caught.value.exit_code == 2
    assert {named, "loss.gamma"} <= {problem.place for problem in caught.value.problems}
    assert all(problem.expected.endswith("a new definition takes a new name") for problem in caught.value.problems)
    assert (days.bytes_of(folder), days.rows_of(folder, "runs")) == (before, events)


@pytest.mark.only_engine("sail")
def test_a_new_name_or_source_of_a_label_is_no_new_definition(spark, evaluated, tmp_path):
    folder, document = evaluated
    document = changed(document, "tasks.second", {"label": "click", "weight": "bid"})
    document = changed(document, "models.champion.second", {"score": "z", "scale": "logit"})
    document = changed(document, "tables.path", str(tmp_path / "tables"))
    (tmp_path / "tables").symlink_to(folder / "tables")
    nightly.evaluate(spark, parse(document), DAY)
    assert {row["task"] for row in days.rows_of(folder, "metrics")} == {"ctr", "weighted", "cvr", "second"}


@pytest.mark.only_engine("sail")
def test_tables_with_other_keys_are_refused(spark, evaluated):
    folder, document = evaluated
    write_deltalake(
        str(folder / "tables" / "other" / "statistics"),
        pa.table({"event_date": pa.array([DAY]), "age_hours": pa.array([0], pa.int32()), "n": [1]}),
        partition_by=["event_date", "age_hours"],
    )
    with pytest.raises(ContractError, match="the tables that exist do not fit the configuration") as caught:
        nightly.evaluate(spark, parse({**document, "evaluation": "other"}), DAY)
    assert caught.value.exit_code == 2
    (problem,) = caught.value.problems
    assert problem.found == "a table without task, model, as_of, run_id"
    assert "whose required columns are event_date, age_hours, task, model, country, as_of, run_id" in problem.expected


def test_a_new_statistic_is_a_column_that_old_days_do_not_have(spark, folder):
    document = days.small_day(folder)
    later = DAY.replace(day=17)
    days.written([days.impression(i, ts=days.START.replace(day=17)) for i in range(200, 260)], folder / "impressions")
    later_events = [days.conversion(i, conv_ts=days.START.replace(day=17)) for i in range(200, 224)]
    days.written(later_events, folder / "conversions")
    nightly.evaluate(spark, parse(document), DAY)
    before = days.all_results(folder)
    nightly.evaluate(spark, parse({**document, "compatibility": ["keras"]}), later)
    added = peer_columns(["keras"]).keys()
    for table in ("statistics", "shard_statistics"):
        rows = days.results(folder, table)
        old, new = ([row for row in rows if row["event_date"] == day] for day in (DAY, later))
        assert {row[name] for row in old for name in added} == {None}
        assert None not in {row[name] for row in new for name in added}
        assert [{k: v for k, v in row.items() if k not in added} for row in old] == before[table]
    nightly.evaluate(spark, parse(document), DAY)
    assert [row for row in days.results(folder, "metrics") if row["event_date"] == DAY] == before["metrics"]


def test_a_table_of_somebody_else_in_the_place_of_runs_is_named(spark, tmp_path):
    document = days.small_day(tmp_path)
    write_deltalake(str(tmp_path / "tables" / "small" / "runs"), pa.table({"run": ["a"], "state": ["done"]}))
    with pytest.raises(
        ContractError, match=r"runs \(.*/tables/small/runs\): found a table without event_date"
    ) as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert caught.value.exit_code == 2
    assert {path.name for path in (tmp_path / "tables" / "small").iterdir()} == {"runs"}
