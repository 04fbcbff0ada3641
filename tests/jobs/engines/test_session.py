"""Both engines start as declared, read and write Delta, and refuse to be mixed."""

import datetime
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from jobs.engines import comet, jars
from jobs.engines import session as engines
from jobs.engines.identity import engine_of
from jobs.engines.jars import EXCLUDES, delta
from jobs.engines.pins import (
    DEFAULTS,
    JAVA_OPTIONS,
    PAIRS,
    REQUIRED,
    SAIL,
    check_versions,
    conf_file,
    known_engine,
    pair_of,
)
from jobs.errors import ConfigurationError, EngineError, RuntimeFailure
from tests.world import child
from tests.world.night import parquet


def other(engine):
    return "sail" if engine == "spark" else "spark"


def test_the_version_is_a_tested_one(spark):
    assert spark.version in {pair.spark for pair in PAIRS}


def test_the_time_zone_is_utc(spark):
    moment = spark.sql(
        "SELECT timestamp'2026-11-18 00:00:00Z' AS t, CAST(timestamp'2026-11-18 00:00:00Z' AS STRING) AS s"
    )
    row = moment.toArrow().to_pylist()[0]
    assert row["s"] == "2026-11-18 00:00:00"
    assert row["t"] == datetime.datetime(2026, 11, 18, tzinfo=row["t"].tzinfo)


def test_the_required_settings_hold(spark):
    assert {name: spark.conf.get(name) for name in REQUIRED} == REQUIRED


@pytest.mark.only_engine("spark")
def test_the_default_settings_hold(spark):
    changed_by_tests = {"spark.driver.memory"}
    assert {name: spark.conf.get(name) for name in DEFAULTS if name not in changed_by_tests} == {
        name: value for name, value in DEFAULTS.items() if name not in changed_by_tests
    }


def test_a_cast_that_fails_raises(spark):
    with pytest.raises(Exception, match=r"(?i)cast"):
        spark.sql("SELECT CAST(x AS INT) FROM VALUES ('no') AS t(x)").collect()


def test_delta_writes_and_reads_back(spark, tmp_path):
    path = str(tmp_path / "table")
    frame = spark.sql("SELECT id, DATE'2026-11-18' AS event_date FROM range(5)")
    frame.write.format("delta").partitionBy("event_date").save(path)
    day = frame.where("id < 3").write.format("delta").mode("overwrite")
    day.option("replaceWhere", "event_date = DATE'2026-11-18'").save(path)
    read = spark.read.format("delta").load(path)
    assert sorted(row.id for row in read.collect()) == [0, 1, 2]


def test_python_workers_run_arrow_functions(spark):
    frame = spark.range(10).mapInArrow(lambda batches: batches, "id long")
    assert sorted(row.id for row in frame.collect()) == list(range(10))


def test_the_same_engine_is_shared_and_the_other_refused(spark, engine):
    with engines.session(engine) as again:
        assert again is spark
    assert spark.range(1).count() == 1
    with pytest.raises(EngineError, match=f"this process runs the engine {engine}"):
        engines.open_session(other(engine))


@pytest.mark.only_engine("spark")
def test_a_jvm_that_is_gone_is_told_as_that_by_every_command(spark, engine):
    with pytest.raises(RuntimeFailure, match="the JVM of Apache Spark ended"), engines.session(engine):
        raise ConnectionRefusedError


def test_a_foreign_session_cannot_be_closed(spark):
    with pytest.raises(EngineError, match="not open"):
        engines.close_session(object())


def test_the_versions_are_reported(spark, engine):
    versions = engines.engine_versions()
    assert pair_of(versions["pyspark"]).delta == versions["delta-spark"]
    assert versions["pysail"] == SAIL
    assert ("java" in versions) == (engine == "spark")


@pytest.mark.only_engine("spark")
def test_stdout_stays_clean_and_the_other_engine_may_follow(spark):
    code = (
        "import sys\n"
        "from jobs.engines.session import session\n"
        "for engine in sys.argv[1:]:\n"
        "    with session(engine) as opened:\n"
        "        assert opened.range(3).count() == 3\n"
        "print('{}')\n"
    )
    run = child.succeeded(sys.executable, "-c", code, "sail", "spark", "sail")
    assert run.out == "{}\n"


def test_an_unknown_engine_is_refused():
    with pytest.raises(
        ConfigurationError, match=r"found 'sparc', expected one of spark, sail, or sc://.*; did you mean 'spark'"
    ):
        known_engine("sparc")


@pytest.mark.parametrize(
    ("name", "version", "advice"),
    [
        ("pyspark", "4.2.1", "tested with Apache Spark 4.1.4 or 4.2.0, .* install pyspark==4.1.4 delta-spark==4.4.0"),
        ("delta-spark", "4.4.1", "than delta-spark 4.4.1; run: .*delta-spark==4.4.0"),
        ("pysail", "0.7.1", "than pysail 0.7.1; run: .*pysail==0.7.2"),
        ("pandas", "3.0.0", "than pandas 3.0.0; run: .*<3"),
    ],
)
def test_another_version_is_refused(monkeypatch, name, version, advice):
    real = engines.installed_versions()
    monkeypatch.setattr("jobs.engines.pins.metadata.version", lambda asked: version if asked == name else real[asked])
    with pytest.raises(EngineError, match=advice):
        check_versions()


@pytest.mark.parametrize("pair", PAIRS)
def test_every_tested_pair_is_taken(monkeypatch, pair):
    real = engines.installed_versions() | {"pyspark": pair.spark, "delta-spark": pair.delta}
    monkeypatch.setattr("jobs.engines.pins.metadata.version", real.__getitem__)
    check_versions()


def test_a_session_knows_its_engine(spark, engine):
    assert engine_of(spark) == engine


def test_a_remote_session_is_refused(monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE", "sc://example:15002")
    with pytest.raises(EngineError, match="SPARK_REMOTE is set"):
        engines.open_session("spark")


def test_spark_submit_gets_the_same_settings():
    lines = conf_file("spark-defaults.conf").read_text().splitlines()
    conf = dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))
    extra = {
        "spark.jars.packages": delta(PAIRS[0])[0],
        "spark.jars.excludes": ",".join(EXCLUDES),
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=conf/log4j2.properties {JAVA_OPTIONS}",
    }
    assert conf == {**REQUIRED, **DEFAULTS, **extra}


def test_spark_submit_gets_the_settings_of_the_accelerator_too():
    plain, accelerated = (
        dict(line.split(None, 1) for line in conf_file(name).read_text().splitlines() if line and line[0] != "#")
        for name in ("spark-defaults.conf", "spark-comet.conf")
    )
    packages = f"{delta(PAIRS[0])[0]},{jars.comet(PAIRS[0])[0]}"
    assert accelerated == {**plain, **comet.SETTINGS, comet.POOL: "4g", "spark.jars.packages": packages}


def test_a_spark_that_was_submitted_with_an_accelerator_goes_without_it_where_that_is_asked(monkeypatch):
    monkeypatch.setattr(engines.SparkContext, "_ensure_initialized", lambda: None)
    monkeypatch.setattr(engines, "SparkConf", lambda: SimpleNamespace(contains=lambda name: True))
    assert engines._options_of_submitted({}, "none") == {**REQUIRED, "spark.comet.enabled": "false"}
    assert engines._options_of_submitted({}, "auto") == REQUIRED


def test_only_the_session_module_reaches_into_the_jvm():
    others = [path for path in Path(engines.__file__).parent.glob("*.py") if path.name != "session.py"]
    reaching = [
        path.name for path in others if re.search(r"sparkContext|SparkContext|_jvm\b|\.rdd\b", path.read_text())
    ]
    assert reaching == []


def test_numbers_that_are_all_the_same_beside_nan_are_read_as_they_are(spark, tmp_path):
    parquet(tmp_path / "rows", {"p": np.array([0.25, np.nan, 0.25])})
    read = spark.read.parquet(str(tmp_path / "rows")).toArrow()["p"].to_pylist()
    assert np.isnan(read).tolist() == [False, True, False]
