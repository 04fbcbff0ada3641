"""A small week with labels that arrive late: impressions of each day, and conversions hours or days after them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.world import days
from tests.world.days import DAY, START, Row, conversion, impression, written

HOUR = timedelta(hours=1)
ONE = timedelta(days=1)
OF_A_DAY = 72
AGES = (0, 24, 72)
# Of three conversions one comes at once, one within a day, one within three.
DELAYS = (HOUR, 20 * HOUR, 60 * HOUR)


def of_day(number: int) -> list[Row]:
    """The impressions of a day, one every 20 minutes."""
    start = START + number * ONE
    return [impression(i, impression_id=f"d{number}i{i:03}", ts=start + i * HOUR / 3) for i in range(OF_A_DAY)]


def delay(i: int) -> timedelta | None:
    """After how long an impression converts, or None."""
    return DELAYS[i // 3 % 3] if i % 3 == 0 else None


def conversions(number: int) -> Iterator[Row]:
    """The conversions of a day's impressions."""
    for i, row in enumerate(of_day(number)):
        if (late := delay(i)) is not None:
            yield conversion(i, impression_id=row["impression_id"], conv_ts=row["ts"] + late)


def positives(number: int, age_hours: int) -> int:
    """How many conversions of a day's impressions are known at an age."""
    known: datetime = START + (number + 1) * ONE + age_hours * HOUR
    return sum(row["conv_ts"] < known for row in conversions(number))


def day(number: int) -> date:
    """A day of the week."""
    return DAY + number * ONE


def write_day(folder: Path, number: int) -> None:
    """Write the logs of one day."""
    for name, rows in (("impressions", of_day(number)), ("conversions", conversions(number))):
        written(rows, folder / name / f"dt={day(number)}")


def week(folder: Path, count: int = 5, **sections: Any) -> Row:
    """Write the logs of some days, and return the configuration that evaluates them at three ages."""
    for number in range(count):
        write_day(folder, number)
    base = days.configured(folder)
    labels = {**base["labels"], "conversion": {**base["labels"]["conversion"], "window": "3d"}}
    of_ages = {"ages": [f"{age}h" for age in AGES], "labels": labels, "day": {"partition": "dt"}}
    return {**base, **of_ages, "changes": {"against": ["1d"]}, **sections}
