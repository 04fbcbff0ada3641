"""Every statistic is the same number when plain Spark SQL computes it, and when Sail runs the job."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.world import oracle
from tests.world.night import EXACT, document, evaluated, evaluated_by, parquet, table

pytestmark = pytest.mark.only_engine("spark")

ROWS, COPIES = 4_700, 400
HOUR, DAY = 3_600_000_000, 86_400_000_000
START = 1_773_792_000_000_000  # 2026-03-18 00:00 UTC in µs
COUNTRIES = ["DE", "FR", "a=b", "x,y", "100%", "(other)", "(null)", "(", "", "日本", None]
LAST_BELOW_ONE = 1.0 - 2.0**-53
ODD_PROBABILITIES = [0.0, -0.0, 1.0, 5e-324, LAST_BELOW_ONE, 1e-300, None, np.nan, -0.1, 1.1, np.inf]
ODD_LOGITS = [0.0, -0.0, np.inf, -np.inf, 524287.99, -524287.99, 40.0, -745.2, None, np.nan, 524288.0, -1e300]
ODD_WEIGHTS = [0.0, -0.0, 1048575.999, 1e-9, 3e-16, None, np.nan, -1.0, 1048576.0, np.inf]
ODD_LABELS = [0.0, 1.0, 0.0, 1.0, 0.5, 1e-12, None, np.nan, 1.5, -0.1]
# Before, at the start of, inside, at the end of and after the window of an hour, and of two days.
OFFSETS = [-1, 0, 1, HOUR - 1, HOUR, 2 * HOUR, 48 * HOUR - 1, 48 * HOUR]


def mixed(rng: np.random.Generator, values, odd: list) -> pa.Array:
    """Values of which every fifth is an odd one."""
    size = len(values)
    drawn, chosen = rng.integers(0, len(odd), size), rng.random(size) < 0.2
    return pa.array([odd[d] if one else v for v, d, one in zip(values, drawn, chosen, strict=True)])


def moments(values) -> pa.Array:
    return pa.array(values, type=pa.timestamp("us", tz="UTC"))


def moved(times: pa.ChunkedArray, offsets: list[int]) -> pa.Array:
    micros = times.cast(pa.int64()).to_pylist()
    return moments([None if t is None else t + o for t, o in zip(micros, offsets, strict=True)])


def impressions(rng: np.random.Generator) -> pa.Table:
    """One row per id: about two hours of other days, keys and labels that are missing, users with many rows."""
    size = ROWS
    times = START + rng.integers(-HOUR, DAY + HOUR, size)
    times[:4] = START, START - 1, START + DAY - 1, START + DAY
    missing = rng.random(size) < 0.01
    ids = [None if rng.random() < 0.01 else f"imp-{i:05}" for i in range(size)]
    return pa.table(
        {
            "id": ids,
            "ts": moments([None if m else t for m, t in zip(missing, times.tolist(), strict=True)]),
            "user": pa.array([None if u == 0 else int(u) << 40 for u in rng.integers(0, 400, size)]),
            "country": [COUNTRIES[i] for i in rng.integers(0, len(COUNTRIES), size)],
            "device": [("ios", "android", None)[i] for i in rng.integers(0, 3, size)],
            "campaign": pa.array([None if c > 11 else int(c) for c in rng.poisson(5, size)], type=pa.int32()),
            "likes": mixed(rng, rng.random(size), ODD_LABELS),
            "bid": mixed(rng, rng.lognormal(0, 3, size), ODD_WEIGHTS),
            **{name: mixed(rng, rng.beta(0.5, 4, size), ODD_PROBABILITIES) for name in ("p_click", "p_sale", "p_like")},
            **{name: mixed(rng, rng.normal(0, 8, size), ODD_LOGITS) for name in ("z_click", "z_like")},
        }
    )


def with_copies(rng: np.random.Generator, rows: pa.Table) -> pa.Table:
    """Impressions and copies of some: exact, or with other measurements, or another label too, or moved in time."""
    exact, scores, labels, times = (rows.take(part) for part in np.split(rng.choice(ROWS, COPIES, replace=False), 4))
    other = rows.take(rng.permutation(ROWS))
    measured = ["p_click", "z_click", "bid", "country"]
    rescored, relabelled = replaced(scores, other, measured), replaced(labels, other, [*measured, "likes"])
    later = times.set_column(1, "ts", moved(times["ts"], rng.integers(-HOUR, HOUR, times.num_rows).tolist()))
    everything = pa.concat_tables([rows, exact, rescored, relabelled, later, relabelled.slice(0, 50)])
    everything = everything.take(rng.permutation(everything.num_rows))
    return everything.append_column("line", pa.array(range(everything.num_rows)))


def replaced(rows: pa.Table, other: pa.Table, names: list[str]) -> pa.Table:
    for name in names:
        rows = rows.set_column(rows.column_names.index(name), name, other[name].slice(0, rows.num_rows))
    return rows


def events(rng: np.random.Generator, rows: pa.Table, share: float) -> pa.Table:
    """A label log: some impressions have several events, some events have no id, no time or no impression."""
    chosen = rows.take(np.flatnonzero(rng.random(rows.num_rows) < share))
    times = moved(chosen["ts"], [OFFSETS[i] for i in rng.integers(0, len(OFFSETS), chosen.num_rows)])
    strangers = {"imp": ["nobody", None, "imp-00007"], "at": moments([START, START, None])}
    return pa.concat_tables([pa.table({"imp": chosen["id"], "at": times}), pa.table(strangers)])


def log(folder: Path, name: str, window: str) -> dict:
    source = {"format": "parquet", "path": str(folder / name)}
    return {"source": source, "columns": {"id": "imp", "time": "at"}, "window": window}


def configured(folder: Path) -> dict:
    models: dict[str, dict] = {"champion": {}, "candidate": {}}
    tasks: dict[str, dict] = {}
    for (task, model), (score, weight, label, given, scale) in oracle.PAIRS.items():
        models[model][task] = {"score": score, "scale": scale}
        condition = {} if given == "true" else {"given": "click"}
        tasks[task] = {"label": label, **condition, **({} if weight == "1D" else {"weight": weight})}
    columns = {"id": "id", "time": "ts", "unit": "user"}
    return document(
        folder,
        impressions={"source": {"format": "parquet", "path": str(folder / "impressions")}, "columns": columns},
        labels={
            "click": log(folder, "clicks", "1h"),
            "sale": log(folder, "sales", "2d"),
            "likes": {"column": "likes", "values": "soft"},
        },
        tasks=tasks,
        models=models,
        dimensions=list(oracle.DIMENSIONS),
        slices=[list(names) for names in oracle.SLICES],
        shards={"count": oracle.SHARDS, "salt": oracle.SALT},
        limits={"rejected_share": 1.0, "min_rows": 0, "values": {"campaign": oracle.CAP}},
    )


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> dict:
    rng, folder = np.random.default_rng(2026), tmp_path_factory.mktemp("oracle")
    rows = with_copies(rng, impressions(rng))
    parquet(folder / "impressions", rows, files=3)
    parquet(folder / "clicks", events(rng, rows, 0.4))
    parquet(folder / "sales", events(rng, rows, 0.3))
    return configured(folder)


@pytest.fixture(scope="module")
def evaluation(spark, config):
    return evaluated(spark, config)


@pytest.fixture(scope="module")
def by_sql(spark, config, evaluation) -> dict[str, pa.Table]:
    folder = Path(config["impressions"]["source"]["path"]).parent
    for name in ("impressions", "clicks", "sales"):
        spark.read.parquet(str(folder / name)).createOrReplaceTempView(name)
    oracle.views(spark)
    queries = dict(zip(EXACT, (oracle.statistics(), oracle.shard_statistics()), strict=True))
    return {name: spark.sql(query).toArrow() for name, query in queries.items()}


@pytest.mark.parametrize("name", EXACT)
def test_every_statistic_is_that_of_plain_sql(config, by_sql, name):
    ours, theirs = table(config, name).drop(["age_hours", "provisional"]), by_sql[name]
    assert set(theirs.column_names) == set(ours.column_names)
    keys = [(f.name, "ascending") for f in ours.schema if f.type in (pa.string(), pa.int32())]
    theirs = theirs.select(ours.column_names).sort_by(keys)
    assert theirs.num_rows == ours.num_rows > 1000
    for column in ours.column_names:
        assert ours[column].to_pylist() == theirs[column].to_pylist(), column


def test_the_rows_have_everything_that_could_go_wrong(config, evaluation):
    statistics, ledger = table(config, "statistics"), evaluation.ledger
    totals = {name: sum(statistics[name].to_pylist()) for name in (*oracle.TERMS, "unscored")}
    assert min(totals.values()) > 0, totals
    assert totals["squared_weight"] > 2**40, "a term of many limbs"
    assert min(ledger.outside, ledger.rejected, ledger.duplicate) > 100
    assert {"(null)", "(other)"} <= set(statistics["campaign"].to_pylist())
    expected = {"(null)", "%28other)", "%28null)", "%28", "", "a%3Db", "x%2Cy", "100%25", "日本", "DE", "FR"}
    assert set(statistics["country"].to_pylist()) == expected


@pytest.fixture(scope="module")
def on_sail(config, tmp_path_factory) -> dict:
    there = {**config, "tables": {"path": str(tmp_path_factory.mktemp("sail"))}}
    evaluated_by("sail", there)
    return there


@pytest.mark.parametrize("name", EXACT)
def test_sail_has_the_same_bits(config, evaluation, on_sail, name):
    assert table(config, name) == table(on_sail, name)
