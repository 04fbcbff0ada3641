"""Sail in this process: its server, and the session that speaks with it."""

import os
from collections.abc import Mapping
from typing import Any, Final

from pyspark.sql import SparkSession

from jobs.engines.pins import REQUIRED, UNNOTED
from jobs.errors import ConfigurationError, Problem, nearest_match, one_of

MODE: Final = "SAIL_MODE"
# Sail's third, kubernetes-cluster, waits for ever where there is no cluster, and was not tested.
MODES: Final = ("local", "local-cluster")


def mode() -> str:
    """How Sail runs by the environment: as one task after the other, or as a cluster of threads of this process.

    Raises:
        ConfigurationError: In another way than those that were tested (exit 2).
    """
    found = os.environ.get(MODE, MODES[0])
    if found.replace("_", "-") not in MODES:
        problem = Problem(MODE, repr(found), one_of(MODES), nearest_match(found, MODES))
        raise ConfigurationError("the embedded engine cannot run so", [problem])
    return found.replace("_", "-")


def served(app: str, settings: Mapping[str, str]) -> tuple[SparkSession, Any]:
    """Return a session of Sail, and the server behind it.

    Raises:
        ConfigurationError: Its mode is none that was tested (exit 2).
    """
    mode()
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
    for name, value in {**REQUIRED, **UNNOTED, **settings}.items():
        opened.conf.set(name, value)
    return opened, server
