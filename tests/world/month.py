"""A month whose conversions arrive late, each advertiser's after its own known time; of one day many are lost.

Everything is counted by number, without chance: so every count of every night is known beforehand.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.world.days import Row, written
from tests.world.night import document

HOUR, ONE = timedelta(hours=1), timedelta(days=1)
DAY = date(2026, 9, 1)
START = datetime(2026, 9, 1, tzinfo=UTC)
SIZE, DAYS, FAULT = 600, 30, 20
AGES = (0, 72)
# After how long a conversion comes; the one who reports at once also takes some back, a day and a half later.
DELAYS = {"a": 0 * HOUR, "b": 20 * HOUR, "c": 60 * HOUR}
REFUNDED, AFTER = "a", 36 * HOUR
LOST = "b"
SHOWN = pa.schema(
    [
        *((name, pa.string()) for name in ("impression_id", "user_id", "advertiser")),
        ("ts", pa.timestamp("us", tz="UTC")),
        ("p", pa.float64()),
    ]
)
SOLD = pa.schema(
    [
        ("impression_id", pa.string()),
        *((name, pa.timestamp("us", tz="UTC")) for name in ("conv_ts", "refund_ts")),
    ]
)


def day(number: int) -> date:
    """A day of the month."""
    return DAY + number * ONE


def advertiser(i: int) -> str:
    """Whose impression it is."""
    return "abc"[i // 7 % 3]


def of_day(number: int) -> list[Row]:
    """The impressions of a day: the model says a third for all, and a third converts."""
    begin = START + number * ONE
    return [
        {"impression_id": f"d{number}i{i}", "ts": begin + i * 24 * HOUR / SIZE, "user_id": f"u{i % 97}", "p": 1 / 3}
        | {"advertiser": advertiser(i)}
        for i in range(SIZE)
    ]


def lost(number: int, i: int) -> bool:
    """Of one advertiser three in five conversions of one day never come."""
    return number == FAULT and advertiser(i) == LOST and i // 3 % 5 < 3


def conversions(number: int) -> Iterator[Row]:
    """The conversions of a day's impressions; every fifth of one advertiser is taken back."""
    for i, row in enumerate(of_day(number)):
        if i % 3 == 0 and not lost(number, i):
            back = row["ts"] + AFTER if advertiser(i) == REFUNDED and i // 3 % 5 == 0 else None
            sold = row["ts"] + DELAYS[advertiser(i)]
            yield {"impression_id": row["impression_id"], "conv_ts": sold, "refund_ts": back}


def positives(number: int, age: int, of: str | None = None) -> int:
    """How many conversions count at an age, of an advertiser or of all."""
    known = START + (number + 1) * ONE + age * HOUR
    return sum(
        row["conv_ts"] < known and not (row["refund_ts"] is not None and row["refund_ts"] < known)
        for row in conversions(number)
        if of in (None, advertiser(int(row["impression_id"].split("i")[1])))
    )


def taken_back(number: int, of: str | None = None) -> int:
    """How many conversions of a day counted at the younger age and do no longer at the older one."""
    young, old = (START + (number + 1) * ONE + age * HOUR for age in AGES)
    return sum(
        row["conv_ts"] < young and row["refund_ts"] is not None and young <= row["refund_ts"] < old
        for row in conversions(number)
        if of in (None, advertiser(int(row["impression_id"].split("i")[1])))
    )


def month(folder: Path, count: int = DAYS, **sections: Any) -> Row:
    """Write the logs of some days, and return the configuration that evaluates them."""
    for number in range(count):
        written(of_day(number), folder / "impressions" / f"dt={day(number)}", schema=SHOWN)
        written(conversions(number), folder / "conversions" / f"dt={day(number)}", schema=SOLD)
    source = {name: {"format": "parquet", "path": str(folder / name)} for name in ("impressions", "conversions")}
    columns = {"id": "impression_id", "time": "conv_ts", "retracted": "refund_ts"}
    sale = {"source": source["conversions"], "columns": columns, "window": "3d"}
    shown = {"id": "impression_id", "time": "ts", "unit": "user_id"}
    own = {
        "evaluation": "month",
        "day": {"partition": "dt"},
        "impressions": {"source": source["impressions"], "columns": shown},
        "labels": {"sale": sale},
        "tasks": {"cvr": {"label": "sale"}},
        "models": {"m": {"cvr": {"score": "p"}}},
        "dimensions": ["advertiser"],
        "slices": [[], ["advertiser"]],
        "shards": {"count": 12},
        "ages": [f"{age}h" for age in AGES],
        "changes": {"against": ["1d"]},
    }
    return document(folder, **{**own, **sections})
