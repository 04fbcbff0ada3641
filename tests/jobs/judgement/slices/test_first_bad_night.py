"""20 days of cells in four dimensions, one cross over-predicted by a quarter from the ninth on."""

from datetime import timedelta

import pyarrow as pa
import pytest

from jobs.judgement.worst import Asked, worst_of
from jobs.settings import parse
from tests.jobs.judgement.day import DAY
from tests.jobs.judgement.sides import VALUES, day
from tests.jobs.judgement.test_changes import CONFIG
from tests.jobs.judgement.test_worst_of_day import WRONG, Held

DAYS, BAD = 20, 9
SETTINGS = parse({**CONFIG, "dimensions": list(VALUES), "slices": [[]], "bins": {"slices": []}, "changes": {}})


def date_of(night):
    return DAY - timedelta(days=DAYS - night)


@pytest.fixture(scope="module")
def history():
    days = {}
    for night in range(1, DAYS + 1):
        made = day(100 + night, over=1.25 if night >= BAD else 1.0, size=120_000)
        named = {name: pa.array([value] * made.num_rows) for name, value in (("task", "ctr"), ("model", "m"))}
        weights = {"squared_weight": made["weight"]}
        days[date_of(night)] = {
            "statistics": pa.table({**named, **weights, **dict(zip(made.column_names, made, strict=True))})
        }
    return days


@pytest.mark.parametrize("night", range(1, DAYS + 1))
def test_the_planted_cross_is_first_with_its_day_from_the_first_night_on(history, night):
    (found,) = worst_of(Held(None, SETTINGS, date_of(night), SETTINGS.age_hours, history), Asked(calibration=True))
    if night < BAD:
        assert WRONG not in [each["slice"] for each in found["worst"]]
        return
    first = found["worst"][0]
    assert (first["slice"], first["first_bad_day"]) == (WRONG, date_of(BAD).isoformat())
    assert first["error"] > first["detectable"] > 0.0 > first["z"]
