"""A night of several ages: yesterday at the youngest, earlier days at the older ages that they reach, each its own."""

import pytest

from jobs import nightly, nights
from jobs.errors import ConfigurationError
from jobs.nights import backfill
from jobs.planning.plan import parts
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.surfaces import plans
from tests.world import child
from tests.world.night import saved
from tests.world.week import AGES, day, positives, week

SAIL = pytest.mark.only_engine("sail")
EVALUATED = {(0, 0), (1, 0), (0, 24), (2, 0), (1, 24), (3, 0), (2, 24), (0, 72), (4, 0), (3, 24), (1, 72)}
CVR = "task = 'cvr' AND model = 'champion'"


def numbered(part):
    return (part.event_date - day(0)).days, part.age_hours


def values(settings, spark, text):
    return {tuple(row.values()) for row in answered(spark, settings, text).to_pylist()}


@pytest.fixture(scope="module")
def evaluated(spark, tmp_path_factory):
    """Five nights, one after the other, and what each evaluated."""
    settings = parse(week(tmp_path_factory.mktemp("week")))
    return settings, [list(nights.evaluate_due(spark, settings, day(number))) for number in range(5)]


@SAIL
def test_a_night_evaluates_a_day_and_what_reaches_an_older_age_with_it(evaluated):
    _, found = evaluated
    assert [[numbered(night.part) for night in each] for each in found] == [
        [(0, 0)],
        [(1, 0), (0, 24)],
        [(2, 0), (1, 24)],
        [(3, 0), (2, 24), (0, 72)],
        [(4, 0), (3, 24), (1, 72)],
    ]
    assert {night.exit_code for each in found for night in each} == {0}


@SAIL
def test_every_age_knows_its_own_labels(spark, evaluated):
    settings, _ = evaluated
    text = f"SELECT event_date, age_hours, CAST(SUM(positive_weight) AS INT) FROM statistics WHERE {CVR} GROUP BY 1, 2"
    expected = {(day(number), age, positives(number, age)) for number, age in EVALUATED}
    assert values(settings, spark, text) == expected
    assert [positives(0, age) for age in AGES] == [9, 16, 24]


@SAIL
def test_only_labels_that_no_longer_change_are_final(spark, evaluated):
    settings, _ = evaluated
    finals = values(settings, spark, "SELECT task, age_hours FROM metrics WHERE is_final GROUP BY 1, 2")
    assert finals == {("cvr", 72), *((task, age) for task in ("ctr", "weighted") for age in AGES)}
    text = f"SELECT DISTINCT event_date, age_hours FROM metrics_{{}} WHERE {CVR}"
    assert values(settings, spark, text.format("final")) == {(day(0), 72), (day(1), 72)}
    newest = {(0, 72), (1, 72), (2, 24), (3, 24), (4, 0)}
    assert values(settings, spark, text.format("latest")) == {(day(number), age) for number, age in newest}


@SAIL
def test_days_are_held_against_days_of_equal_age(spark, evaluated):
    settings, _ = evaluated
    text = f"""
        SELECT DISTINCT c.event_date, c.age_hours, c.before = m.value FROM changes AS c
        JOIN metrics AS m ON m.event_date = c.event_date - 1 AND m.age_hours = c.age_hours AND m.slice = c.slice
          AND m.task = c.task AND m.model = c.model AND m.metric = c.metric
        WHERE c.{CVR.replace("AND ", "AND c.")} AND c.slice = '' AND c.metric = 'log_loss'
    """
    with_a_day_before = {(number, age) for number, age in EVALUATED if (number - 1, age) in EVALUATED}
    assert values(settings, spark, text) == {(day(number), age, True) for number, age in with_a_day_before}


@SAIL
def test_a_night_alone_has_the_bits_of_one_among_several(spark, evaluated, tmp_path):
    settings, _ = evaluated
    alone = parse(week(tmp_path, changes={}))
    nightly.evaluate(spark, alone, day(1), age_hours=24)
    of_part = f"SELECT * FROM statistics WHERE event_date = DATE '{day(1)}' AND age_hours = 24"
    of_both = [answered(spark, each, of_part).drop_columns(["run_id"]).to_pylist() for each in (settings, alone)]
    assert sorted(map(str, of_both[0])) == sorted(map(str, of_both[1])) != []


@pytest.mark.only_engine("spark")
def test_apache_spark_evaluates_every_age_and_skips_what_is_unchanged(spark, tmp_path):
    settings = parse(week(tmp_path, 3, ages=["0h", "24h"], changes={}))
    made = plans.planned(spark, settings, parts(day(0), day(0), settings.hours))
    assert [one.exit_code for one in backfill.filled(spark, settings, made)] == [0, 0]
    nightly.evaluate(spark, settings, day(1), age_hours=0)
    found = list(nights.evaluate_due(spark, settings, day(2)))
    assert [numbered(each.part) for each in found] == [(2, 0), (1, 24)]
    text = f"SELECT event_date, age_hours, CAST(SUM(positive_weight) AS INT) FROM statistics WHERE {CVR} GROUP BY 1, 2"
    evaluated = ((0, 0), (0, 24), (1, 0), (1, 24), (2, 0))
    assert values(settings, spark, text) == {(day(number), age, positives(number, age)) for number, age in evaluated}
    again = plans.planned(spark, settings, parts(day(0), day(2), settings.hours))
    assert [night.state for night in again.nights] == [*["unchanged"] * 5, "new"]
    # A day later the conversions of the next day's impressions may be about this day's, too.
    assert [night.found.rows for night in again.nights[:2]] == [72 + 24, 72 + 24 + 24]


@SAIL
def test_nights_that_never_ran_are_told_by_the_next_one(spark, tmp_path):
    settings = parse(week(tmp_path, 5))
    for number in (0, 3):
        nightly.evaluate(spark, settings, day(number), age_hours=0)
    first, second = nights.evaluate_due(spark, settings, day(4))
    assert [numbered(each.part) for each in (first, second)] == [(4, 0), (3, 24)]
    told = [sentence.split(": ")[0] for sentence in first.outcome.warnings]
    assert told == [
        f"{day(1)} to {day(2)} at age 0h never ran",
        f"{day(0)} to {day(2)} at age 24h never ran",
        f"{day(0)} to {day(1)} at age 72h never ran",
    ]
    fill = f"backfill CONFIG --from {day(1)} --to {day(2)} --ages 0h"
    assert first.outcome.warnings[0].endswith(fill)
    assert second.outcome.warnings == ()
    text = "SELECT age_hours, first_day, last_day FROM missing_nights"
    # An age that no run has had yet no table knows of.
    assert values(settings, spark, text) == {(0, day(1), day(2)), (24, day(0), day(2))}
    found = backfill.filled(spark, settings, plans.planned(spark, settings, parts(day(0), day(2), settings.hours)))
    assert {one.exit_code for one in found} == {0}
    assert values(settings, spark, text) == set()


@SAIL
def test_what_is_not_there_or_fails_does_not_stop_the_others(spark, tmp_path):
    settings = parse(week(tmp_path, 4))
    for number in (1, 2):
        nightly.evaluate(spark, settings, day(number), age_hours=0)
    (tmp_path / "impressions" / f"dt={day(1)}").rename(tmp_path / "gone")
    found = list(nights.evaluate_due(spark, settings, day(4)))
    # The day itself has no log yet, the one before was never evaluated.
    assert [(numbered(each.part), each.exit_code) for each in found] == [((4, 0), 4), ((1, 72), 4)]
    (tmp_path / "gone").rename(tmp_path / "impressions" / f"dt={day(1)}")
    found = list(nights.evaluate_due(spark, settings, day(3)))
    assert [(numbered(each.part), each.exit_code) for each in found] == [((3, 0), 0), ((2, 24), 0)]


@SAIL
def test_the_command_tells_each_night_and_ends_with_the_worst_code(tmp_path):
    config = saved(week(tmp_path, 2), tmp_path / "week.yaml")
    command = (*child.COMMAND, "run", config, "--engine", "sail", "--json", "--date")
    one = child.succeeded(*command, day(0)).told
    assert [(each["event_date"], each["age_hours"]) for each in one["nights"]] == [(str(day(0)), 0)]
    alone = child.succeeded(*command, day(0), "--age", "24h").told
    assert (alone["age_hours"], alone["exit_code"], "nights" in alone) == (24, 0, False)
    both = child.succeeded(*command, day(1)).told["nights"]
    assert [(each["event_date"], each["age_hours"]) for each in both] == [(str(day(1)), 0), (str(day(0)), 24)]
    two = child.ended(*command, day(2))
    first, second = two.told["nights"]
    assert (two.code, two.told["exit_code"], first["exit_code"], second["exit_code"]) == (4, 4, 4, 0)
    assert (first["event_date"], first["age_hours"]) == (str(day(2)), 0)
    assert "no file under" in first["error"] in two.err.replace("\n", " ")


@pytest.mark.parametrize(
    "ages", [(["24h", "0h"], "24h, 0h"), (["0h", "1d", "24h"], "0h, 24h, 24h"), (["0h", "1d", "2h"], "0h, 24h, 2h")]
)
def test_ages_are_ascending_and_each_is_there_once(tmp_path, ages):
    given, found = ages
    with pytest.raises(ConfigurationError, match=f"ages: found {found}, expected ascending ages, each once"):
        parse(week(tmp_path, 0, ages=given))
