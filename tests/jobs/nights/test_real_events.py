"""Other people's logs as label logs: copies and conflicting labels, clicks on their own, conversions about clicks.

The counts are of the files themselves, taken with `awk` and by hand.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from tests.world.night import document, evaluated, parquet, table

# What is counted of events is the same on each engine: `test_rules.py`.
pytestmark = pytest.mark.only_engine("sail")
DAY = date(2021, 6, 30)
SECOND, MINUTE = pd.Timedelta(seconds=1), pd.Timedelta(minutes=1)


def night(folder: Path, frames: Mapping[str, pd.DataFrame], labels: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """A night of these frames, the first of them the impressions; each label but the first is a number."""
    paths = {
        name: str(parquet(folder / name, pa.Table.from_pandas(rows, preserve_index=False)))
        for name, rows in frames.items()
    }
    source = {name: {"format": "parquet", "path": path} for name, path in paths.items()}
    labels = {name: {**log, "source": source[log["source"]]} for name, log in labels.items()}
    kinds = {name: {} if log.get("events", "any") == "any" else {"kind": "regression"} for name, log in labels.items()}
    plain = {
        "impressions": {
            "source": source["impressions"],
            "columns": {"id": "id", "time": "at"},
            "duplicates": "remove",
        },
        "labels": labels,
        "tasks": {name: {"label": name, **kind} for name, kind in kinds.items()},
        "models": {"m": {name: {"score": "p"} for name in labels}},
        "limits": {"min_rows": 0, "volume": 0},
    }
    return document(folder, **{**plain, **sections})


def totals(config: dict[str, Any], day: date) -> dict[str, float]:
    """The sum of the labels of each task."""
    rows = table(config, "statistics", day).to_pylist()
    sums = {row["task"]: (row.get("label_sum"), row.get("positive_weight")) for row in rows}
    return {task: float(next(each for each in pair if each is not None)) for task, pair in sums.items()}


@pytest.fixture
def news(data_dir: Path) -> pd.DataFrame:
    """Impressions of news with ids of the user, the item and the time, as their keys are."""
    rows = pd.read_csv(data_dir / "yidian_news" / "yidian_news_sampled.csv", index_col=0)
    keys = rows[["userId", "itemId", "showTime"]].astype(str)
    at = pd.to_datetime(rows["showTime"], unit="ms", utc=True).dt.as_unit("us")
    return rows.assign(id=keys.agg("-".join, axis=1), at=at, p=0.1)


def test_conflicting_labels_of_copies_are_one_click(spark, tmp_path, news):
    """The day has 171 rows of 168 ids; three ids came twice, each with a 0 and a 1; 14 rows are clicked."""
    answers = news[["id", "at", "click"]]
    clicks = answers[answers["click"] == 1].drop(columns="click")
    columns = {"id": "id", "time": "at"}
    labels = {
        "click": {"source": "clicks", "columns": columns, "window": "1h"},
        "answers": {"source": "answers", "columns": columns, "window": "1h", "events": "count"},
        "clicks": {"source": "answers", "columns": {**columns, "value": "click"}, "window": "1h", "events": "sum"},
        "first": {"source": "answers", "columns": {**columns, "value": "click"}, "window": "1h", "events": "first"},
    }
    frames = {"impressions": news[["id", "at", "p"]], "clicks": clicks, "answers": answers}
    config = night(tmp_path, frames, labels)
    found = evaluated(spark, config, DAY)
    assert (found.ledger.outside, found.ledger.duplicate, found.ledger.scored) == (1000 - 171, 3, 168)
    # Two answers of one id at one time are one event; with their values they are two, and of those the higher decides.
    assert totals(config, DAY) == {"click": 14, "answers": 168, "clicks": 14, "first": 14}
    assert (found.events["answers"].inside, found.events["answers"].duplicate) == (168, 3)
    assert (found.events["clicks"].inside, found.events["clicks"].duplicate) == (171, 0)


def test_doubled_clicks_of_a_log_with_ids_of_its_own_count_once(spark, tmp_path, news):
    """On 4 July two ids came twice and were clicked both times: 20 clicked rows of 18 impressions."""
    clicks = news[news["click"] == 1].reset_index(names="row")[["id", "at", "row"]]
    labels = {
        "click": {"source": "clicks", "columns": {"id": "id", "time": "at", "event": "row"}, "window": "1h"},
        "clicks": {
            "source": "clicks",
            "columns": {"id": "id", "time": "at", "event": "row"},
            "window": "1h",
            "events": "count",
        },
    }
    tripled = pd.concat([clicks] * 3)
    config = night(tmp_path, {"impressions": news[["id", "at", "p"]], "clicks": tripled}, labels)
    day = date(2021, 7, 4)
    found = evaluated(spark, config, day)
    assert totals(config, day) == {"click": 18, "clicks": 20}
    assert (found.events["click"].inside, found.events["click"].duplicate) == (20, 2 * (20 + _next_hour(clicks, day)))
    assert found.ledger.scored == 132


def _next_hour(clicks: pd.DataFrame, day: date) -> int:
    """Clicks in the hour after the day, which may still be of it."""
    start = pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)
    return int(((clicks["at"] >= start) & (clicks["at"] < start + pd.Timedelta(hours=1))).sum())


BANDIT = date(2019, 11, 24)


def test_an_impression_log_split_into_two_has_the_clicks_that_it_had(spark, tmp_path, data_dir):
    rows = pd.read_csv(data_dir / "open_bandit" / "bts_men.csv.gz").rename(columns={"Unnamed: 0": "id"})
    rows = rows.assign(at=pd.to_datetime(rows["timestamp"]).dt.as_unit("us"), p=0.005)
    clicked = rows.loc[rows["click"] == 1, ["id", "at"]]
    # Each click arrives twice, half a minute later, under one id; one in two comes in on the next day only.
    clicks = clicked.assign(event="c" + clicked["id"].astype(str), at=clicked["at"] + 30 * SECOND)
    midnight = pd.Timestamp(BANDIT, tz="UTC") + pd.Timedelta(days=1)
    late = clicks["at"].where(clicks["id"] % 2 == 0, midnight + pd.Timedelta(hours=5))
    clicks = clicks.assign(came=late.dt.as_unit("us"))
    columns = {"id": "id", "time": "at", "event": "event", "ingested": "came"}
    labels = {"click": {"source": "clicks", "columns": columns, "window": "1h"}}
    frames = {"impressions": rows[["id", "at", "p"]], "clicks": pd.concat([clicks, clicks])}
    config = night(tmp_path, frames, labels, ages=["0h", "24h"])
    of_day = clicked[rows.loc[clicked.index, "timestamp"].str.startswith(str(BANDIT))]
    even = int((of_day["id"] % 2 == 0).sum())
    assert 0 < even < len(of_day)
    young = evaluated(spark, config, BANDIT, age_hours=0)
    assert totals({**config}, BANDIT) == {"click": even}
    assert young.ledger.scored == 1837
    old = evaluated(spark, config, BANDIT, age_hours=24)
    assert (young.events["click"].inside, old.events["click"].inside) == (even, len(of_day))
    assert young.events["click"].after_age == 2 * (len(of_day) - even)


def test_conversions_about_clicks_as_criteo_has_them(spark, tmp_path, data_dir):
    """418 of 1,999 rows are clicked. Each click has as many conversions as its row has in I1, a minute apart.

    Those are 1,598, of 191 clicks; in a window of less than seven minutes lie six of a click at most: 710.
    """
    rows = pd.read_csv(data_dir / "criteo_tiny" / "train.tiny.csv")
    start = pd.Timestamp(DAY, tz="UTC")
    at = (start + pd.to_timedelta(range(len(rows)), unit="s")).as_unit("us")
    impressions = pd.DataFrame({"id": rows["Id"], "at": at, "p": 0.2})
    clicked = impressions[rows["Label"] == 1]
    clicks = pd.DataFrame(
        {"id": clicked["id"], "event": "c" + clicked["id"].astype(str), "at": clicked["at"] + 30 * SECOND}
    )
    times = rows["I1"].fillna(0).astype(int)[clicked.index]
    bought = clicks.loc[clicks.index.repeat(times)]
    nth = bought.groupby("event").cumcount() + 1
    conversions = pd.DataFrame(
        {"click": bought["event"], "at": bought["at"] + nth * MINUTE, "value": nth * 0.1, "sale": range(len(bought))}
    )
    about = {"source": "conversions", "via": "click", "window": "7m"}
    columns = {"id": "click", "time": "at", "event": "sale"}
    valued = {**columns, "value": "value"}
    labels = {
        "click": {"source": "clicks", "columns": {"id": "id", "time": "at", "event": "event"}, "window": "1h"},
        "sale": {**about, "columns": columns},
        "sales": {**about, "columns": columns, "events": "count"},
        "revenue": {**about, "columns": valued, "events": "sum"},
        "seen": {**about, "columns": columns, "events": "count", "attribution": "post_view"},
    }
    frames = {"impressions": impressions, "clicks": clicks, "conversions": conversions}
    tasks = {
        "tasks": {
            "click": {"label": "click"},
            "sale": {"label": "sale"},
            "cvr": {"label": "sale", "given": "click"},
            "sales": {"label": "sales", "kind": "regression"},
            "revenue": {"label": "revenue", "kind": "regression"},
            "seen": {"label": "seen", "kind": "regression"},
        }
    }
    scores = {"models": {"m": {name: {"score": "p"} for name in tasks["tasks"]}}}
    config = night(tmp_path, frames, labels, **tasks, **scores)
    found = evaluated(spark, config, DAY)
    within = times.clip(upper=6)
    assert (int(times.sum()), int(within.sum()), int((times > 0).sum()), len(clicked)) == (1598, 710, 191, 418)
    # The sixth minute after the click is in the seventh of the impression.
    revenue = sum(int(k) * (int(k) + 1) // 2 for k in within) / 10
    expected = {"click": 418, "sale": 191, "cvr": 191, "sales": 710, "revenue": revenue, "seen": 710}
    assert totals(config, DAY) == expected
    rows_of = {row["task"]: row["n"] for row in table(config, "statistics", DAY).to_pylist()}
    assert (rows_of["cvr"], rows_of["sale"]) == (418, 1999)
    counts = found.events["sales"]
    assert (counts.read, counts.inside, counts.after, counts.orphan, counts.duplicate) == (1598, 710, 888, 0, 0)
