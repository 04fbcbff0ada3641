"""Which engine is behind a session: asked of the session itself, once. Over Spark Connect it may be either."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

import pyspark
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs import calling
from jobs.engines.pins import SAIL, TESTED, pair_of
from jobs.engines.sail import MODE, mode
from jobs.errors import EngineError

DELTA_CLASS: Final = "io.delta.sql.DeltaSparkSessionExtension"
REMEDY: Final = "start it with --properties-file conf/spark-defaults.conf"


@dataclass(frozen=True)
class _Identity:
    """An engine, and what there is to say of its server."""

    engine: str
    served: Mapping[str, str] = field(default_factory=dict)


_ASKED: Final[WeakKeyDictionary[SparkSession, _Identity]] = WeakKeyDictionary()


def engine_of(session: SparkSession) -> str:
    """The engine that computes for a session, `spark` or `sail`, whatever way leads to it.

    Raises:
        EngineError: It is neither of them, another Sail than the tested one, or a server of Apache Spark that is of
            another release than PySpark here or has not the Delta that it was tested with (exit 3).
    """
    return _identity(session).engine


def served_by(session: SparkSession) -> Mapping[str, str]:
    """For `runs`: the versions on the server where Apache Spark is reached over Spark Connect; the mode of Sail."""
    return _identity(session).served


def is_classic(session: SparkSession) -> bool:
    """Whether a session is a classic one: that of Spark Connect has the same name, and is no subclass."""
    return isinstance(session, SparkSession)


def _identity(session: SparkSession) -> _Identity:
    if session not in _ASKED:
        _ASKED[session] = _Identity("spark") if is_classic(session) else _asked(session)
    return _ASKED[session]


def _asked(session: SparkSession) -> _Identity:
    """What a server of Spark Connect says it is: all of them claim to be the Spark whose language they speak."""
    told = str(session.sql("SELECT version()").collect()[0][0])
    if told == SAIL:
        return _Identity("sail", {"sail_mode": mode()} if MODE in os.environ else {})
    # Apache Spark adds the revision that it was built from.
    if told.split(maxsplit=1)[0] != session.version:
        raise EngineError(
            f"the server of this Spark Connect session is version {told!r}; lossledger knows Apache Spark {TESTED} "
            f"and Sail {SAIL}"
        )
    return _Identity("spark", {"connect": told, **_checked(session)})


def _checked(session: SparkSession) -> dict[str, str]:
    """The versions of Delta and Java on a server, after it was checked that it fits what is here."""
    pair = pair_of(session.version, "the Spark Connect server")
    if pair.spark != pyspark.__version__:
        mend = calling.pip(f"pyspark=={pair.spark} delta-spark=={pair.delta}")
        raise EngineError(
            f"the Spark Connect server is Apache Spark {pair.spark}, but PySpark {pyspark.__version__} is here; "
            f"run: {mend}"
        )
    if DELTA_CLASS not in (session.conf.get("spark.sql.extensions", None) or ""):
        raise EngineError(f"the Spark Connect server has no Delta extension; {REMEDY}")
    delta = _of_java(session, "'io.delta.package', 'VERSION'")
    if delta != pair.delta:
        raise EngineError(
            f"lossledger needs Delta's jars {pair.delta}, but the Spark Connect server has {delta}; {REMEDY}"
        )
    return {"delta": delta, "java": _of_java(session, "'java.lang.System', 'getProperty', 'java.version'")}


def _of_java(session: SparkSession, method: str) -> str:
    """What a method of Java on the server says: there is no gateway to it."""
    try:
        return str(session.sql(f"SELECT java_method({method})").collect()[0][0])
    except PySparkException as error:
        told = str(error).splitlines()[0]
        raise EngineError(f"the Spark Connect server does not tell which Delta it has: {told}; {REMEDY}") from error
