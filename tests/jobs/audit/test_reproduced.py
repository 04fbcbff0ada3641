"""A run made again has the same bits, or it is told what differs first, or what is gone."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs import nightly
from jobs.audit.inputs import GoneError
from jobs.audit.reproduced import reproduced
from jobs.errors import ConfigurationError
from jobs.settings import parse
from tests.world import audited as world
from tests.world import days
from tests.world.audited import NEXT, PART, broken, changed, copied
from tests.world.days import DAY
from tests.world.on_sail import made

SAIL = pytest.mark.only_engine("sail")


@pytest.fixture(scope="module")
def ledger(spark, tmp_path_factory):
    return made(world.ledger, spark, tmp_path_factory.mktemp("reproduced"))


def run_id(settings, part=PART):
    rows = DeltaTable(f"{settings.tables.path}/{settings.evaluation}/statistics").to_pyarrow_table()
    own = pc.and_(pc.equal(rows["event_date"], part.event_date), pc.equal(rows["age_hours"], part.age_hours))
    (found,) = set(rows.filter(own)["run_id"].to_pylist())
    return found


def states(found):
    return {each.proof: each.state for each in found.verdicts}


def files_of(settings):
    return {file: file.stat().st_mtime_ns for file in Path(str(settings.tables.path)).rglob("*")}


def test_a_run_made_again_is_the_same_to_the_last_bit(spark, ledger):
    before = files_of(ledger)
    found = reproduced(spark, ledger, run_id(ledger))
    assert [str(each) for of in found.verdicts for each in of.findings] == []
    assert set(states(found).values()) == {"proven"}
    assert {"runs", "statistics", "metrics", "comparisons", "changes", "label_arrival", "rejects"} <= states(
        found
    ).keys()
    assert (found.exit_code, found.part, found.notes) == (0, PART, ())
    assert all(then == now for then, now in found.digests.values())
    assert files_of(ledger) == before, "nothing of the ledger is touched"


@SAIL
def test_an_earlier_run_is_made_again_without_what_came_later(spark, ledger):
    first = reproduced(spark, ledger, run_id(ledger, world.PARTS[0]))
    assert (first.exit_code, set(states(first).values())) == (0, {"proven"})


@SAIL
def test_what_differs_is_told_by_its_place(spark, ledger, tmp_path):
    copy = copied(ledger, tmp_path)
    up = lambda rows: changed(rows, "n", lambda n: n + 1, lambda row: row["task"] == "ctr")  # noqa: E731
    broken(copy, "statistics", up)
    found = reproduced(spark, copy, run_id(copy))
    assert found.exit_code == 1
    (of,) = (each for each in found.verdicts if each.state == "wrong")
    assert (of.proof, of.wrong) == ("statistics", 1)
    assert str(of.findings[0]).startswith("statistics at task ctr, model ")
    assert found.digests["statistics"][0] != found.digests["statistics"][1]


@SAIL
def test_the_run_is_made_by_its_own_configuration(spark, ledger):
    other = parse({**ledger.document(), "limits": {**ledger.document()["limits"], "min_rows": 100}})
    found = reproduced(spark, other, run_id(ledger))
    assert found.exit_code == 0
    assert found.notes == ("the configuration is another one now, in limits: the run was made by its own",)


@SAIL
def test_a_run_whose_rows_were_replaced_is_gone(spark, ledger, tmp_path):
    copy = copied(ledger, tmp_path)
    before = run_id(copy)
    nightly.evaluate(spark, copy, NEXT, age_hours=24)
    with pytest.raises(GoneError, match=f"gone is its rows: the tables hold those of {run_id(copy)}") as caught:
        reproduced(spark, copy, before)
    assert caught.value.exit_code == 4


@SAIL
def test_a_run_of_other_code_is_gone_unless_that_may_be(spark, ledger, tmp_path):
    copy = copied(ledger, tmp_path)
    broken(
        copy, "runs", lambda rows: changed(rows, "code_hash", lambda _: "0" * 64, lambda row: row["state"] == "done")
    )
    with pytest.raises(GoneError, match="gone is its code: it was made by 000000000000"):
        reproduced(spark, copy, run_id(copy))
    found = reproduced(spark, copy, run_id(copy), code=True)
    assert (found.exit_code, found.notes) == (0, ("made by another version of the code than then",))


@SAIL
def test_files_that_changed_are_gone(spark, ledger):
    file = next(Path(ledger.impressions.source.path).rglob("day=0/*.parquet"))
    status = file.stat()
    try:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        with pytest.raises(GoneError, match="impressions: is not what the run read: other files, or written anew"):
            reproduced(spark, ledger, run_id(ledger, world.PARTS[0]))
    finally:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@SAIL
def test_a_run_that_is_not_there_is_refused(spark, ledger):
    with pytest.raises(ConfigurationError, match="RUN_ID: found 'nobody', expected a run that was done, as "):
        reproduced(spark, ledger, "nobody")


@SAIL
def test_an_earlier_day_evaluated_anew_leaves_open_what_rests_on_it(spark, ledger, tmp_path):
    copy = copied(ledger, tmp_path)
    nightly.evaluate(spark, copy, DAY, age_hours=24)
    found = reproduced(spark, copy, run_id(copy))
    assert [str(each) for of in found.verdicts for each in of.findings] == []
    assert found.exit_code == 4
    said = states(found)
    assert {name for name, state in said.items() if state == "not_proven"} == {
        *("metrics", "comparisons", "changes", "gate_results", "label_arrival")
    }
    assert said["statistics"] == said["score_bins"] == "proven"
    (of,) = (each for each in found.verdicts if each.proof == "changes")
    assert of.open == (
        f"changes: its rows rest on earlier days, of which these were evaluated anew since: {DAY} at 24h",
    )


@SAIL
@pytest.mark.parametrize("vacuumed", [False, True])
def test_a_delta_source_is_read_at_the_version_of_the_run(spark, tmp_path, vacuumed):
    days.written([days.impression(i) for i in range(60)], tmp_path / "impressions", "delta")
    document = days.configured(tmp_path)
    document["impressions"]["source"]["format"] = "delta"
    document["labels"].pop("conversion")
    document["tasks"].pop("cvr")
    document["models"]["champion"].pop("cvr")
    settings = parse(document)
    nightly.evaluate(spark, settings, DAY)
    path = str(tmp_path / "impressions")
    rows = DeltaTable(path).to_pyarrow_table()
    write_deltalake(path, pa.concat_tables([rows, rows.slice(0, 7)]), mode="overwrite")
    own = world.DayAtAge(DAY, 0)
    if vacuumed:
        DeltaTable(path).vacuum(0, enforce_retention_duration=False, dry_run=False)
        with pytest.raises(GoneError, match="impressions: 1 files of version 0 are gone, as by a vacuum"):
            reproduced(spark, settings, run_id(settings, own))
    else:
        found = reproduced(spark, settings, run_id(settings, own))
        assert (found.exit_code, set(states(found).values())) == (0, {"proven"})


@SAIL
def test_a_run_before_its_age_is_made_again_as_of_then(spark, tmp_path, monkeypatch):
    settings = parse(days.small_day(tmp_path, ages=["240000h"]))
    nightly.evaluate(spark, settings, DAY, provisional=True)
    found = reproduced(spark, settings, run_id(settings, world.DayAtAge(DAY, 240_000)))
    assert [str(each) for of in found.verdicts for each in of.findings] == []
    assert found.exit_code == 0
