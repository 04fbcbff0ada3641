"""A month of nights as they fall due, of conversions that come late, are lost or are taken back; and the month anew."""

import pyarrow.compute as pc
import pytest

from jobs import nights
from jobs.nights import backfill
from jobs.planning.plan import parts
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.surfaces import plans, verdict
from tests.world.month import AGES, DAYS, FAULT, LOST, REFUNDED, day, month, positives, taken_back
from tests.world.night import table

# Ninety nights are a minute and a half on an idle machine.
pytestmark = [pytest.mark.only_engine("sail"), pytest.mark.timeout(1800)]

LAST, FINAL = DAYS - 1, AGES[-1]
TABLES = ("statistics", "shard_statistics", "metrics", "changes", "gate_results", "label_arrival")
NAMES = ("log_loss", "normalized_entropy", "predicted_over_actual")
GATE = {"task": "cvr", "model": "m", "slices": [[], ["advertiser"]]}
GATES = {
    "honest": {**GATE, "metric": "predicted_over_actual[nowcast]", "within": [0.5, 2.0]},
    "steady": {**GATE, "metric": "log_loss[nowcast]", "against": "1d", "at_most": "+50%"},
}
LOOKED = (4, 12, FAULT + 3, LAST)


@pytest.fixture(scope="module")
def lived(spark, tmp_path_factory):
    """The nights one after the other; of some what `metrics_final` has by then, and the last ages of the last days."""
    config = month(tmp_path_factory.mktemp("month"), gates=GATES)
    settings, seen, outcomes = parse(config), {}, {}
    for number in range(DAYS + FINAL // 24):
        for night in nights.evaluate_due(spark, settings, day(number)):
            assert night.exit_code == (0 if number < DAYS or night.part.age_hours else 4)
            if night.outcome is not None:
                outcomes[night.part.event_date, night.part.age_hours] = night.outcome
        if number in LOOKED:
            seen[number] = rows(spark, settings, "SELECT DISTINCT event_date, age_hours FROM metrics_final")
    return config, settings, seen, outcomes


def rows(spark, settings, text):
    return [tuple(row.values()) for row in answered(spark, settings, text).to_pylist()]


def test_final_metrics_never_have_a_young_row(spark, lived):
    _, settings, seen, _ = lived
    for number, found in seen.items():
        assert {age for _, age in found} <= {FINAL}
        assert {each for each, _ in found} == {day(i) for i in range(number - FINAL // 24 + 1)}
    text = "SELECT DISTINCT slice FROM metrics_final WHERE event_date = DATE'{}'"
    assert (f"advertiser={LOST}",) not in rows(spark, settings, text.format(day(FAULT)))
    assert (f"advertiser={LOST}",) in rows(spark, settings, text.format(day(FAULT - 1)))


def test_labels_are_missing_on_the_day_and_of_the_advertiser_of_whom_they_are(spark, lived):
    _, settings, _, _ = lived
    text = "SELECT event_date, age_hours, advertiser FROM slice_arrival WHERE verdict = 'labels_missing'"
    # As many are a fifth of all, so that the total lacks them, too.
    missing = {(day(FAULT), FINAL, None), (day(FAULT), FINAL, LOST)}
    assert set(rows(spark, settings, text)) == missing
    every = "SELECT event_date, age_hours, slice FROM label_arrival WHERE verdict IN ('labels_missing', 'labels_late')"
    # At the younger age too few of theirs are there on any day.
    assert {found[:2] for found in rows(spark, settings, every)} == {(day(FAULT), FINAL)}
    status = f"SELECT age_hours, status FROM night_status WHERE event_date = DATE'{day(FAULT)}' ORDER BY 1"
    assert rows(spark, settings, status)[-1] == (FINAL, "labels_missing")


def test_what_is_there_at_an_age_is_counted_and_what_was_taken_back_is_shown(lived):
    config, _, _, outcomes = lived
    for number in (0, 13, LAST):
        found = {
            (row["age_hours"], row["slice"]): row for row in table(config, "label_arrival", day(number)).to_pylist()
        }
        for age in AGES:
            for of in (None, "a", "b", "c"):
                row = found[age, "" if of is None else f"advertiser={of}"]
                assert row["positives"] == row["positive_rows"] == positives(number, age, of)
        back = found[FINAL, f"advertiser={REFUNDED}"]
        # None of theirs came later, so that what is less is what was taken back.
        assert back["retracted"] == taken_back(number, REFUNDED) > 0
        assert back["positives"] < found[0, f"advertiser={REFUNDED}"]["positives"]
    facts = verdict.of_outcome(outcomes[day(13), FINAL])
    assert facts["label_events"]["sale"]["retracted"] >= taken_back(13)


def test_no_view_has_the_larger_number_of_a_younger_age(spark, lived):
    _, settings, _, _ = lived
    for view in ("metrics_latest", "metrics_final", "slice_metrics"):
        of = f"event_date = DATE'{day(13)}' AND metric = 'log_loss' AND slice = 'advertiser={REFUNDED}'"
        assert rows(spark, settings, f"SELECT positives FROM {view} WHERE {of}") == [(positives(13, FINAL, REFUNDED),)]


def by_age(config, number):
    found = {}
    for row in table(config, "metrics", day(number)).to_pylist():
        found[row["age_hours"], row["slice"], row["metric"]] = row
    return found


def test_the_provisional_log_loss_flatters_and_the_nowcast_does_not(lived):
    config, _, _, _ = lived
    for number in (12, FAULT - 1, LAST):
        found = by_age(config, number)
        young, final = found[0, "", "log_loss"]["value"], found[FINAL, "", "log_loss"]["value"]
        assert young < 0.9 * final
        assert found[0, "", "predicted_over_actual"]["value"] > 1.5 * found[FINAL, "", "predicted_over_actual"]["value"]
        for name in NAMES:
            row, truth = found[0, "", f"{name}[nowcast]"], found[FINAL, "", name]["value"]
            assert row["ci_low"] <= truth <= row["ci_high"]
            assert row["value"] == pytest.approx(truth, rel=0.02)


def test_gates_of_nowcasts_are_judged_while_labels_arrive_and_say_of_what(lived):
    _, _, _, outcomes = lived
    young, final = (
        {(row["gate"], row["slice"]): row for row in outcomes[day(LAST), age].gates.to_pylist()} for age in AGES
    )
    assert young["honest", ""]["verdict"] == final["honest", ""]["verdict"] == "passed"
    assert "predicted_over_actual[nowcast] of m is" in young["honest", ""]["sentence"]
    assert "predicted_over_actual of m is" in final["honest", ""]["sentence"]
    assert young["steady", ""]["verdict"] == final["steady", ""]["verdict"] == "passed"
    assert "log_loss[nowcast] of m is than 1d before" in young["steady", ""]["sentence"]
    early = {row["gate"]: row for row in outcomes[day(1), 0].gates.to_pylist() if row["slice"] == ""}
    assert {row["verdict"] for row in early.values()} == {"not_judged"}


def test_the_finals_of_a_month_are_those_of_a_run_from_scratch_to_the_last_bit(spark, lived, tmp_path):
    config, _, _, _ = lived
    anew = {**config, "tables": {"path": str(tmp_path / "anew")}}
    fresh = parse(anew)
    made = plans.planned(spark, fresh, parts(day(0), day(LAST), (FINAL,)))
    assert {one.exit_code for one in backfill.filled(spark, fresh, made)} == {0}
    for number in (FAULT, LAST):
        for name in TABLES:
            one, other = (finals(each, name, number) for each in (config, anew))
            assert one.num_rows
            assert one == other, name


def finals(config, name, number):
    """The rows of a table at the oldest age; what was taken back since a younger one is known of one only."""
    found = table(config, name, day(number))
    found = found.filter(pc.equal(found["age_hours"], FINAL))
    return found.drop_columns(["retracted"]) if name == "label_arrival" else found
