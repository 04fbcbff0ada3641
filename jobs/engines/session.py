"""The two engines behind one door: Apache Spark with Delta, and Sail in this process."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyspark
from pyspark import SparkConf, SparkContext  # noqa: TID251 - the one place that may
from pyspark.sql import SparkSession

from jobs.engines import failures, jars, java
from jobs.engines.pins import DEFAULTS, REQUIRED, check_versions, conf_file, installed_versions, known_engine, pair_of
from jobs.errors import EngineError

__all__ = ["EngineError", "close_session", "engine_versions", "open_session", "session"]

DELTA_CLASS: Final = "io.delta.sql.DeltaSparkSessionExtension"
DRIVER_OPTIONS: Final = "spark.driver.extraJavaOptions"


@dataclass(slots=True)
class _Open:
    """The engine that this process runs; `uses` counts who asked for it."""

    engine: str
    session: SparkSession
    server: Any
    owned: bool
    uses: int = 1


# A process holds at most one: PySpark mixes up the two kinds of sessions.
_OPEN: Final[list[_Open]] = []


@contextmanager
def session(
    engine: str, *, app: str = "lossledger", settings: Mapping[str, str] | None = None
) -> Iterator[SparkSession]:
    """Open a session for the length of a `with` block; see `open_session`.

    Raises:
        RuntimeFailure: The JVM of Apache Spark ended within the block (exit 3).
    """
    opened = open_session(engine, app=app, settings=settings)
    try:
        yield opened
    except failures.GONE as error:
        raise failures.explained(error) from error
    finally:
        close_session(opened)


def open_session(engine: str, *, app: str = "lossledger", settings: Mapping[str, str] | None = None) -> SparkSession:
    """Return a session of the engine, starting the engine if this process has none.

    Args:
        engine: `spark` or `sail`.
        app: The name of the application.
        settings: Further Spark settings; they win over ours.

    Raises:
        EngineError: The engine cannot be had, or another one is open in this process.
    """
    known_engine(engine)
    check_versions()
    if _OPEN:
        return _shared(engine, settings or {})
    opened = _open_spark(app, settings or {}) if engine == "spark" else _open_sail(app, settings or {})
    _OPEN.append(opened)
    return opened.session


def close_session(opened: SparkSession) -> None:
    """Stop the engine when its last user closes it; a session that was there before us stays."""
    if not _OPEN or _OPEN[0].session is not opened:
        raise EngineError("this session is not open")
    running = _OPEN[0]
    running.uses -= 1
    if running.uses == 0:
        _OPEN.clear()
        _stop(running)


def engine_versions() -> dict[str, str]:
    """Return the versions of all that has a say in the numbers, for the `runs` table."""
    jvm: Any = SparkContext._jvm
    started = {} if jvm is None else {"java": str(jvm.java.lang.System.getProperty("java.version"))}
    return {**installed_versions(), **started}


def _shared(engine: str, settings: Mapping[str, str]) -> SparkSession:
    running = _OPEN[0]
    if running.engine != engine:
        raise EngineError(
            f"this process runs the engine {running.engine}; close it before opening {engine}, or use another process"
        )
    running.uses += 1
    for name, value in settings.items():
        if running.session.conf.isModifiable(name):
            running.session.conf.set(name, value)
    return running.session


def _stop(running: _Open) -> None:
    if running.owned:
        # Of a JVM that is gone nothing is left to stop; whoever called it has been told.
        with suppress(*failures.GONE):
            running.session.stop()
    if running.server is not None:
        running.server.stop()
        # As long as it is set, PySpark takes every further session for a remote one.
        os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


def _open_sail(app: str, settings: Mapping[str, str]) -> _Open:
    if SparkContext._active_spark_context is not None:
        raise EngineError("an Apache Spark session is open in this process; stop it, or use --engine spark")
    from pysail.spark import SparkConnectServer  # noqa: PLC0415 - loads 200 MB that Spark does without

    # Left by other Connect sessions, the token makes the client speak TLS, which hangs on a local server.
    os.environ.pop("SPARK_CONNECT_AUTHENTICATE_TOKEN", None)
    # Its log says INFO about every session; errors reach us as exceptions.
    os.environ.setdefault("RUST_LOG", "error")
    # The client would ask a company's proxy for the way to this very process.
    os.environ.setdefault("no_grpc_proxy", "127.0.0.1")
    # Parquet's least and largest value pass over NaN: of 0.25 and NaN it would read 0.25 in every row.
    os.environ["SAIL_EXECUTION__COLLECT_STATISTICS"] = "false"
    # On the usual 8 MB a query of 700 ORs, which is a tree as deep, ends the process.
    os.environ.setdefault("SAIL_RUNTIME__STACK_SIZE", str(64 * 2**20))
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    opened = SparkSession.builder.appName(app).remote(f"sc://127.0.0.1:{port}").getOrCreate()
    for name, value in {**REQUIRED, **settings}.items():
        opened.conf.set(name, value)
    return _Open("sail", opened, server, owned=True)


def _open_spark(app: str, settings: Mapping[str, str]) -> _Open:
    _check_not_remote()
    found = SparkContext._active_spark_context is not None
    ours = _jvm_is_ours()
    options = _options_of_new(app, settings) if ours else _options_of_submitted(settings)
    builder = SparkSession.builder
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        with _stdout_kept_clean():
            opened = builder.getOrCreate()
    except Exception as error:
        if not ours or "SPARK_HOME" not in os.environ:
            raise
        told = (
            f"Apache Spark at SPARK_HOME={os.environ['SPARK_HOME']} did not start: {failures.told(error, whole=True)}"
        )
        raise EngineError(f"{told}; unset SPARK_HOME to take the one that pip installed") from error
    try:
        _check_spark(opened)
    except EngineError:
        if not found:
            opened.stop()
        raise
    return _Open("spark", opened, None, owned=not found)


def _check_not_remote() -> None:
    remote = [name for name in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED") if name in os.environ]
    if remote:
        raise EngineError(f"{remote[0]} is set, so PySpark would start a remote session; unset it")


def _jvm_is_ours() -> bool:
    """Tell whether this process starts the JVM, and not spark-submit or a notebook."""
    return SparkContext._active_spark_context is None and "PYSPARK_GATEWAY_PORT" not in os.environ


def _options_of_submitted(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a JVM that was started for us still needs; its own choices stay."""
    SparkContext._ensure_initialized()
    active = SparkContext._active_spark_context
    chosen = SparkConf() if active is None else active.getConf()
    missing = {name: value for name, value in DEFAULTS.items() if not chosen.contains(name)}
    return {**missing, **REQUIRED, **settings}


def _options_of_new(app: str, settings: Mapping[str, str]) -> dict[str, str]:
    options = {"spark.app.name": app, **DEFAULTS, **REQUIRED, **settings}
    os.environ["JAVA_HOME"] = str(java.java_home())
    # Workers must run what the driver runs, also where the command was started by its full path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if options.get("spark.master", "local").startswith("local"):
        # The usual 200 are as many small files per task; a cluster's own choice stays.
        options.setdefault("spark.sql.shuffle.partitions", str(2 * (os.cpu_count() or 1)))
    log4j = f'"-Dlog4j2.configurationFile={conf_file("log4j2.properties")}"'
    options[DRIVER_OPTIONS] = f"{log4j} {settings.get(DRIVER_OPTIONS, '')}".strip()
    if not _brings_delta(settings):
        ivy = settings.get("spark.jars.ivy")
        found = jars.delta_jars(None if ivy is None else Path(ivy))
        given = [settings["spark.jars"]] if "spark.jars" in settings else []
        options["spark.jars"] = ",".join([*given, *map(str, found)])
    return options


def _brings_delta(settings: Mapping[str, str]) -> bool:
    """Tell whether the caller brings Delta; a second copy on the class path fails in odd ways."""
    places = (settings.get("spark.jars"), settings.get("spark.jars.packages"))
    return any("delta-spark" in (text or "") for text in (*places, os.environ.get("PYSPARK_SUBMIT_ARGS")))


def _check_spark(opened: SparkSession) -> None:
    """Raise where the JVM has another Spark or Delta than was tested, or none."""
    pair = pair_of(opened.version)
    if pyspark.__version__ != pair.spark:
        raise EngineError(f"PySpark {pyspark.__version__} has started Apache Spark {pair.spark}; they must be the same")
    jvm: Any = opened._jvm
    remedy = "start it with --properties-file conf/spark-defaults.conf"
    if not jvm.org.apache.spark.util.Utils.classIsLoadable(DELTA_CLASS):
        raise EngineError(
            f"this Spark has no Delta jars; {remedy}, or --jars with those of python -m jobs.engines.jars"
        )
    if DELTA_CLASS not in (opened.conf.get("spark.sql.extensions", None) or ""):
        raise EngineError(f"this Spark session has no Delta extension; {remedy}")
    delta = jvm.io.delta.package.VERSION()
    if delta != pair.delta:
        raise EngineError(f"lossledger needs Delta's jars {pair.delta}, but {delta} are here")


@contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Send what the JVM prints to stderr: our stdout may be read as JSON."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
