"""Times as `lossledger init` reads them: those that nobody can read hinder none of the others."""

import pandas as pd
import pytest

from jobs.surfaces.init.command import written
from tests.jobs.surfaces.init import logs

WORLD = logs.world()
SHOWN = WORLD[["id", "p", "click"]]


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def initialised(tmp_path, source, *labels):
    return written(str(source), [str(path) for path in labels], tmp_path / "lossledger.yaml")


def test_an_epoch_number_beyond_the_calendar_is_no_time(tmp_path):
    rows = SHOWN.assign(ts=logs.epoch(WORLD["at"], "s"))
    rows.loc[3, "ts"] = 2**62
    found = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert found.settings.impressions.columns.time.unit == "s"
    assert found.day.isoformat() == "2026-03-18"


@pytest.mark.parametrize("zone", [" UTC", " GMT", "UTC", "Z", "+00", "+00:00"])
def test_text_that_names_its_zone(tmp_path, zone):
    rows = SHOWN.assign(ts=WORLD["at"].dt.strftime("%Y-%m-%d %H:%M:%S") + zone)
    found = initialised(tmp_path, logs.csv(rows, tmp_path / "log.csv"))
    assert found.settings.impressions.columns.time.column == "ts"
    assert found.day.isoformat() == "2026-03-18"
    assert "the times carry no zone" not in found.path.read_text()


def test_times_of_which_none_can_be_read_are_none(tmp_path):
    rows = SHOWN.assign(ts=WORLD["at"].dt.strftime("%Y-%m-%d 99:%M"))
    found = initialised(tmp_path, logs.csv(rows, tmp_path / "log.csv"))
    assert found.settings.impressions.columns.time is None


def test_a_time_beyond_nanoseconds(tmp_path):
    rows = SHOWN.assign(ts=WORLD["at"].astype("datetime64[us, UTC]"))
    rows.loc[0, "ts"] = pd.Timestamp("9999-12-31", tz="UTC").as_unit("us")
    found = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert found.day.isoformat() == "2026-03-18"
