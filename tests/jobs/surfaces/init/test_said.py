"""What is said by `--column` is taken, or refused: nothing of it is dropped without a word."""

import pytest

from jobs.errors import ContractError
from jobs.surfaces.init.command import written
from tests.jobs.surfaces.init import logs

WORLD = logs.world()
ROWS = WORLD[["id", "at", "country", "p", "click"]].assign(
    **{"amount": WORLD.index % 9, "my country": WORLD["country"], "served": logs.epoch(WORLD["at"], "s")}
)


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def told(tmp_path, *columns, rows=ROWS):
    with pytest.raises(ContractError) as caught:
        written(str(logs.parquet(rows, tmp_path / "log.parquet")), [], tmp_path / "lossledger.yaml", columns)
    assert not (tmp_path / "lossledger.yaml").exists()
    assert caught.value.summary == "what was said of the columns does not fit them"
    return [(problem.place, problem.found) for problem in caught.value.problems]


def test_a_name_that_is_not_taken_is_told_beside_one_that_is(tmp_path):
    said = ["label=click", "label=amount", "score=p", "score=amount", "dimension=country", "dimension=my country"]
    assert told(tmp_path, *said) == [
        ("--column label", "'amount' (from 0 to 8)"),
        ("--column score", "'amount' (from 0 to 8)"),
        ("--column dimension", "'my country' (such as 'US')"),
    ]


def test_a_dimension_that_cannot_be_one_is_told_where_it_is_alone(tmp_path):
    assert told(tmp_path, "dimension=my country") == [("--column dimension", "'my country' (such as 'US')")]


def test_the_second_column_of_a_role_that_has_one_is_told(tmp_path):
    assert told(tmp_path, "unit=country", "unit=id") == [("--column unit", f"'id' (such as {WORLD['id'][0]!r})")]


def test_a_column_of_a_log_of_events_is_none_of_the_impressions(tmp_path):
    logs.parquet(WORLD[["id", "at", "p"]], tmp_path / "impressions.parquet")
    logs.parquet(logs.clicks(WORLD).rename(columns={"at": "clicked_at"}), tmp_path / "clicks.parquet")
    source, log = (str(tmp_path / f"{name}.parquet") for name in ("impressions", "clicks"))
    with pytest.raises(ContractError, match="--column unit: found 'clicked_at', which the impressions have not"):
        written(source, [log], tmp_path / "lossledger.yaml", ["unit=clicked_at"])


@pytest.mark.parametrize("column", ["country", "amount", "click"])
def test_a_time_that_is_none_is_told(tmp_path, column):
    ((place, found),) = told(tmp_path, f"time={column}")
    assert place == "--column time"
    assert found.startswith(f"{column!r} (")


def test_times_in_a_typed_column_of_text_are_told_with_the_mend(tmp_path):
    ((_, found),) = told(tmp_path, "time=when", rows=ROWS.assign(when=logs.iso(ROWS["at"])))
    assert found.endswith(": times in a column of text; write them as timestamps)")


def test_epoch_numbers_under_any_name_are_times_where_it_is_said(tmp_path):
    source = str(logs.parquet(ROWS, tmp_path / "log.parquet"))
    made = written(source, [], tmp_path / "lossledger.yaml", ["time=served"])
    assert (made.settings.impressions.columns.time.column, made.settings.impressions.columns.time.unit) == (
        "served",
        "s",
    )


def test_a_label_that_no_score_is_about_is_passed_over_with_a_word(tmp_path):
    rows = WORLD[["id", "at", "click", "conversion"]].assign(p_click=WORLD["p"])
    source = str(logs.parquet(rows, tmp_path / "log.parquet"))
    made = written(source, [], tmp_path / "lossledger.yaml", ["label=click", "label=conversion"])
    assert made.facts["passed_over"] == {"conversion": "no score is about it"}
