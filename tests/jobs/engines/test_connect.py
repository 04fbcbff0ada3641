"""A server of Spark Connect is asked what it is, and refused where it is not there or not one that was tested."""

import os
from contextlib import contextmanager
from types import SimpleNamespace

import pyspark
import pytest
from pysail.spark import SparkConnectServer
from pyspark.errors import AnalysisException

from jobs.engines import connect
from jobs.engines.identity import DELTA_CLASS, engine_of, served_by
from jobs.engines.pins import PAIRS, SAIL
from jobs.errors import ConfigurationError, EngineError

HERE = next(pair for pair in PAIRS if pair.spark == pyspark.__version__)
REVISION = "32f7299601108917fb01920a54e084595b7b3bf8"


class Connected:
    """A session of Spark Connect, as far as it is asked what is behind it."""

    def __init__(self, told, version=HERE.spark, delta=HERE.delta, extensions=DELTA_CLASS):
        self.version = version
        self.conf = SimpleNamespace(get=lambda *_: extensions)
        self.asked = []
        self.told = {"version()": told, "io.delta": delta, "java.version": "17.0.15"}

    def sql(self, query):
        self.asked.append(query)
        said = next(text for part, text in self.told.items() if part in query)
        if said is None:
            raise AnalysisException("[UNEXPECTED_CLASS] there is no such class\n\nJVM stacktrace: ...")
        return SimpleNamespace(collect=lambda: [(said,)])


@pytest.mark.parametrize(("told", "engine"), [(f"{HERE.spark} {REVISION}", "spark"), (SAIL, "sail")])
def test_a_server_is_asked_once_what_it_is(told, engine):
    connected = Connected(told)
    assert [engine_of(connected), engine_of(connected)] == [engine, engine]
    assert len(connected.asked) == len(set(connected.asked))


def test_the_versions_of_a_server_are_told():
    told = f"{HERE.spark} {REVISION}"
    assert served_by(Connected(told)) == {"connect": told, "delta": HERE.delta, "java": "17.0.15"}
    assert served_by(Connected(SAIL)) == {}


OTHER = next(pair.spark for pair in PAIRS if pair.spark != pyspark.__version__)
REFUSED = {
    "another engine": (Connected("1.0.0 of another"), f"knows Apache Spark .* and Sail {SAIL}"),
    "another Sail": (Connected("0.7.1"), "is version '0.7.1'"),
    "no tested Spark": (Connected("4.0.1 x", "4.0.1"), "but 4.0.1 is the Spark Connect server; start one of those"),
    "not the one here": (
        Connected(f"{OTHER} x", OTHER),
        f"is Apache Spark {OTHER}, .* install pyspark=={OTHER} delta-sp",
    ),
    "no Delta": (Connected(f"{HERE.spark} x", extensions=None), "no Delta extension; start it with --properties-file"),
    "another Delta": (Connected(f"{HERE.spark} x", delta="4.0.0"), f"jars {HERE.delta}, but .* has 4.0.0; start it"),
    "no Java to ask": (
        Connected(f"{HERE.spark} x", delta=None),
        "does not tell which Delta it has: .UNEXPECTED_CLASS.",
    ),
}


@pytest.mark.parametrize("server", REFUSED)
def test_a_server_that_was_not_tested_is_refused_with_the_mend(server):
    connected, said = REFUSED[server]
    with pytest.raises(EngineError, match=said):
        engine_of(connected)


def test_where_no_server_is_one_sentence_says_so():
    with pytest.raises(EngineError, match=r"^no Spark Connect server answers at 127.0.0.1:1; is it started"):
        connect.opened("sc://127.0.0.1:1", {})


@pytest.mark.parametrize("address", ["sc://", "sc://host:port", "sc://host/path"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ConfigurationError, match=r"--remote: found .*, expected sc://HOST:PORT"):
        connect.opened(address, {})


@contextmanager
def sail():
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        yield "sc://{}:{}".format(*server.listening_address)
    finally:
        server.stop()
        os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


def test_a_server_of_sail_is_not_taken_for_apache_spark():
    with sail() as address, pytest.raises(EngineError, match=r"is Sail; .* --engine sail starts one here"):
        connect.opened(address, {})
