"""Nights of late conversions through the whole job: what of one country is missing, what it quiets, and the nowcast."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.settings import parse
from jobs.sql.query import answered
from jobs.surfaces import gates, verdict
from tests.world import days
from tests.world.days import DAY, START, conversion, impression, written
from tests.world.night import evaluated, table
from tests.world.two_nights import changed

# What is judged is judged of sums, whichever engine has made them.
pytestmark = pytest.mark.only_engine("sail")
HOUR, ONE = timedelta(hours=1), timedelta(days=1)
SIZE, EARLIER = 900, 8
COUNTRIES = ("DE", "FR", "IT")
DELAYS = (HOUR, 20 * HOUR, 60 * HOUR)
NEXT = DAY + ONE
GATE = {"task": "cvr", "model": "champion", "metric": "predicted_over_actual", "within": [0.01, 1000]}


def country(i):
    return COUNTRIES[i // 7 % 3]


def lost(number, i):
    """Of Germany three in five conversions are lost on the second day."""
    return number == 1 and country(i) == "DE" and i // 3 % 5 < 3


def write_day(folder: Path, number):
    """The logs of one day: every third impression converts, a third of those at once."""
    begin = START + number * ONE
    shown = [
        impression(i, impression_id=f"d{number}i{i}", ts=begin + i * 96 * HOUR / 3600, user_id=f"u{i % 97}")
        | {"country": country(i)}
        for i in range(SIZE)
    ]
    sold = [
        conversion(i, impression_id=shown[i]["impression_id"], conv_ts=shown[i]["ts"] + DELAYS[i // 3 % 3])
        for i in range(0, SIZE, 3)
        if not lost(number, i)
    ]
    written(shown, folder / "impressions")
    written(sold, folder / "conversions")
    return begin, sold


def positives(begin, sold, age, of=None):
    """How many conversions of a country are known at an age."""
    known = begin + ONE + age * HOUR
    return sum(row["conv_ts"] < known and of in (None, country(int(row["impression_id"][3:]))) for row in sold)


@pytest.fixture(scope="module")
def nights(spark, tmp_path_factory):
    """Nine days without a fault, of which the last is repeated, and one with: its outcomes by age."""
    folder = tmp_path_factory.mktemp("labels")
    write_day(folder, 0)
    logs = write_day(folder, 1)
    base = days.configured(folder)
    log = {**base["labels"]["conversion"], "window": "3d", "shortfall": 0.3}
    config = {
        **base,
        "ages": ["0h", "72h"],
        "labels": {**base["labels"], "conversion": log},
        "shards": {"count": 12},
        "gates": {"honest": {**GATE, "slices": [[], ["country"]]}},
        "bins": {"slices": []},
    }
    for age in (0, 72):
        evaluated(spark, config, DAY, age)
        rows = table_of(config, age)
        for back in range(1, EARLIER + 1):
            before = {"event_date": DAY - back * ONE, "as_of": rows["as_of"][0].as_py() - back * ONE}
            write_deltalake(place(config), changed(rows, before), mode="append")
    return config, logs, {age: evaluated(spark, config, NEXT, age) for age in (0, 72)}


def place(config):
    return Path(config["tables"]["path"]) / config["evaluation"] / "shard_statistics"


def table_of(config, age):
    """Whole rows, where `table` leaves out what each run has anew."""
    rows = DeltaTable(place(config)).to_pyarrow_table()
    return rows.filter(pc.and_(pc.equal(rows["event_date"], DAY), pc.equal(rows["age_hours"], age)))


def arrival(config, age):
    rows = table(config, "label_arrival", NEXT).to_pylist()
    return {row["slice"]: row for row in rows if row["age_hours"] == age}


def test_the_labels_of_one_country_are_missing_and_counted_exactly(nights):
    config, logs, _ = nights
    for age in (0, 72):
        found = arrival(config, age)
        assert {text: row["verdict"] for text, row in found.items() if text} == {
            "country=DE": "labels_missing",
            "country=FR": "complete" if age else "arriving",
            "country=IT": "complete" if age else "arriving",
        }
        for text, row in found.items():
            of = text.removeprefix("country=") or None
            assert row["positive_rows"] == row["positives"] == positives(*logs, age, of)
            assert row["expected_days"] == EARLIER + 1
    assert [arrival(config, age)[""]["share_days"] for age in (0, 72)] == [EARLIER - 1, EARLIER + 1]


def test_nothing_that_rests_on_missing_labels_is_final_or_judged(spark, nights):
    config, _, outcomes = nights
    settings = parse(config)
    latest = f"SELECT DISTINCT age_hours FROM metrics_latest WHERE event_date = DATE'{NEXT}' AND task = 'cvr'"
    assert [row["age_hours"] for row in answered(spark, settings, latest).to_pylist()] == [72]
    final = f"SELECT DISTINCT slice, age_hours FROM metrics_final WHERE event_date = DATE'{NEXT}' AND task = 'cvr'"
    assert {tuple(row.values()) for row in answered(spark, settings, final).to_pylist()} == {
        ("country=FR", 72),
        ("country=IT", 72),
    }
    status = f"SELECT age_hours, status, labels_missing FROM night_status WHERE event_date = DATE'{NEXT}' ORDER BY 1"
    assert [tuple(row.values())[1:] for row in answered(spark, settings, status).to_pylist()] == [
        ("labels_missing", 1),
        ("labels_missing", 1),
    ]
    for age, outcome in outcomes.items():
        told = {row["slice"]: row["verdict"] for row in outcome.gates.to_pylist()}
        assert told == {"": "not_judged", "country=DE": "not_judged", "country=FR": "passed", "country=IT": "passed"}
        again = gates.judged(spark, settings, NEXT, age)
        assert {row["slice"]: row["verdict"] for row in again} == told


def test_where_labels_still_arrive_there_are_nowcasts_and_nowhere_else(nights):
    config, _, _ = nights
    rows = [row for row in table(config, "metrics", NEXT).to_pylist() if row["metric"].endswith("[nowcast]")]
    assert {(row["age_hours"], row["task"]) for row in rows} == {(0, "cvr")}
    assert not any(row["is_final"] for row in rows)
    by_slice = {(row["slice"], row["metric"]): row for row in rows}
    final = {
        row["slice"]: row["value"]
        for row in table(config, "metrics", NEXT).to_pylist()
        if (row["age_hours"], row["task"], row["model"], row["metric"]) == (72, "cvr", "champion", "log_loss")
    }
    for text in ("country=FR", "country=IT"):
        row = by_slice[text, "log_loss[nowcast]"]
        assert row["ci_method"] == "nowcast"
        assert row["ci_low"] <= final[text] <= row["ci_high"]
    assert {by_slice[text, "log_loss[nowcast]"]["reason"] for text in ("", "country=DE")} == {"labels_missing"}


def test_the_verdict_says_so_to_people_and_to_programs(nights, capsys):
    _, logs, outcomes = nights
    facts = verdict.of_outcome(outcomes[72])
    (missing,) = [row for row in facts["labels"] if row["verdict"] == "labels_missing"]
    assert (missing["slice"], missing["positives"]) == ("country=DE", positives(*logs, 72, "DE"))
    verdict.show(outcomes[72], as_json=False)
    shown = capsys.readouterr().out
    assert "labels of conversion are missing in country=DE: 51 of 129 expected positives" in shown
    verdict.show(outcomes[0], as_json=False)
    shown = capsys.readouterr().out
    assert f"labels.conversion: {positives(*logs, 0)} positives by now" in shown


def test_a_night_that_is_run_again_later_says_the_same(spark, nights):
    """By then more is known of the days before, but at its moment it was not."""
    config, _, _ = nights
    before = {name: table(config, name, NEXT) for name in ("label_arrival", "metrics")}
    evaluated(spark, config, NEXT, 0)
    assert {name: table(config, name, NEXT) for name in before} == before
    assert isinstance(before["metrics"], pa.Table)
