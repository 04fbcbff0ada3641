"""`lossledger init` on a folder whose files differ: those of one log are one, and no row of it is passed over."""

import pandas as pd
import pytest
import yaml

from jobs import nightly
from jobs.errors import ContractError
from jobs.settings import load
from jobs.surfaces.init.command import written
from tests.jobs.surfaces.init import logs

WORLD = logs.world()[["id", "at", "country", "p", "click"]]
HALF = len(WORLD) // 2
FIRST, SECOND = WORLD[:HALF], WORLD[HALF:]


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def initialised(tmp_path, first, second, names=("part-00000", "part-00001")):
    for name, rows in zip(names, (first, second), strict=True):
        logs.parquet(rows, tmp_path / "log" / f"{name}.parquet")
    found = written(str(tmp_path / "log"), [], tmp_path / "lossledger.yaml", ())
    return found, yaml.safe_load(found.path.read_text())


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FIRST, SECOND.assign(bid=1.0)),
        (FIRST.drop(columns="country"), SECOND),
        (FIRST, SECOND.assign(at=SECOND["at"].dt.tz_localize(None))),
        (FIRST.assign(p=0), SECOND),
        (FIRST.assign(click=FIRST["click"].astype("int8")), SECOND.assign(click=SECOND["click"].astype(float))),
    ],
    ids=["a column more", "a column less", "times without a zone", "whole numbers", "other numbers"],
)
def test_files_of_one_log_are_all_evaluated(spark, tmp_path, first, second):
    found, document = initialised(tmp_path, first, second)
    assert document["impressions"]["source"]["path"] == str(tmp_path / "log")
    assert found.facts["passed_over"] == {}
    days = pd.concat([FIRST, SECOND])["at"].dt.date
    outcome = nightly.evaluate(spark, load(found.path), found.day)
    assert outcome.ledger.scored == (days == found.day).sum()


@pytest.mark.parametrize("names", [("2026-03-17", "2026-03-18"), ("log_1", "log_2"), ("a7", "a12")])
def test_numbers_in_their_names_tell_files_of_one_log_apart(tmp_path, names):
    _, document = initialised(tmp_path, FIRST, SECOND.assign(bid=1.0), names)
    assert document["impressions"]["source"]["path"] == str(tmp_path / "log")


def test_files_of_other_names_are_other_logs_and_are_told(tmp_path):
    found, document = initialised(tmp_path, FIRST, SECOND.assign(bid=1.0), ("old", "new"))
    assert document["impressions"]["source"]["path"] == str(tmp_path / "log" / "old.parquet")
    assert found.facts["passed_over"].keys() == {"new"}


def test_a_column_of_several_types_has_no_role_and_that_is_told(tmp_path):
    found, document = initialised(tmp_path, FIRST, SECOND.assign(id=range(len(SECOND))))
    assert "id" not in document["impressions"]["columns"]
    told = found.facts["passed_over"]["id"]
    assert "in part-00000.parquet and int64 in part-00001.parquet; write it in one type in all files" in told


def test_where_that_is_the_label_it_is_told_as_the_nearest(tmp_path):
    with pytest.raises(ContractError, match="there is no label") as caught:
        initialised(tmp_path, FIRST, SECOND.assign(click=SECOND["click"].astype(bool)))
    (problem,) = caught.value.problems
    assert (
        "click (no value: it is int64 in part-00000.parquet and bool in part-00001.parquet; write it" in problem.found
    )
