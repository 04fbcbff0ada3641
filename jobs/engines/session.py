"""The two engines behind one door: Apache Spark with Delta, and Sail in this process."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import pyspark
from pyspark import SparkConf, SparkContext  # noqa: TID251 - the one place that may
from pyspark.sql import SparkSession

from jobs.engines import comet, failures, java, sail
from jobs.engines.identity import DELTA_CLASS, REMEDY, is_classic
from jobs.engines.options import ivy, of_new
from jobs.engines.pins import DEFAULTS, REQUIRED, check_versions, installed_versions, is_remote, known_engine, pair_of
from jobs.errors import EngineError

__all__ = ["EngineError", "accelerated", "acceleration", "close_session", "engine_versions", "open_session", "session"]


@dataclass(slots=True)
class _Open:
    """The engine that this process runs: `plain` says why it is not accelerated, `uses` counts who asked for it."""

    engine: str
    session: SparkSession
    server: Any
    owned: bool
    plain: str | None = None
    uses: int = 1


# A process holds at most one: PySpark mixes up the two kinds of sessions.
_OPEN: Final[list[_Open]] = []
_HERE: Final[WeakKeyDictionary[SparkSession, bool]] = WeakKeyDictionary()
# How Delta is to write, where somebody has configured that.
OF_WRITING: Final = ("spark.delta.logStore.", "spark.databricks.delta.properties.defaults.")


@contextmanager
def session(
    engine: str, *, app: str = "lossledger", settings: Mapping[str, str] | None = None, accelerator: str = "none"
) -> Iterator[SparkSession]:
    """Open a session for the length of a `with` block; see `open_session`.

    Raises:
        RuntimeFailure: The JVM of Apache Spark ended within the block (exit 3).
    """
    opened = open_session(engine, app=app, settings=settings, accelerator=accelerator)
    try:
        yield opened
    except failures.GONE as error:
        raise failures.explained(error) from error
    finally:
        close_session(opened)


def open_session(
    engine: str, *, app: str = "lossledger", settings: Mapping[str, str] | None = None, accelerator: str = "none"
) -> SparkSession:
    """Return a session of the engine, starting the engine if this process has none.

    Args:
        engine: `spark` or `sail`, or the address of a server of Spark Connect, `sc://HOST:PORT`.
        app: The name of the application.
        settings: Further Spark settings; they win over ours.
        accelerator: Of Apache Spark: `comet`, `auto` or `none`; see `comet.chosen`. One that is running stays as it is.

    Raises:
        EngineError: The engine or the accelerator cannot be had, or another engine is open in this process.
    """
    comet.known_accelerator(accelerator, known_engine(engine))
    check_versions()
    if _OPEN:
        return _shared(engine, settings or {})
    opened = _opened(engine, app, settings or {}, accelerator)
    _OPEN.append(opened)
    return opened.session


def _opened(engine: str, app: str, settings: Mapping[str, str], accelerator: str) -> _Open:
    if engine != "spark" and SparkContext._active_spark_context is not None:
        raise EngineError("an Apache Spark session is open in this process; stop it, or use --engine spark")
    if is_remote(engine):
        from jobs.engines import connect  # noqa: PLC0415 - loads gRPC, which a cluster's driver does without

        return _Open(engine, connect.opened(engine, settings), None, owned=True)
    return _open_spark(app, settings, accelerator) if engine == "spark" else _open_sail(app, settings)


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
    return {**installed_versions(), **started, **accelerated()}


def acceleration() -> str | None:
    """Say whether the engine of this process is accelerated, or why it is not; None where nobody may want to know."""
    version = accelerated().get("comet")
    if version is not None:
        return f"accelerated by Apache DataFusion Comet {version}"
    plain = _OPEN[0].plain if _OPEN else None
    return None if plain is None else f"not accelerated: {plain}"


def is_here(session: SparkSession) -> bool:
    """Whether Apache Spark is on this machine alone, plain paths are of its disks, and nobody says how Delta writes."""
    if not is_classic(session):
        return False
    if session not in _HERE:
        context = session.sparkContext
        alone = re.fullmatch(r"local(\[.*\])?", str(context.master)) is not None  # and not local-cluster[…]
        disk = str(context._jsc.hadoopConfiguration().get("fs.defaultFS")).startswith("file:")
        _HERE[session] = alone and disk and not any(n.startswith(OF_WRITING) for n, _ in context.getConf().getAll())
    return _HERE[session]


def accelerated() -> dict[str, str]:
    """Return the version of Comet, where the plans of this process run on it."""
    context = SparkContext._active_spark_context
    chosen = {} if context is None else dict(context.getConf().getAll())
    version = chosen.get("spark.comet.version")
    if version is None or chosen.get("spark.comet.enabled") == "false" or comet.fault(SparkContext._jvm) is not None:
        return {}
    return {"comet": version}


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
    if running.engine != "spark":
        # As long as it is set, PySpark takes every further session for a remote one.
        os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


def _open_sail(app: str, settings: Mapping[str, str]) -> _Open:
    opened, server = sail.served(app, settings)
    return _Open("sail", opened, server, owned=True)


def _open_spark(app: str, settings: Mapping[str, str], accelerator: str) -> _Open:
    _check_not_remote()
    found = SparkContext._active_spark_context is not None
    ours = _jvm_is_ours()
    # A JVM that an earlier session has left finds no other classes than it was started with.
    fresh = ours and SparkContext._gateway is None
    choice = comet.chosen(accelerator, pair_of(pyspark.__version__), ivy(settings)) if fresh else comet.Choice()
    options = of_new(app, settings, choice) if ours else _options_of_submitted(settings, accelerator)
    builder = SparkSession.builder.config(map={**options})
    try:
        with java.stdout_kept_clean():
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
        choice = _check_accelerated(choice, accelerator)
        if accelerated():
            comet.fit_broadcasts(opened.conf, opened._jvm)
    except EngineError:
        if not found:
            opened.stop()
        raise
    return _Open("spark", opened, None, owned=not found, plain=choice.reason)


def _check_not_remote() -> None:
    remote = [name for name in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED") if name in os.environ]
    if remote:
        raise EngineError(f"{remote[0]} is set, so PySpark would start a remote session; unset it")


def _jvm_is_ours() -> bool:
    """Tell whether this process starts the JVM, and not spark-submit or a notebook."""
    return SparkContext._active_spark_context is None and "PYSPARK_GATEWAY_PORT" not in os.environ


def _options_of_submitted(settings: Mapping[str, str], accelerator: str) -> dict[str, str]:
    """Return what a JVM that was started for us still needs; its own choices stay, except for an accelerator."""
    SparkContext._ensure_initialized()
    active = SparkContext._active_spark_context
    chosen = SparkConf() if active is None else active.getConf()
    missing = {name: value for name, value in DEFAULTS.items() if not chosen.contains(name)}
    switched = {"spark.comet.enabled": "false"} if active is None and accelerator == "none" else {}
    return {**missing, **switched, **REQUIRED, **settings}


def _check_spark(opened: SparkSession) -> None:
    """Raise where the JVM has another Spark or Delta than was tested, or none."""
    pair = pair_of(opened.version)
    if pyspark.__version__ != pair.spark:
        raise EngineError(f"PySpark {pyspark.__version__} has started Apache Spark {pair.spark}; they must be the same")
    jvm: Any = opened._jvm
    if not jvm.org.apache.spark.util.Utils.classIsLoadable(DELTA_CLASS):
        raise EngineError(
            f"this Spark has no Delta jars; {REMEDY}, or --jars with those of python -m jobs.engines.jars"
        )
    if DELTA_CLASS not in (opened.conf.get("spark.sql.extensions", None) or ""):
        raise EngineError(f"this Spark session has no Delta extension; {REMEDY}")
    delta = jvm.io.delta.package.VERSION()
    if delta != pair.delta:
        raise EngineError(f"lossledger needs Delta's jars {pair.delta}, but {delta} are here")


def _check_accelerated(choice: comet.Choice, accelerator: str) -> comet.Choice:
    """Raise where Spark must be accelerated and is not; where it only might be, say why it is not."""
    if accelerated():
        return choice
    if choice.jars:
        return comet.refused(accelerator, f"Comet could not be loaded ({comet.fault(SparkContext._jvm)})")
    if accelerator == "comet":
        comet.refused(accelerator, "it was started without Comet, which --properties-file conf/spark-comet.conf brings")
    return choice
