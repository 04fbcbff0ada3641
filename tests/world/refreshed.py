"""Days with tasks of every kind, hard and missing scores, heavy weights, late labels, and two configurations of them.

The second one has other definitions of everything that is made of sums, and of no sum.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from jobs.settings import Evaluation
from tests.world import days
from tests.world.days import DAY, START, TYPES, conversion, impression, written

SIZE = 144
ONE, HOUR = timedelta(days=1), timedelta(hours=1)
HEAVY = 2.0**44  # of a weight: its squares are too large for the tables
STAMPS = ("run_id",)
SCHEMA = pa.schema(
    [(name, TYPES.get(name, pa.float64())) for name in impression(0)]
    + [("request", pa.string()), ("kind", pa.string())]
    + [(name, pa.float64()) for name in ("micros", "amount", "guess", "s0", "s1")]
)
OF_RESULTS = ("metrics", "label_arrival", "comparisons", "changes", "gate_results")
OLD: dict[str, Any] = {
    "limits": {"min_rows": 0, "rejected_share": 0.5},
    "changes": {"against": ["1d"]},
    "comparisons": {
        "release": {"candidate": "candidate", "baseline": "champion"},
        "scores": {"candidate": "candidate", "baseline": "champion", "tasks": ["ctr"], "pair_statistics": True},
    },
    "gates": {"enough": {"task": "ctr", "model": "champion", "rows": 10}},
}
NEW: dict[str, Any] = {
    "limits": {"min_rows": 60, "rejected_share": 0.4},
    "loss": {"clip": 1e-6, "alpha": 3.0},
    "changes": {"against": ["1d", "2d"]},
    "joint": {"both": {"ctr": 1.0, "cvr": 2.0}},
    "baselines": {"reference": {"ctr": 0.3, "cvr": "1d"}},
    "comparisons": {
        "again": {"candidate": "champion", "baseline": "candidate"},
        "scores": {"candidate": "candidate", "baseline": "champion", "tasks": ["ctr"], "pair_statistics": True},
    },
    "gates": {
        "honest": {"task": "ctr", "model": "champion", "metric": "predicted_over_actual", "within": [0.5, 1.5]},
        "better": {"task": "ctr", "comparison": "again", "metric": "log_loss", "require": "better"},
        "steady": {"task": "ctr", "model": "champion", "metric": "log_loss", "against": "1d", "at_most": "50%"},
    },
    "ages": ["0h", "72h"],
}


def shown(number: int, i: int) -> dict[str, Any]:
    """Impression number `i` of a day; the last one is all that there is of its country, and is rejected."""
    p = {7: 0.0, 40: 1.0, 77: 1.0, 110: 0.0, 55: None}.get(i, (i % 19 + 1) / 21)
    last, moment = i == SIZE - 1, START + number * ONE + i * HOUR / 7
    return {
        **impression(i, ts=moment, user_id=f"u{i % 41}", clicked=None if last else i % 3 // 2),
        "impression_id": f"d{number}i{i:03}",
        "country": "XX" if last else ("DE", "FR", None)[(i + number) % 3],
        "p": p,
        "z": None if i % 13 == number else i % 13 / 3 - 2,
        "request": f"d{number}r{i // 5}",
        "kind": "ab"[i % 7 // 4],
        "micros": HEAVY * (1 + i % 7),
        "amount": i % 11 / 4,
        "guess": i % 9 / 3,
        "s0": i % 5 / 2,
        "s1": 1.0 - i % 4 / 2,
    }


def write_day(folder: Path, number: int) -> None:
    """The logs of one day."""
    rows = [shown(number, i) for i in range(SIZE)]
    written(rows, folder / "impressions" / f"dt={day(number)}", schema=SCHEMA)
    write_conversions(folder, number)


def write_conversions(folder: Path, number: int) -> None:
    """Every other impression converts, most of them at once."""
    rows = [shown(number, i) for i in range(1, SIZE, 2)]
    sold = [
        conversion(i, impression_id=row["impression_id"], conv_ts=row["ts"] + HOUR * (1 if i % 3 else 50))
        for i, row in enumerate(rows)
    ]
    written(sold, folder / "conversions" / f"dt={day(number)}")


def day(number: int) -> Any:
    """A day by its number."""
    return DAY + number * ONE


def evaluation(folder: Path, tables: str = "tables", **sections: Any) -> dict[str, Any]:
    """An evaluation of the logs in a folder, without what `OLD` and `NEW` say."""
    base = days.configured(folder)
    labels = {
        **base["labels"],
        "conversion": {**base["labels"]["conversion"], "window": "3d"},
        "amount": {"column": "amount", "values": "number"},
        "kind": {"column": "kind", "values": "classes", "classes": ["a", "b"]},
    }
    tasks = {
        "ctr": {"label": "click"},
        "heavy": {"label": "click", "weight": "micros"},
        "cvr": {"label": "conversion"},
        "amount": {"kind": "regression", "label": "amount"},
        "sort": {"kind": "multiclass", "label": "kind"},
        "pick": {"kind": "candidates", "label": "click"},
    }
    logit = {"score": "z", "scale": "logit"}
    classes = {"score": ["s0", "s1"], "scale": "logit"}
    p = {"score": "p"}
    models = {
        "champion": {"ctr": p, "heavy": p, "cvr": p, "amount": {"score": "guess"}, "sort": classes, "pick": logit},
        "candidate": {"ctr": logit, "heavy": logit, "cvr": logit, "amount": {"score": "bid"}, "pick": {"score": "p"}},
    }
    columns = {**base["impressions"]["columns"], "group": "request"}
    return {
        **base,
        "impressions": {**base["impressions"], "columns": columns},
        "labels": labels,
        "tasks": tasks,
        "models": models,
        "day": {"partition": "dt"},
        "shards": {"count": 16},
        "bins": {"slices": [[]], "bits": 12},
        "ages": ["0h", "72h"],
        "tables": {"path": str(folder / tables)},
        **sections,
    }


def rows(settings: Evaluation, name: str) -> list[dict[str, Any]]:
    """The rows of a table in a fixed order, the run that wrote them aside."""
    found = whole(settings, name)
    plain = found.drop_columns([column for column in STAMPS if column in found.column_names])
    keys = [f.name for f in plain.schema if f.type in (pa.string(), pa.int32(), pa.date32(), pa.float64())]
    listed: list[dict[str, Any]] = plain.sort_by([(key, "ascending") for key in keys]).to_pylist()
    return listed


def whole(settings: Evaluation, name: str) -> pa.Table:
    """All rows of a table, none where there is no such table."""
    place = Path(str(settings.tables.path)) / settings.evaluation / name
    nothing = pa.table({"run_id": pa.array([], pa.string())})
    return DeltaTable(str(place)).to_pyarrow_table() if place.is_dir() else nothing


def run_ids(settings: Evaluation, name: str, number: int, age_hours: int) -> set[str]:
    """The runs whose rows a table holds of a day at an age."""
    found = whole(settings, name)
    at = pc.and_(pc.equal(found["event_date"], day(number)), pc.equal(found["age_hours"], age_hours))
    return set(found.filter(at)["run_id"].to_pylist())
