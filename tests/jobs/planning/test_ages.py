"""A run knows the labels of its age, or is told when it can be run, or is marked provisional in every row."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs import cli, nightly
from jobs.errors import ConfigurationError, InputMissingError
from jobs.planning import ages
from jobs.settings import durations, parse
from jobs.sql import views
from jobs.sql.query import answered
from jobs.sql.views import VIEWS
from jobs.surfaces import verdict
from tests.world import days
from tests.world.days import DAY
from tests.world.night import document

HOUR = timedelta(hours=1)
REFUSED = [
    (datetime(2026, 3, 17, 9, tzinfo=UTC), "2026-03-18 has not begun in Europe/Berlin. At age 2h it can be run from"),
    (datetime(2026, 3, 18, 22, 59, tzinfo=UTC), "2026-03-18 has not ended: it can be run from 2026-03-19 01:00 UTC"),
    (datetime(2026, 3, 19, 0, 59, tzinfo=UTC), "2026-03-18 has not reached the age of 2h, where its labels are known"),
]


def stamp(folder, moment, **asked):
    settings = parse(document(folder, day={"timezone": "Europe/Berlin"}, ages=["2h"]))
    return ages.stamp(settings, date(2026, 3, 18), asked.pop("age_hours", None), began=moment, **asked)


@pytest.mark.parametrize(("moment", "told"), REFUSED)
def test_a_run_before_its_age_is_told_when_it_can_be_run(tmp_path, moment, told):
    with pytest.raises(InputMissingError, match=f"^{told}") as refused:
        stamp(tmp_path, moment)
    assert refused.value.exit_code == 4


def test_a_day_that_has_not_begun_is_not_even_provisional(tmp_path):
    with pytest.raises(InputMissingError, match="has not begun in Europe/Berlin"):
        stamp(tmp_path, REFUSED[0][0], provisional=True)


@pytest.mark.parametrize("moment", [moment for moment, _ in REFUSED[1:]])
def test_labels_are_never_known_beyond_the_run(tmp_path, moment):
    found = stamp(tmp_path, moment, provisional=True)
    assert (found.as_of, found.provisional, found.age_hours) == (moment, True, 2)


@pytest.mark.parametrize("provisional", [False, True])
def test_a_run_at_its_age_or_later_knows_the_labels_of_that_age(tmp_path, provisional):
    reached = datetime(2026, 3, 19, 1, tzinfo=UTC)
    for moment in (reached, reached + 1000 * HOUR):
        found = stamp(tmp_path, moment, provisional=provisional)
        assert (found.as_of, found.provisional) == (reached, False)


def test_another_age_than_those_configured_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="found 3h, expected one of 2h"):
        stamp(tmp_path, datetime(2026, 4, 1, tzinfo=UTC), age_hours=3)


@pytest.mark.parametrize(
    ("text", "hours"), [("24h", 24), ("24", 24), ("7d", 168), ("0h", 0), ("120m", 2), (None, None)]
)
def test_an_age_is_written_as_in_the_configuration(tmp_path, text, hours):
    assert cli.parsed_age(text) == hours
    if text is not None:
        assert parse(document(tmp_path, ages=[durations.age_text(hours)])).age_hours == hours


@pytest.mark.parametrize("text", ["90m", "-1h", "a day", "", "1 h", "²"])
def test_what_is_no_age_is_told_with_the_ways_to_write_one(text):
    with pytest.raises(ConfigurationError, match=r"--age: found .*, expected whole hours, such as 24h or 7d"):
        cli.parsed_age(text)


def far_off(folder):
    """A day whose conversions are known in decades only."""
    log = {"source": {"format": "parquet", "path": str(folder / "conversions")}, "window": "9000d"}
    log["columns"] = {"id": "impression_id", "time": "conv_ts"}
    labels = {"click": {"column": "clicked", "values": "binary"}, "conversion": log}
    return parse(days.small_day(folder, labels=labels, bins={"slices": [[]]}))


@pytest.mark.only_engine("sail")
def test_a_run_before_its_age_writes_nothing(spark, folder):
    with pytest.raises(InputMissingError, match=r"it can be run from 2051-07-09 00:00 UTC"):
        nightly.evaluate(spark, far_off(folder), DAY)
    assert {name: days.rows_of(folder, name) for name in ("runs", "metrics")} == {"runs": [], "metrics": []}


@pytest.mark.only_engine("sail")
def test_a_provisional_run_is_marked_in_every_table(spark, folder, capsys):
    settings, before = far_off(folder), datetime.now(UTC)
    days.written([days.impression(900, clicked=None)], folder / "impressions")
    outcome = nightly.evaluate(spark, settings, DAY, provisional=True)
    for name in (*days.RESULTS, "score_bins", "rejects", "runs"):
        assert {row["provisional"] for row in days.rows_of(folder, name)} == {True}, name
    assert before <= outcome.stamp.as_of <= datetime.now(UTC)
    assert {row["is_final"] for row in days.rows_of(folder, "metrics")} == {False}
    told = verdict.of_outcome(outcome)
    assert (told["not_final"], len(told["provisional"])) == (["ctr", "cvr", "weighted"], 1)
    verdict.show(outcome, as_json=False)
    assert "provisional, as labels are known up to " in capsys.readouterr().out
    (ending,) = (row for row in days.rows_of(folder, "runs") if row["state"] == "done")
    assert ending["message"] == f"provisional, as {told['provisional'][0]}"
    asked = [view for view in VIEWS if view in views.known(settings)]
    found = {view: answered(spark, settings, f"SELECT * FROM {view}").num_rows for view in asked}
    ledger = answered(spark, settings, "SELECT DISTINCT provisional, is_final FROM ledger")
    assert ledger.to_pylist() == [{"provisional": True, "is_final": False}]
    assert (found["statistics_latest"], found["metrics_final"]) == (0, 0)
    assert found["metrics_latest"] == outcome.metrics.num_rows
