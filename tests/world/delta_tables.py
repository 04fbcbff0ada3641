"""Delta tables of every make that a source may be, written by Apache Spark and by hand; and their rows by two readers.

`python -m tests.world.delta_tables FOLDER`: on an accelerated session, as JSON, what becomes of each of them.
"""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake
from pyspark.sql import DataFrame, SparkSession

from jobs.day import Day
from jobs.engines.session import session
from jobs.files import delta_relation, pinned
from jobs.files.pinned import Wanted
from jobs.settings import Source
from tests.world.night import DAY

NUMBERS = "SELECT id AS n, id * 0.25 AS p, concat('i', id) AS s FROM range(20)"
# What only Delta's own reader reads as it is.
BY_DELTA = {"named columns", "numbered columns", "widened", "variant", "deleted rows", "char"}


def _created(columns: str, *rows: str, partitions: str = "", **properties: str) -> Callable[[SparkSession, Path], None]:
    told = ", ".join(f"'delta.{name}' = '{value}'" for name, value in properties.items())
    by = f" PARTITIONED BY ({partitions})" if partitions else ""
    with_ = f" TBLPROPERTIES ({told})" if told else ""

    def made(spark: SparkSession, path: Path) -> None:
        spark.sql(f"CREATE TABLE delta.`{path}` ({columns}) USING delta{by}{with_}")
        for statement in rows:
            spark.sql(statement.format(table=f"delta.`{path}`"))

    return made


PLAIN = "n BIGINT, p DOUBLE, s STRING"
INTO = "INSERT INTO {table} "
TYPES = (
    "i TINYINT, j SMALLINT, k INT, x FLOAT, y DOUBLE, d DECIMAL(38,18), e DECIMAL(7,2), b BOOLEAN, t TIMESTAMP, "
    "u TIMESTAMP_NTZ, a DATE, z BINARY, l ARRAY<FLOAT>, r STRUCT<q: INT, w: STRING>, m MAP<STRING, INT>, n BIGINT"
)
VALUES = (
    "(1, 2, 3, float('nan'), -0.0D, 12345678901234567890.123456789012345678BD, -0.01BD, true, "
    "timestamp'2026-03-18 23:59:59.999999', timestamp_ntz'2026-03-18 00:00:00', date'2026-03-18', x'00ff', "
    "array(0.5F, NULL), struct(1, 'a'), map('k', 1), 9007199254740993)"
)
PARTITIONS = "dt DATE, site STRING, app BOOLEAN, hour INT, price DECIMAL(9,3), moment TIMESTAMP, n BIGINT"
KEYS = "dt, site, app, hour, price, moment"
MANY = (
    "SELECT * FROM VALUES "
    "(date'2026-03-18', 'a/b c%20=é', true, 3, 0.500BD, timestamp'2026-03-18 01:02:03.5', 1), "
    "(date'2026-03-17', NULL, false, -1, -1.250BD, timestamp'2026-03-17 00:00:00', 2), "
    "(date'2026-03-18', '', NULL, NULL, NULL, NULL, 3), (NULL, 'x', true, 3, 0BD, NULL, 4), "
    "(date'2026-03-01', 'x', true, 3, 0BD, NULL, 5)"
)


def _int96(spark: SparkSession, path: Path) -> None:
    spelled = spark.conf.get("spark.sql.parquet.outputTimestampType")
    spark.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    try:
        _created("n BIGINT, t TIMESTAMP", INTO + "VALUES (1, timestamp'2026-03-18 01:02:03.456789'), (2, NULL)")(
            spark, path
        )
    finally:
        spark.conf.set("spark.sql.parquet.outputTimestampType", str(spelled))


def _cloned(spark: SparkSession, path: Path) -> None:
    first = path.parent / "first of % clone"
    _created(PLAIN, INTO + NUMBERS)(spark, first)
    spark.sql(f"CREATE TABLE delta.`{path}` SHALLOW CLONE delta.`{first}`")
    spark.sql(f"INSERT INTO delta.`{path}` {NUMBERS}")


def spelled_otherwise(_: SparkSession, path: Path) -> None:
    """A table whose second file has `P` for `p`, as one that was converted."""
    write_deltalake(path, pa.table({"n": [0, 1], "p": [0.5, float("nan")], "moment": [datetime(2026, 3, 18)] * 2}))
    file = path / "part of it.parquet"
    pq.write_table(pa.table({"P": [0.25], "n": [2]}), file)
    add = {
        "path": "part%20of%20it.parquet",
        "size": file.stat().st_size,
        "partitionValues": {},
        "modificationTime": 0,
        "dataChange": True,
    }
    (path / "_delta_log" / f"{1:020}.json").write_text(json.dumps({"add": add}) + "\n")


MAKES: dict[str, Callable[[SparkSession, Path], None]] = {
    "plain": _created(PLAIN, INTO + NUMBERS, INTO + NUMBERS),
    "empty": _created(PLAIN),
    "types": _created(TYPES, INTO + "VALUES " + VALUES, INTO + "(n) VALUES (1)"),
    "partitions": _created(PARTITIONS, INTO + MANY, partitions=KEYS),
    "later columns": _created(
        PLAIN, INTO + NUMBERS, "ALTER TABLE {table} ADD COLUMNS (q FLOAT, l ARRAY<INT>)", INTO + "(n, q) VALUES (7, 1)"
    ),
    "required": _created(
        "n BIGINT NOT NULL, c VARCHAR(3), dt DATE GENERATED ALWAYS AS (CAST(t AS DATE)), t TIMESTAMP, w INT DEFAULT 5",
        INTO + "(n, c, t) VALUES (1, 'ab', timestamp'2026-03-18 01:00:00')",
        partitions="dt",
        **{"feature.allowColumnDefaults": "supported"},
    ),
    "char": _created("n BIGINT, c CHAR(3)", INTO + "VALUES (1, 'ab')"),
    "void": lambda spark, path: spark.sql("SELECT 1L AS n, NULL AS v").write.format("delta").save(str(path)),
    "int96": _int96,
    "space and % in its path": _created(PLAIN, INTO + NUMBERS),
    "shallow clone": _cloned,
    "spelled otherwise": spelled_otherwise,
    "row tracking": _created(PLAIN, INTO + NUMBERS, enableRowTracking="true"),
    "checkpoint": _created(PLAIN, *[INTO + NUMBERS] * 3, checkpointInterval="2", checkpointPolicy="v2"),
    "deletes allowed": _created(PLAIN, INTO + NUMBERS, enableDeletionVectors="true"),
    "deleted elsewhere": _created(
        "n BIGINT, dt DATE",
        INTO + "SELECT /*+ COALESCE(1) */ id, date'2026-03-18' - CAST(id % 3 AS INT) FROM range(30)",
        "DELETE FROM {table} WHERE dt = date'2026-03-16' AND n < 9",
        partitions="dt",
        enableDeletionVectors="true",
    ),
    "deleted rows": _created(
        "n BIGINT, dt DATE",
        INTO + "SELECT /*+ COALESCE(1) */ id, date'2026-03-18' - CAST(id % 3 AS INT) FROM range(30)",
        "DELETE FROM {table} WHERE dt = date'2026-03-18' AND n < 9",
        partitions="dt",
        enableDeletionVectors="true",
    ),
    "named columns": _created(PLAIN, INTO + NUMBERS, **{"columnMapping.mode": "name"}),
    "numbered columns": _created(PLAIN, INTO + NUMBERS, **{"columnMapping.mode": "id"}),
    "widened": _created(
        "n INT, s STRING",
        INTO + "VALUES (1, 'a')",
        "ALTER TABLE {table} ALTER COLUMN n TYPE BIGINT",
        INTO + "VALUES (9007199254740993, 'b')",
        enableTypeWidening="true",
    ),
    "variant": _created("n BIGINT, v VARIANT", INTO + """SELECT 1, parse_json('{{"a": 1}}')"""),
}


def made(spark: SparkSession, folder: Path, name: str) -> Path:
    """A table of a make, in a folder."""
    path = folder / name
    MAKES[name](spark, path)
    return path


def both(spark: SparkSession, path: Path) -> tuple[DataFrame, DataFrame]:
    """The table as Delta reads it, and as it is read where its files are its rows."""
    newest = spark.sql(f"DESCRIBE HISTORY delta.`{path}` LIMIT 1").collect()[0]["version"]
    delta = spark.read.format("delta").option("versionAsOf", newest).load(str(path))
    partition = "dt" if "dt" in delta.columns else None
    wanted = Wanted("impressions", Source(format="delta", path=str(path)), Day(DAY, "UTC"), partition)
    return delta, delta_relation.as_parquet(delta, wanted)


def of_day(frame: DataFrame) -> DataFrame:
    """A table pruned as a source is, if it has days."""
    return frame.where(f"CAST(dt AS STRING) = '{DAY}'") if "dt" in frame.columns else frame


def rows(frame: DataFrame) -> list[str]:
    """The rows of the day to the last bit, in any order: of NaN and of zero that has a sign, too."""
    return sorted(map(repr, of_day(frame).drop("v").collect()))


def plan(frame: DataFrame) -> str:
    """The physical plan of the day, without a column that Python cannot have."""
    java: Any = of_day(frame).drop("v")._jdf
    return str(java.queryExecution().executedPlan())


def main() -> None:
    """Say of each table whether its rows are the same, and what scans it."""
    found = {}
    with session("spark", accelerator="comet") as spark:
        for name in MAKES:
            path = made(spark, Path(sys.argv[1]), name)
            delta, parquet = both(spark, path)
            spark.conf.set("spark.comet.enabled", "false")
            expected = rows(delta)
            spark.conf.set("spark.comet.enabled", "true")
            scanned = "CometNativeScan" in plan(parquet)
            found[name] = {"same": rows(parquet) == expected, "rows": len(expected), "natively": scanned}
        found["pinned"] = {"natively": "CometNativeScan" in plan(_pinned(spark, Path(sys.argv[1]) / "plain"))}
    print(json.dumps(found))


def _pinned(spark: SparkSession, path: Path) -> DataFrame:
    source = Source(format="delta", path=str(path))
    return pinned.pinned(spark, Wanted("impressions", source, Day(DAY, "UTC"))).frame


if __name__ == "__main__":
    main()
