"""What must not matter: the time zone of the host, and columns that hold one value only."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.world.night import DAY, EXACT, document, evaluated, evaluated_by, parquet, table

ZONE = "Europe/Berlin"
MIDNIGHT = datetime(2026, 3, 18)  # by the clock in Berlin, 23:00 UTC on the day before
HOUR = timedelta(hours=1)
FAR = {"TZ": "America/New_York"}
TABLES = (*EXACT, "metrics")
HOURS = [-1, 0, 1, 22, 23, 24]  # after midnight; those from 0 to 23 are of the day
CLICKED = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]


@pytest.fixture
def config(tmp_path) -> dict:
    """Impressions with local times, clicks half an hour after some of them with instants."""
    times = [MIDNIGHT + hour * HOUR for hour in HOURS]
    ids = [str(hour) for hour in HOURS]
    clicks = {
        "imp": [i for i, clicked in zip(ids, CLICKED, strict=True) if clicked],
        "at": [(t - HOUR / 2).replace(tzinfo=UTC) for t, clicked in zip(times, CLICKED, strict=True) if clicked],
    }
    rows = {"id": ids, "ts": times, "date": [time.date() for time in times], "p": [0.5, 0.25, 0.5, 0.25, 0.5, 0.5]}
    paths = {
        name: {"format": "parquet", "path": str(parquet(tmp_path / name, columns))}
        for name, columns in (("impressions", rows), ("clicks", clicks))
    }
    return document(
        tmp_path,
        day={"timezone": ZONE},
        impressions={"source": paths["impressions"], "columns": {"id": "id", "time": "ts"}},
        labels={"click": {"source": paths["clicks"], "columns": {"id": "imp", "time": "at"}, "window": "1h"}},
        dimensions=["date"],
        slices=[[], ["date"]],
    )


def test_the_time_zone_of_the_host_does_not_matter(spark, engine, config):
    here = evaluated(spark, config)
    found = table(config, "statistics").to_pylist()
    assert [(row["date"], row["n"], int(row["positive_weight"])) for row in found] == [("2026-03-18", 4, 2)]
    before = [table(config, name) for name in TABLES]
    evaluated_by(engine, config, **FAR)
    assert [table(config, name) for name in TABLES] == before
    done = [run for run in table(config, "runs").to_pylist() if run["state"] == "done"]
    assert [run["rows_scored"] for run in done] == [here.ledger.scored] * 2


@pytest.mark.only_engine("sail")  # it reads such columns as constants, which not all of its functions take
@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_columns_of_one_value_are_columns(spark, tmp_path, kind):
    size = 5
    constant = {"country": ["DE"] * size, "user": [7] * size, "click": [1] * size, "p": [0.5] * size}
    folder = tmp_path / "impressions"
    parquet(folder, constant) if kind == "parquet" else write_deltalake(folder, pa.table(constant))
    impressions = {"source": {"format": kind, "path": str(folder)}, "columns": {"unit": "user"}, "duplicates": "none"}
    config = document(tmp_path, impressions=impressions, dimensions=["country"], slices=[[], ["country"]])
    for day, columns in ((DAY, {"unit": "user"}), (DAY + timedelta(days=1), {})):
        impressions = {**impressions, "columns": columns}
        evaluated(spark, {**config, "impressions": impressions}, day)
        assert [row["n"] for row in table(config, "shard_statistics", day).to_pylist()] == [size, size]
