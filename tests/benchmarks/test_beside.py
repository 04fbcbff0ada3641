"""What stands beside ours in the benchmark has the same output: the same sums, of the same slices and shards."""

from collections.abc import Mapping
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.beside.question import COUNTS, DIMENSIONS, KEYS, LOGARITHMS, TERMS, Question, implied
from benchmarks.beside.sql import number_of
from benchmarks.cases import Case, Logs
from benchmarks.data import configuration, generate
from jobs import nightly
from jobs.settings import parse
from tests.world.two_nights import held
from udfs.catalog import columns_of
from udfs.exact.decimals import UNITS

pytestmark = pytest.mark.bench

LOGS = Logs(4000, cells=240, copies=20)
USERS = LOGS.rows // 20

Sums = dict[tuple[Any, ...], dict[str, Any]]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    generate(folder, LOGS)
    return folder


@pytest.fixture(scope="module")
def shard(spark: SparkSession) -> str:
    """Our shard of a user, as SQL that needs no hash of ours."""
    text = F.col("id").cast("string")
    rows = spark.range(USERS).select("id", F.pmod(F.xxhash64(F.lit(""), text), F.lit(32)).alias("shard")).collect()
    return f"CASE user_id {' '.join(f'WHEN {row.id} THEN {row.shard}' for row in rows)} END"


@pytest.fixture(scope="module", params=["none", "remove"])
def ours(request: pytest.FixtureRequest, spark: SparkSession, logs: Path) -> tuple[str, Sums]:
    """The sums of both tables, by model and by the values of what they are grouped by."""
    case = Case("ours", LOGS, duplicates=request.param)
    settings = parse(configuration(case, logs, logs / "tables" / request.param))
    nightly.evaluate(spark, settings, date(2026, 11, 20))
    names = columns_of("binary", settings.loss.options)
    found: Sums = {}
    for table in ("statistics", "shard_statistics"):
        for row in held(spark, settings, table).to_pylist():
            key = of_cell(row) if table == "statistics" else of_slice(row)
            assert (row["model"], *key) not in found
            found[row["model"], *key] = {name: row[name] for name in names}
    return request.param, found


def of_cell(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(row[name] for name in DIMENSIONS), None)


def of_slice(row: Mapping[str, Any]) -> tuple[Any, ...]:
    values = dict(part.split("=") for part in row["slice"].split(",") if part)
    return (*(values.get(name) for name in DIMENSIONS), row["shard"])


def theirs(who: str, question: Question) -> Sums:
    """The same of an answer, with the sums that follow from others."""
    with import_module(f"benchmarks.beside.{who}").asked(question) as answer:
        table: pa.Table = answer()
    assert set(table["grouped_by"].to_pylist()) == {number_of(group) for group in question.groups}
    found: Sums = {}
    for row in table.to_pylist():
        for model in question.models:
            own = {name: row[f"{name}_{model}"] for name in (*COUNTS, *TERMS)}
            counts = {"rows": int(row["rows"]), **{name: int(own[name]) for name in COUNTS}}
            key = (model, *(row[name] for name in KEYS))
            assert key not in found
            found[key] = {**own, **counts, **implied(counts)}
    return found


def units(name: str, value: Any) -> int:
    """A sum of ours in the unit of exact answers: 10⁻¹⁵, and 1 where it counts rows."""
    return int(value * UNITS) if name in TERMS else int(value)


def units_off(who: str, engine: str, name: str) -> int:
    """By how many units a term may differ: none with the logarithm of Java and halves rounded to even."""
    if who == "spark_sql" and engine == "spark":
        return 0
    # An ulp of a loss is up to 2 units, of its square 20. Sail's `rint` takes halves away from zero.
    return 20 if name in LOGARITHMS else int(who == "spark_sql" and name in TERMS)


@pytest.mark.parametrize("who", ["spark_sql", "duck_db", "polars_"])
def test_exact_sums_are_ours(engine, who, ours, logs, shard):
    duplicates, sums = ours
    found = theirs(who, Question(logs, engine, "exact", duplicates, shard=shard))
    assert found.keys() == sums.keys()
    for key, of_ours in sums.items():
        for name, value in of_ours.items():
            off = abs(units(name, value) - int(found[key][name]))
            assert off <= units_off(who, engine, name) * of_ours["n"], (key, name, off)


@pytest.mark.parametrize("who", ["spark_sql", "duck_db", "polars_"])
def test_sums_of_floats_are_ours_to_nine_digits(engine, who, ours, logs, shard):
    duplicates, sums = ours
    found = theirs(who, Question(logs, engine, "float", duplicates, shard=shard))
    assert found.keys() == sums.keys()
    for key, of_ours in sums.items():
        for name, value in of_ours.items():
            assert float(found[key][name]) == pytest.approx(float(value), rel=1e-9, abs=1e-9), (key, name)
    assert any(float(found[key]["squared_nll"]) for key in found)


def test_nobody_is_asked_for_less_than_our_tables_hold(ours):
    _, sums = ours
    names = {*TERMS, *COUNTS, *implied({"rows": 1, "n": 1, "positive_weight": 0})}
    assert {frozenset(each) for each in sums.values()} == {frozenset(names)}


@pytest.mark.parametrize("who", ["duck_db", "polars_"])
def test_their_own_shards_hold_the_same_rows_in_all(engine, who, ours, logs):
    duplicates, sums = ours
    found = theirs(who, Question(logs, engine, "exact", duplicates))
    total = sum(each["n"] for key, each in sums.items() if key[-1] is not None)
    assert sum(each["n"] for key, each in found.items() if key[-1] is not None) == total
    assert {key[-1] for key in found} == {None, *range(32)}
