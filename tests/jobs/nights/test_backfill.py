"""A backfill runs what a plan says, in order: a second one touches nothing, a stop is no loss, a change is found."""

import os
from dataclasses import replace

import pytest
from deltalake import DeltaTable

from jobs import nightly
from jobs.errors import ConfigurationError
from jobs.nights import backfill
from jobs.planning.plan import parts
from jobs.settings import parse
from jobs.storage.change import DayAtAge
from jobs.surfaces import plans
from tests.world import child
from tests.world.days import rows_of, written
from tests.world.night import saved
from tests.world.week import AGES, conversions, day, of_day, positives, week, write_day

SAIL = pytest.mark.only_engine("sail")
LAST = 3


def versions(settings):
    """The version of every table of an evaluation."""
    root = f"{settings.tables.path}/{settings.evaluation}"
    return {name: DeltaTable(f"{root}/{name}").version() for name in sorted(os.listdir(root))}


def planned(spark, settings, last=LAST, hours=None, first=0):
    return plans.planned(spark, settings, parts(day(first), day(last), hours or settings.hours))


def states(made):
    return {((night.part.event_date - day(0)).days, night.part.age_hours): night.state for night in made.nights}


def filled(spark, settings, made, **options):
    return list(backfill.filled(spark, settings, made, **options))


@pytest.fixture(scope="module")
def backfilled(spark, tmp_path_factory):
    """Four days at three ages, evaluated by one plan, with what that told."""
    folder = tmp_path_factory.mktemp("backfilled")
    settings, told = parse(week(folder, LAST + 1)), []
    made = planned(spark, settings)
    found = filled(spark, settings, made, tell=told.append)
    return folder, settings, found, told


@SAIL
def test_days_are_evaluated_in_order_and_each_at_its_ages(backfilled):
    _, _, found, told = backfilled
    every = [DayAtAge(day(number), age) for number in range(LAST + 1) for age in AGES]
    assert [one.ended.part for one in found] == every
    assert {(one.night.state, one.exit_code) for one in found} == {("new", 0)}
    assert told[0].startswith(f"[1/12] {day(0)} at age 0h, new: done, ") and told[0].endswith(" left")
    assert told[-1].startswith(f"[12/12] {day(LAST)} at age 72h, new: done, ") and not told[-1].endswith("left")


@SAIL
def test_a_second_one_touches_nothing(spark, backfilled):
    _, settings, _, _ = backfilled
    before = versions(settings)
    made = planned(spark, settings)
    found = filled(spark, settings, made)
    assert set(states(made).values()) == {"unchanged"}
    assert [(one.ended, one.exit_code) for one in found] == [(None, 0)] * 12
    assert versions(settings) == before


@SAIL
def test_later_logs_change_the_days_that_they_are_about(spark, tmp_path):
    settings = parse(week(tmp_path, 2, day={"timezone": "UTC"}))
    filled(spark, settings, planned(spark, settings, 1))
    write_day(tmp_path, 2)
    # Folders name no day here, so the footers tell that only the new conversions may be of these days: at the age that
    # is young enough for none of them nothing has changed.
    found = states(planned(spark, settings, 1))
    assert found == {
        **{(0, 0): "unchanged", (0, 24): "unchanged", (1, 0): "unchanged"},
        **{(0, 72): "labels_changed", (1, 24): "labels_changed", (1, 72): "labels_changed"},
    }


@SAIL
def test_a_commit_to_a_delta_table_changes_the_days_that_it_is_about(spark, tmp_path):
    document = week(tmp_path, 0, ages=["0h", "72h"], day={"timezone": "UTC"}, changes={})
    places = {name: tmp_path / "lake" / name for name in ("impressions", "conversions")}
    document["impressions"] = {**document["impressions"], "source": delta(places["impressions"])}
    log = {**document["labels"]["conversion"], "source": delta(places["conversions"])}
    document["labels"] = {**document["labels"], "conversion": log}

    def commit(number):
        written(of_day(number), places["impressions"], "delta")
        written(list(conversions(number)), places["conversions"], "delta")

    commit(0)
    settings = parse(document)
    filled(spark, settings, planned(spark, settings, 0))
    assert set(states(planned(spark, settings, 0)).values()) == {"unchanged"}
    commit(1)
    made = planned(spark, settings, 0)
    assert states(made) == {(0, 0): "unchanged", (0, 72): "labels_changed"}
    assert made.nights[1].why[0].startswith("labels.conversion: version 0 → 1, files 1 → 2, bytes ")


def delta(path):
    return {"format": "delta", "path": str(path)}


@SAIL
def test_a_stopped_one_goes_on_where_it_stopped(spark, tmp_path):
    settings = parse(week(tmp_path, 3))
    ended = backfill.filled(spark, settings, planned(spark, settings, 2, (0, 24)))
    done = [next(ended) for _ in range(4)]
    assert [one.exit_code for one in done] == [0, 0, 0, 0]
    made = planned(spark, settings, 2, (0, 24))
    assert list(states(made).values()) == ["unchanged"] * 4 + ["new"] * 2
    assert [one.ended is None for one in filled(spark, settings, made)] == [True] * 4 + [False] * 2
    assert set(states(planned(spark, settings, 2, (0, 24))).values()) == {"unchanged"}


@SAIL
def test_what_has_changed_is_found_and_evaluated_again(spark, tmp_path, monkeypatch):
    document = week(tmp_path, 2, ages=["0h", "72h"])
    settings = parse(document)
    filled(spark, settings, planned(spark, settings, 1))
    late = {**next(conversions(0)), "impression_id": of_day(0)[1]["impression_id"]}
    written([late], tmp_path / "conversions" / f"dt={day(0)}")
    made = planned(spark, settings, 1)
    # The folder may hold events of the next day's impressions too, its footers say that it does not.
    assert states(made) == {
        **{(0, 0): "labels_changed", (0, 72): "labels_changed"},
        **{(1, 0): "unchanged", (1, 72): "unchanged"},
    }
    assert made.nights[1].why[0].startswith("labels.conversion: files 2 → 3, bytes ")
    assert {one.ended.exit_code for one in filled(spark, settings, made) if one.ended is not None} == {0}
    assert known_positives(tmp_path) == positives(0, 72) + 1
    gates = {"enough": {"task": "ctr", "model": "champion", "rows": 10}}
    gated = planned(spark, parse({**document, "gates": gates}), 1)
    assert set(states(gated).values()) == {"config_changed"}
    assert gated.nights[0].why == ("the configuration: gates", "its sums stay: lossledger refresh is enough")
    # Who is told and which ages there are is not of the numbers.
    alerts = {"file": str(tmp_path / "alerts.jsonl"), "of": ["runs"]}
    other = planned(spark, parse({**document, "ages": ["0h", "24h", "72h"], "alerts": alerts}), 1, (0, 72))
    assert set(states(other).values()) == {"unchanged"}
    monkeypatch.setattr("jobs.planning.plan.code_hash", lambda: "of another version")
    newer = planned(spark, settings, 1)
    assert (set(states(newer).values()), newer.to_run(), len(newer.to_run(code=True))) == ({"code_changed"}, [], 4)


def known_positives(folder):
    """The conversions that the last age of the first day knows."""
    whole = {"event_date": day(0), "age_hours": 72, "task": "cvr", "slice": "", "metric": "log_loss"}
    rows = rows_of(folder, "metrics")
    (found,) = {row["positives"] for row in rows if all(row[name] == value for name, value in whole.items())}
    return found


@SAIL
def test_what_did_not_end_well_is_evaluated_again(spark, tmp_path, monkeypatch):
    settings = parse(week(tmp_path, 1))
    with monkeypatch.context() as broken:
        broken.setattr("jobs.nightly.summarise.summarised", lambda *_: 1 / 0)
        failed, refused = filled(spark, settings, planned(spark, settings, 0, (0, 24)))
    assert (failed.exit_code, failed.facts["error"]) == (3, "ZeroDivisionError: division by zero")
    assert refused.exit_code == 3
    made = planned(spark, settings, 0)
    assert states(made) == {(0, 0): "failed", (0, 24): "failed", (0, 72): "new"}
    assert made.nights[0].why == ("ZeroDivisionError: division by zero",)
    with monkeypatch.context() as killed:
        # What a run that is killed leaves in `runs` is that it began.
        killed.setattr("jobs.nightly._evaluated", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            nightly.evaluate(spark, settings, day(0), age_hours=72)
    assert states(planned(spark, settings, 0)) == {(0, 0): "failed", (0, 24): "failed", (0, 72): "in_doubt"}
    assert {one.exit_code for one in filled(spark, settings, planned(spark, settings, 0))} == {0}
    assert set(states(planned(spark, settings, 0)).values()) == {"unchanged"}


@SAIL
def test_what_is_provisional_is_evaluated_again(spark, tmp_path):
    settings = parse(week(tmp_path, 2))
    nightly.evaluate(spark, settings, day(0), age_hours=0)
    rows = of_day(1)
    for file in (tmp_path / "impressions" / f"dt={day(1)}").iterdir():
        file.unlink()
    written(rows[:20], tmp_path / "impressions" / f"dt={day(1)}")
    outcome = nightly.evaluate(spark, settings, day(1), age_hours=0, provisional=True)
    assert outcome.provisional
    assert states(planned(spark, settings, 1, (0,))) == {(0, 0): "unchanged", (1, 0): "provisional"}


@SAIL
def test_what_is_not_there_or_not_due_is_told_and_not_run(spark, tmp_path):
    settings = parse(week(tmp_path, 1, ages=["0h", "9000d"]))
    made = planned(spark, settings, 1)
    assert states(made) == {(0, 0): "new", (0, 216000): "not_due", (1, 0): "not_there", (1, 216000): "not_due"}
    assert made.nights[1].why == ("until 2051-07-09 00:00 UTC",)
    assert "impressions: no file under" in made.nights[2].why[0]
    found = filled(spark, settings, made)
    assert [(one.ended is None, one.exit_code) for one in found] == [(False, 0), (True, 0), (True, 4), (True, 0)]
    # What was evaluated and has no logs any more stays as it is.
    (tmp_path / "impressions" / f"dt={day(0)}").rename(tmp_path / "gone")
    again = planned(spark, settings, 0, (0,))
    assert (states(again), again.nights[0].why) == ({(0, 0): "unchanged"}, ("its logs are no longer there",))


@SAIL
def test_a_plan_tells_what_it_takes_and_writes_nothing(spark, backfilled):
    folder, settings, _, _ = backfilled
    before = versions(settings)
    made = planned(spark, settings)
    first = made.nights[0]
    logs = [file for name in ("impressions", "conversions") for file in (folder / name / f"dt={day(0)}").iterdir()]
    assert first.found.rows == len(of_day(0)) + len(list(conversions(0)))
    assert first.found.bytes == sum(file.stat().st_size for file in logs)
    assert 0 < first.seconds < 60
    assert (made.size.cells, made.size.values) == (3, {"country": 3})
    assert "of 4 that are allowed (limits.cells)" in made.size.sentence(4)
    assert made.size.sentence(3).endswith("most values has country, 3; cap them with limits.values")
    whole = replace(made, nights=tuple(replace(night, state="new") for night in made.nights))
    facts = plans.facts(whole, settings, code=False)
    assert facts["seconds"] == pytest.approx(sum(night.seconds for night in made.nights))
    assert set(facts["replaces"]) == {"statistics", "shard_statistics", "metrics", "changes", "label_arrival"}
    assert versions(settings) == before


def test_the_commands_plan_and_fill(tmp_path):
    config = saved(week(tmp_path, 1), tmp_path / "week.yaml")
    span = ("--from", day(0), "--to", day(0), "--ages", "24h,0h")
    made = child.succeeded(*child.COMMAND, "plan", config, *span, "--json").told
    assert [(each["age_hours"], each["state"], each["runs"]) for each in made["nights"]] == [
        (0, "new", True),
        (24, "new", True),
    ]
    assert not (tmp_path / "tables").exists()
    found = child.succeeded(*child.COMMAND, "backfill", config, *span, "--engine", "sail", "--json").told
    assert [(each["age_hours"], each["ran"], each["exit_code"]) for each in found["nights"]] == [
        (0, True, 0),
        (24, True, 0),
    ]
    again = child.succeeded(*child.COMMAND, "backfill", config, *span, "--engine", "sail")
    assert again.out.splitlines()[-1].startswith("backfill: 2 unchanged; ")
    assert (
        child.succeeded(*child.COMMAND, "plan", config, *span).out.splitlines()[-1]
        == "plan: 0 of 2 nights to run; 2 unchanged"
    )
    due = child.succeeded(*child.COMMAND, "plan", config, "--at", f"{day(2)}T03:00Z", "--json").told["nights"]
    # The day before yesterday at 72h was never evaluated at a younger age.
    assert [(each["event_date"], each["age_hours"], each["state"]) for each in due] == [
        (str(day(1)), 0, "not_there"),
        (str(day(0)), 24, "unchanged"),
    ]
    refused = child.ended(*child.COMMAND, "plan", config, "--at", f"{day(2)}T03:00", "--json")
    assert refused.code == 2
    assert "--at: found '2026-11-18T03:00', expected a moment with its zone, such as 2026-11-20T03:00Z" in refused.out
    for given, found in (((), "none"), (("--from", day(0), "--at", "x"), "--from and --at")):
        said = f"the days: found {found}, expected either --from and --to, or --at alone"
        assert said in child.ended(*child.COMMAND, "plan", config, *given).err


@pytest.mark.parametrize(
    ("first", "last", "ages", "told"),
    [
        ("2026-11-17", "2026-11-16", None, "--to: found 2026-11-16, expected --from 2026-11-17 or a later day"),
        ("yesterday", "2026-11-16", None, "--from: found 'yesterday', expected a date such as 2026-11-20"),
        ("2026-11-16", "2026-11-16", "0h,soon", "--ages: found 'soon', expected whole hours, such as 24h or 7d"),
        ("2026-11-16", "2026-11-16", "0h,25h", "--ages: found 25h, expected one of 0h, 24h, 72h"),
    ],
)
def test_what_is_asked_wrongly_is_told_before_an_engine_is_started(tmp_path, first, last, ages, told):
    with pytest.raises(ConfigurationError, match=told):
        plans.asked(parse(week(tmp_path, 0)), first, last, ages)
