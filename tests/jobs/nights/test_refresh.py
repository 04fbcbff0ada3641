"""A refresh makes of stored sums what a run makes of rows, the same bits, and leaves the sums and the logs alone."""

import json
import os
import shutil
import signal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs import nightly
from jobs.audit.inputs import GoneError
from jobs.audit.registry import PROOFS
from jobs.audit.reproduced import reproduced
from jobs.errors import ContractError, RuntimeFailure
from jobs.ledger import runs, tables
from jobs.nights import again, backfill, refresh
from jobs.planning.plan import parts
from jobs.results.recorded import tables_of
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.storage import lake
from jobs.storage.change import DayAtAge
from jobs.surfaces import plans
from tests.world import child, days, refreshed
from tests.world.audited import broken, changed, one
from tests.world.night import saved
from tests.world.refreshed import NEW, OF_RESULTS, OLD, day, evaluation, rows, run_ids, whole

SAIL = pytest.mark.only_engine("sail")
AGES = (0, 72)
LOGS = ("impressions", "conversions")


@pytest.fixture(scope="module")
def last(engine):
    """The number of the last day: on Apache Spark one is refreshed, by its own writer, whose commits are slow."""
    return 2 if engine == "sail" else 0


@pytest.fixture(scope="module")
def world(last, tmp_path_factory):
    """The logs of some days, their tables by the old configuration, and beside them those by the new one.

    The embedded engine makes them, in processes of its own: Apache Spark makes the same bits of rows, in half an hour.
    """
    folder = tmp_path_factory.mktemp("refreshed")
    for number in range(last + 1):
        refreshed.write_day(folder, number)
    span = ("--from", day(0), "--to", day(last), "--engine", "sail", "--json")
    both = [(name, evaluation(folder, name, **of)) for name, of in (("old", OLD), ("new", NEW))]
    configs = [saved(document, folder / f"{name}.yaml") for name, document in both]
    ends = [child.ended(*child.COMMAND, "backfill", config, *span) for config in configs]
    assert {end.code for end in ends} <= {0, 1}, [end.out + end.err for end in ends]
    for name in LOGS:
        (folder / name).rename(folder / f"no {name}")
    return folder


@pytest.fixture
def logs(world):
    """The logs are there: else they are gone."""
    for name in LOGS:
        (world / f"no {name}").rename(world / name)
    yield
    for name in LOGS:
        (world / name).rename(world / f"no {name}")


@pytest.fixture
def copied(world, tmp_path):
    """The document of an evaluation by its sections, over a copy of the tables by the old configuration."""
    shutil.copytree(world / "old", tmp_path / "tables")
    return lambda **sections: {**evaluation(world, **sections), "tables": {"path": str(tmp_path / "tables")}}


def planned(spark, settings, last, hours=AGES):
    return plans.planned(spark, settings, parts(day(0), day(last), hours))


def asked(spark, settings, last, **options):
    return refresh.asked(spark, settings, day(0), day(last), AGES, **options)


def refreshed_days(spark, settings, last, **options):
    return list(refresh.refreshed(spark, settings, asked(spark, settings, last), **options))


def versions(settings, names=None):
    root = Path(str(settings.tables.path)) / settings.evaluation
    return {name: DeltaTable(str(root / name)).version() for name in names or sorted(os.listdir(root))}


def states(nights):
    return {((night.part.event_date - day(0)).days, night.part.age_hours): night.state for night in nights}


@SAIL
def test_the_two_configurations_differ_in_every_table_that_is_made_of_sums(spark, world):
    old, new = (parse(evaluation(world, name, **of)) for name, of in (("old", OLD), ("new", NEW)))
    assert [name for name in OF_RESULTS if name != "label_arrival" and rows(old, name) == rows(new, name)] == []
    assert [name for name in tables_of(new) if rows(old, name) != rows(new, name)] == []
    reasons = set(whole(new, "metrics")["reason"].to_pylist())
    assert {"too_few_rows", None} <= reasons
    # Hard scores are there to be priced, rows that one model can not score, sums too large to be kept, a lost slice.
    assert set(whole(new, "unpaired_statistics")["model"].to_pylist()) == {"champion", "candidate"}
    heavy = whole(new, "statistics").filter(pc.equal(whole(new, "statistics")["task"], "heavy"))
    assert heavy["squared_weight"].null_count == heavy.num_rows
    assert "country=XX" in whole(new, "metrics")["slice"].to_pylist()
    assert "country=XX" not in whole(new, "shard_statistics")["slice"].to_pylist()


def test_a_refresh_has_the_bits_of_a_run_of_rows_without_the_logs(spark, world, copied, last, writer):
    settings, told = parse(copied(**NEW)), []
    assert not any((world / name).exists() for name in LOGS)
    kept = versions(settings, tables_of(settings))
    found = refreshed_days(spark, settings, last, tell=told.append)
    assert [one.ended.part for one in found] == parts(day(0), day(last), AGES)
    expected = parse(evaluation(world, "new", **NEW))
    for name in OF_RESULTS:
        assert rows(settings, name) == rows(expected, name), name
    assert {one.exit_code for one in found} == {1 if any(whole(expected, "gate_results")["fails"].to_pylist()) else 0}
    assert versions(settings, tables_of(settings)) == kept
    assert told[0].startswith(f"[1/{len(found)}] {day(0)} at age 0h, config_changed: done") and told[0].endswith("left")
    # Nothing is left to do.
    before = versions(settings)
    again_ = refreshed_days(spark, settings, last)
    assert [one.ended for one in again_] == [None] * len(found)
    assert versions(settings) == before


@SAIL
def test_an_audit_of_a_refreshed_day_holds_and_finds_what_is_forged(spark, logs, copied):
    settings, part = parse(copied(**NEW)), DayAtAge(day(0), AGES[1])
    (ended,) = refresh.refreshed(spark, settings, refresh.asked(spark, settings, day(0), day(0), AGES[1:]))
    assert ended.exit_code == 0
    found = one(spark, settings, part, sample=2)
    assert [str(each) for of in found.verdicts for each in of.findings] == []
    unproven = {each.proof: each.open for each in found.verdicts if each.state == "not_proven"}
    assert unproven.keys() == {"metrics", "sample"}
    assert all("heavy" in each and "too large to be recorded" in each for of in unproven.values() for each in of)
    (summed,) = run_ids(settings, "statistics", 0, AGES[1])
    with pytest.raises(GoneError, match=f"it was made of the sums of {summed} by lossledger refresh: audit proves it"):
        reproduced(spark, settings, *run_ids(settings, "metrics", 0, AGES[1]))
    up = lambda rows: changed(rows, "value", lambda x: x + 1e-9, lambda row: row["metric"] == "log_loss")  # noqa: E731
    broken(settings, "metrics", up, part)
    found = one(spark, settings, part, without=PROOFS.keys() - {"metrics"})
    told = [str(each) for of in found.verdicts for each in of.findings]
    assert "log_loss, value: found " in told[0]


@SAIL
def test_a_plan_says_that_a_refresh_is_enough_and_then_that_nothing_is_to_do(spark, logs, copied, last):
    new = copied(**NEW)
    settings = parse(new)
    made = planned(spark, settings, last)
    assert {(night.state, night.refresh) for night in made.nights} == {("config_changed", True)}
    assert made.nights[0].why[-1] == "its sums stay: lossledger refresh is enough"
    facts = plans.facts(made, settings, code=False)
    assert {(night["state"], night["refresh"]) for night in facts["nights"]} == {("config_changed", True)}
    other = planned(spark, parse({**new, "slices": [[]], "comparisons": {}, "gates": {}}), last)
    assert {(night.state, night.refresh) for night in other.nights} == {("config_changed", False)}
    assert other.nights[0].why[-1] == "its rows are needed for slices"
    refreshed_days(spark, settings, last)
    done = planned(spark, settings, last)
    assert {(night.state, night.refresh) for night in done.nights} == {("unchanged", False)}
    assert [one.ended for one in backfill.filled(spark, settings, done)] == [None] * len(done.nights)
    back = planned(spark, parse(copied(**OLD)), last)
    assert {(night.state, night.refresh) for night in back.nights} == {("config_changed", True)}
    # What a refresh takes says nothing of what a night takes.
    assert [night.seconds for night in done.nights] == [night.seconds for night in made.nights]


@SAIL
def test_a_plan_without_logs_says_it_too(spark, copied, last):
    settings = parse(copied(**NEW))
    made = planned(spark, settings, last)
    assert {(night.state, night.refresh) for night in made.nights} == {("unchanged", True)}
    assert made.nights[0].why[0] == "its logs are no longer there"


@SAIL
def test_runs_say_what_a_refresh_was_made_of(spark, copied):
    settings = parse(copied(**NEW))
    (of_rows,) = run_ids(settings, "statistics", 0, 0)
    outcome = again.made_again_of(spark, settings, DayAtAge(day(0), 0))
    events = [row for row in whole(settings, "runs").to_pylist() if row["run_id"] == outcome.stamp.run_id]
    assert [event["state"] for event in sorted(events, key=lambda event: event["event_time"])] == ["started", "done"]
    assert {event["sums_run_id"] for event in events} == {of_rows}
    done = next(event for event in events if event["state"] == "done")
    (before,) = (e for e in whole(settings, "runs").to_pylist() if (e["run_id"], e["state"]) == (of_rows, "done"))
    same = (*runs.OF_ROWS, "as_of", "provisional")
    assert {name: done[name] for name in same} == {name: before[name] for name in same}
    assert (done["config_hash"], before["sums_run_id"]) == (settings.fingerprint(), None)
    assert json.loads(done["stages"]).keys() == {"read", "finish", "judge", "write"}
    query = f"SELECT * FROM runs_latest WHERE event_date = DATE'{day(0)}' AND age_hours = 0"
    (latest,) = answered(spark, settings, query).to_pylist()
    own = {name: latest[name] for name in ("run_id", "held_run_id", "sums_run_id", "state", "in_doubt", "rows_read")}
    assert own == {
        **dict.fromkeys(("run_id", "held_run_id"), outcome.stamp.run_id),
        **{"sums_run_id": of_rows, "state": "done", "in_doubt": False, "rows_read": before["rows_read"]},
    }
    (status,) = answered(spark, settings, query.replace("runs_latest", "night_status")).to_pylist()
    assert (status["status"] in ("ok", "red"), status["run_id"]) == (True, outcome.stamp.run_id)
    assert (outcome.ledger.read, outcome.ledger.scored) == (before["rows_read"], before["rows_scored"])
    # A refresh of a refresh is made of the same sums.
    second = again.made_again_of(spark, settings, DayAtAge(day(0), 0))
    assert {e["sums_run_id"] for e in whole(settings, "runs").to_pylist() if e["run_id"] == second.stamp.run_id} == {
        of_rows
    }


REFUSED = {
    "slices": ({"slices": [[]]}, "its rows are needed for slices"),
    "dimension": ({"dimensions": ["country", "user_id"]}, "its rows are needed for dimensions"),
    "shards": ({"shards": {"count": 8}}, "its rows are needed for shards.count"),
    "bins": ({"bins": {"slices": [[]], "bits": 14}}, "its rows are needed for bins.bits"),
    "threshold": ({"bins": {"slices": [[]], "bits": 12, "thresholds": [0.33]}}, "other edges of score bins"),
    "gamma": ({"loss": {"gamma": 5.0}}, "the statistic positive_focal_g5"),
}


@SAIL
@pytest.mark.parametrize("what", REFUSED)
def test_what_takes_rows_is_refused_before_anything_is_written(spark, copied, last, what):
    changes, told = REFUSED[what]
    settings = parse(copied(**{**OLD, **changes}))
    before = versions(settings)
    with pytest.raises(ContractError) as caught:
        refreshed_days(spark, settings, last)
    assert caught.value.exit_code == 2
    assert caught.value.summary == "6 of 6 nights cannot be made again from their sums; nothing was written"
    first = caught.value.problems[0]
    assert (first.place, told in first.found) == (f"{day(0)} at age 0h", True)
    assert first.expected.endswith(f"backfill CONFIG --from {day(0)} --to {day(0)} --ages 0h")
    assert versions(settings) == before


@SAIL
def test_one_day_that_lacks_a_sum_holds_up_all_before_anything_is_written(spark, copied, last):
    settings = parse(copied(**NEW))
    place = f"{settings.tables.path}/small/shard_statistics"
    found = DeltaTable(place).to_pyarrow_table()
    own = found.filter(pc.and_(pc.equal(found["event_date"], day(last)), pc.equal(found["age_hours"], 72)))
    column = own.column_names.index("positive_rows")
    older = own.set_column(column, own.schema.field(column), pa.nulls(own.num_rows, pa.int64()))
    at = DayAtAge(day(last), 72)
    write_deltalake(place, older, mode="overwrite", predicate=at.predicate)
    before = versions(settings)
    with pytest.raises(ContractError, match="1 of 6 nights cannot be made again") as caught:
        refreshed_days(spark, settings, last)
    (problem,) = caught.value.problems
    assert problem.place == f"{day(last)} at age 72h"
    assert problem.found.startswith("sums: not recorded: positive_rows of ctr / champion, positive_rows of ctr / cand")
    assert versions(settings) == before


@SAIL
def test_sums_of_several_runs_are_refused(spark, copied, last):
    settings = parse(copied(**NEW))
    place = f"{settings.tables.path}/small/score_bins"
    found = DeltaTable(place).to_pyarrow_table()
    own = found.filter(pc.and_(pc.equal(found["event_date"], day(0)), pc.equal(found["age_hours"], 0)))
    column = own.column_names.index("run_id")
    other = own.set_column(column, own.schema.field(column), pa.array(["other"] * own.num_rows))
    write_deltalake(place, other, mode="overwrite", predicate=DayAtAge(day(0), 0).predicate)
    with pytest.raises(ContractError, match="its sums are of several runs") as caught:
        refreshed_days(spark, settings, last)
    assert len(caught.value.problems) == 1
    with pytest.raises(ContractError, match="expected the sums of one run that was done"):
        again.made_again_of(spark, settings, DayAtAge(day(0), 0))


@SAIL
def test_models_that_score_every_row_can_be_compared_though_they_were_not(spark, tmp_path):
    document = days.small_day(tmp_path, ages=["0h"])
    compared = {"comparisons": {"release": {"candidate": "candidate", "baseline": "champion"}}}
    one, two = (parse({**document, **compared, "tables": {"path": str(tmp_path / name)}}) for name in ("one", "two"))
    nightly.evaluate(spark, parse({**document, "tables": {"path": str(tmp_path / "one")}}), days.DAY)
    nightly.evaluate(spark, two, days.DAY)
    found = refresh.asked(spark, one, days.DAY, days.DAY, (0,))
    assert [(night.state, night.refresh) for night in found.nights] == [("config_changed", True)]
    list(refresh.refreshed(spark, one, found))
    assert rows(one, "comparisons") == rows(two, "comparisons") != []
    assert rows(one, "metrics") == rows(two, "metrics")


@SAIL
def test_days_that_were_never_evaluated_are_none_of_its_business(spark, copied, last):
    settings = parse(copied(**NEW))
    found = refresh.asked(spark, settings, day(last), day(last + 1), AGES)
    assert [night.state for night in found.nights] == ["config_changed", "config_changed", "new", "new"]
    ended = list(refresh.refreshed(spark, settings, found))
    assert [one.ended is not None for one in ended] == [True, True, False, False]
    assert [one.exit_code for one in ended[2:]] == [0, 0]


@SAIL
def test_a_fewest_number_of_rows_that_withheld_what_was_too_large_takes_rows(spark, copied, last):
    settings = parse(copied(**NEW))
    refreshed_days(spark, settings, 0)
    # What was withheld then, and cannot be made of sums, is not known any more.
    fewer = parse(copied(**{**NEW, "limits": {"min_rows": 0}}))
    with pytest.raises(ContractError, match="of heavy / champion in slice 'country="):
        refreshed_days(spark, fewer, 0)


@SAIL
def test_another_definition_under_an_old_name_is_free_once_all_days_have_it(spark, logs, copied, last):
    document = {**copied(**OLD), "loss": {"alpha": 3.0}}
    settings = parse(document)
    with pytest.raises(ContractError, match=r"loss.alpha: found 3.0, expected 1.0, .* make those days again"):
        nightly.evaluate(spark, settings, day(last), age_hours=72)
    refreshed_days(spark, settings, last)
    nightly.evaluate(spark, settings, day(last), age_hours=72)
    back = parse({**document, "loss": {"alpha": 1.0}})
    with pytest.raises(ContractError, match=r"loss.alpha: found 1.0, expected 3.0"):
        nightly.evaluate(spark, back, day(last), age_hours=72)


@SAIL
def test_a_provisional_day_stays_provisional_for_the_same_reasons(spark, tmp_path):
    refreshed.write_day(tmp_path, 1)
    shown = evaluation(tmp_path)["impressions"]
    old = {**OLD, "impressions": {**shown, "complete": {"file": "_WHOLE"}}}
    gates = {"gates": {**OLD["gates"], "honest": NEW["gates"]["honest"]}}
    one, two = (parse(evaluation(tmp_path, name, **{**old, **gates})) for name in ("one", "two"))
    for settings in (one, parse(evaluation(tmp_path, "two", **old))):
        outcome = nightly.evaluate(spark, settings, day(1), age_hours=0, provisional=True)
        assert outcome.provisional
    found = again.made_again_of(spark, two, DayAtAge(day(1), 0))
    assert found.provisional == outcome.provisional
    for name in OF_RESULTS:
        assert rows(one, name) == rows(two, name), name
    told = {row["sentence"] for row in whole(two, "gate_results").to_pylist()}
    assert any("the day is provisional, as " in sentence for sentence in told)


def commits_of_a_refresh(settings):
    """started, the tables that are made of sums, done."""
    return 2 + sum(name in tables.declared(settings) for name in OF_RESULTS)


@SAIL
@pytest.mark.parametrize("commits", [1, 4, 7])
def test_a_refresh_killed_after_any_commit_leaves_its_sums_and_the_next_repairs(  # noqa: PLR0917 - fixtures
    spark, engine, world, copied, tmp_path, commits
):
    settings = parse(copied(**NEW))
    assert commits_of_a_refresh(settings) == 7
    kept = versions(settings, tables_of(settings))
    config = saved(copied(**NEW), tmp_path / "small.yaml")
    killed = child.ended(*child.on(engine, child.killed(commits, "run"), child.refresh(config, day(0))))
    assert killed.code == -signal.SIGKILL, killed.err
    query = f"SELECT in_doubt, sums_run_id FROM runs_latest WHERE event_date = DATE'{day(0)}' AND age_hours = 0"
    (latest,) = answered(spark, settings, query).to_pylist()
    (of_rows,) = run_ids(settings, "statistics", 0, 0)
    assert latest == {"in_doubt": commits < 7, "sums_run_id": of_rows}
    made = planned(spark, settings, 0, (0,))
    said = (made.nights[0].state, made.nights[0].refresh)
    assert said == (("not_there", True) if commits < 7 else ("unchanged", False))
    assert versions(settings, tables_of(settings)) == kept
    (one,) = (one for one in refreshed_days(spark, settings, 0) if one.night.part.age_hours == 0)
    assert (one.night.state, one.ended is None) == (("unchanged", True) if commits == 7 else ("in_doubt", False))
    assert answered(spark, settings, query).to_pylist()[0]["in_doubt"] is False
    of_day = [{**row} for row in rows(parse(evaluation(world, "new", **NEW)), "metrics") if row["event_date"] == day(0)]
    assert [row for row in rows(settings, "metrics") if row["event_date"] == day(0)] == of_day


@SAIL
def test_no_commit_of_a_refresh_was_left_out(spark, copied, monkeypatch):
    settings = parse(copied(**NEW))
    real, made = lake._write, []
    again.made_again_of(spark, settings, DayAtAge(day(0), 0))
    monkeypatch.setattr(lake, "_write", lambda *arguments: (made.append(arguments), real(*arguments)))
    read, asked_for = again.recorded, []
    monkeypatch.setattr(again, "recorded", lambda *arguments: (asked_for.append(arguments), read(*arguments))[1])
    again.made_again_of(spark, settings, DayAtAge(day(0), 0))
    assert len(made) == commits_of_a_refresh(settings)
    assert len(asked_for) == 1, "sums are read once"


@SAIL
def test_a_run_and_a_refresh_have_a_day_one_after_the_other(spark, logs, copied, monkeypatch):
    settings = parse(copied(**OLD))
    ends, real = [], nightly._evaluated

    def meanwhile(*arguments):
        with pytest.raises(RuntimeFailure, match="another run is under way"):
            again.made_again_of(spark, settings, DayAtAge(day(0), 0))
        ends.append(True)
        return real(*arguments)

    monkeypatch.setattr(nightly, "_evaluated", meanwhile)
    outcome = nightly.evaluate(spark, settings, day(0), age_hours=0)
    assert ends == [True]
    assert {run for name in tables_of(settings) for run in run_ids(settings, name, 0, 0)} == {outcome.stamp.run_id}
    # And the next run replaces what a refresh has made, all of it.
    again.made_again_of(spark, settings, DayAtAge(day(0), 0))
    monkeypatch.undo()
    later = nightly.evaluate(spark, settings, day(0), age_hours=0)
    names = [name for name in (*tables_of(settings), *OF_RESULTS) if run_ids(settings, name, 0, 0)]
    assert {run for name in names for run in run_ids(settings, name, 0, 0)} == {later.stamp.run_id}


@SAIL
def test_what_other_code_has_made_is_made_again_where_that_is_asked(spark, copied, last, monkeypatch):
    settings = parse(copied(**OLD))
    monkeypatch.setattr("jobs.nights.refresh.code_hash", lambda: "of another version")
    assert set(states(asked(spark, settings, last).nights).values()) == {"unchanged"}
    found = asked(spark, settings, last, code=True)
    assert {(night.state, night.refresh) for night in found.nights} == {("code_changed", True)}


def test_the_command_refreshes_and_tells_before_what_it_would_do(copied_by_command):
    config = copied_by_command
    span = ("--from", day(0), "--to", day(0), "--engine", "sail")
    lower = ("--set", "loss.clip=1e-9")
    dry = child.succeeded(*child.COMMAND, "refresh", config, *span, *lower, "--dry-run", "--json").told
    assert [(each["state"], each["refresh"]) for each in dry["nights"]] == [("config_changed", True)]
    shown = child.succeeded(*child.COMMAND, "refresh", config, *span, *lower, "--dry-run")
    assert shown.out.splitlines()[-1] == "refresh, dry run: 1 config changed; 0 s"
    done = child.succeeded(*child.COMMAND, "refresh", config, *span, *lower, "--json").told
    assert [(each["ran"], each["exit_code"], bool(each["run_id"])) for each in done["nights"]] == [(True, 0, True)]
    again_ = child.succeeded(*child.COMMAND, "refresh", config, *span, *lower)
    assert again_.out.splitlines()[-1].startswith("refresh: 1 unchanged; ")
    refused = child.ended(*child.COMMAND, "refresh", config, *span, "--set", "shards.count=8", "--json")
    assert (refused.code, "its rows are needed for shards.count" in refused.told["error"]) == (2, True)
    tried = child.ended(*child.COMMAND, "refresh", config, *span, "--set", "shards.count=8", "--dry-run", "--json")
    assert (tried.code, tried.told["exit_code"], tried.told["nights"][0]["state"]) == (2, 2, "refused")


@pytest.fixture
def copied_by_command(tmp_path):
    """A small day that the embedded engine has evaluated in a process of its own; its logs are gone."""
    config = days.evaluated_night(tmp_path)
    for name in LOGS:
        shutil.rmtree(tmp_path / name)
    return config
