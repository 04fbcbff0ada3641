"""Which engine is behind a session: asked of the session itself, once. Over Spark Connect it may be either."""

from typing import Final
from weakref import WeakKeyDictionary

from pyspark.sql import SparkSession

from jobs.engines.pins import SAIL, TESTED
from jobs.errors import EngineError

_ASKED: Final[WeakKeyDictionary[SparkSession, str]] = WeakKeyDictionary()


def engine_of(session: SparkSession) -> str:
    """The engine that computes for a session, `spark` or `sail`, whatever way leads to it.

    Raises:
        EngineError: It is neither of them, or another Sail than the tested one (exit 3).
    """
    if session not in _ASKED:
        _ASKED[session] = "spark" if _is_classic(session) else _asked(session)
    return _ASKED[session]


def check_reached(session: SparkSession) -> None:
    """Raise EngineError (exit 3) for Apache Spark over Spark Connect: its Delta and its plans are out of reach."""
    if engine_of(session) == "spark" and not _is_classic(session):
        raise EngineError(
            "Apache Spark is reached over Spark Connect, by which lossledger neither reads nor writes its tables yet; "
            "run on the cluster itself, by spark-submit jobs/evaluate.py or in a session of its driver"
        )


def _is_classic(session: SparkSession) -> bool:
    """Whether a session is a classic one: that of Spark Connect has the same name, and is no subclass."""
    return isinstance(session, SparkSession)


def _asked(session: SparkSession) -> str:
    """What a server of Spark Connect says it is: all of them claim to be the Spark whose language they speak."""
    told = str(session.sql("SELECT version()").collect()[0][0])
    if told == SAIL:
        return "sail"
    # Apache Spark adds the revision that it was built from.
    if told.split(maxsplit=1)[0] == session.version:
        return "spark"
    raise EngineError(
        f"the server of this Spark Connect session is version {told!r}; lossledger knows Apache Spark {TESTED} "
        f"and Sail {SAIL}"
    )
