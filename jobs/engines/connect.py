"""A session on a server of Spark Connect: is it there, is it one that was tested, and what it is given."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final

import grpc
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.engines.pins import DEFAULTS, REQUIRED
from jobs.errors import ConfigurationError, EngineError, Problem

# A name that has to be looked up, TLS, a proxy: a server that is there answers within this many seconds.
SLOWEST: Final = 30
LOOPBACK: Final = ("127.0.0.1", "localhost")
OURS: Final = {
    # The causes of a failure are in its message; the stack of the server would be told as one of them.
    "spark.sql.connect.serverStacktrace.enabled": "false",
    # The plan of a query is looked at as text, in which what is behind so many fields is left out.
    "spark.sql.debug.maxToStringFields": str(2**31 - 1),
}


def opened(address: str, settings: Mapping[str, str]) -> SparkSession:
    """A new session on a server, with our settings and the code that its workers run.

    Args:
        address: Such as `sc://host:15002`; with `;token=…` or `;use_ssl=true` as PySpark takes them.
        settings: Further settings; they win over ours.

    Raises:
        ConfigurationError: The address is none (exit 2).
        EngineError: No server is there, or not one that was tested; a setting is fixed when it starts (exit 3).
    """
    _check_there(address)
    session: SparkSession = SparkSession.builder.remote(address).create()
    try:
        _prepared(session, address, settings)
    except Exception:
        session.stop()
        raise
    return session


def of_workers(session: SparkSession) -> dict[str, str]:
    """The versions that Python has on the workers of a server, after they have run our code there."""

    def told(_: Iterable[Any]) -> Iterable[Any]:
        # Of the workers' machine, where this module is not.
        import platform  # noqa: PLC0415
        from importlib import metadata  # noqa: PLC0415

        import pyarrow as pa  # noqa: PLC0415

        import udfs.scan.batch  # noqa: F401, PLC0415

        found = {"python": platform.python_version(), **{name: metadata.version(name) for name in ("numpy", "pyarrow")}}
        yield pa.RecordBatch.from_pylist([{"name": f"workers' {name}", "version": found[name]} for name in found])

    rows = session.range(1, numPartitions=1).mapInArrow(told, "name string, version string").collect()
    return {row["name"]: row["version"] for row in rows}


def _check_there(address: str) -> None:
    """The first refusal counts: PySpark's own client would try again for ten minutes."""
    from pyspark.sql.connect.client import DefaultChannelBuilder  # noqa: PLC0415 - a classic session needs no gRPC

    try:
        builder = DefaultChannelBuilder(address)
    except (PySparkException, ValueError) as error:
        problem = Problem("--remote", repr(address), "sc://HOST:PORT")
        raise ConfigurationError("the address of the server cannot be read", [problem]) from error
    if builder.host in LOOPBACK:
        # The client would ask a company's proxy for the way to this very machine.
        os.environ.setdefault("no_grpc_proxy", ",".join(LOOPBACK))
    states: Queue[grpc.ChannelConnectivity] = Queue()
    with builder.toChannel() as channel:
        channel.subscribe(states.put, try_to_connect=True)
        if not _is_ready(states):
            raise EngineError(
                f"no Spark Connect server answers at {builder.endpoint}; is it started, and the port right?"
            )


def _is_ready(states: Queue[grpc.ChannelConnectivity]) -> bool:
    try:
        while (state := states.get(timeout=SLOWEST)) is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            if state is grpc.ChannelConnectivity.READY:
                return True
    except Empty:
        return False
    return False


def _prepared(session: SparkSession, address: str, settings: Mapping[str, str]) -> None:
    if engine_of(session) != "spark":
        raise EngineError(
            f"the server at {address} is Sail; --remote is for Apache Spark, --engine sail starts one here"
        )
    set_before = session.conf.getAll
    missing = {name: value for name, value in DEFAULTS.items() if name not in set_before}
    chosen = {name: value for name, value in missing.items() if session.conf.isModifiable(name)}
    for name, value in {**chosen, **REQUIRED, **OURS, **settings}.items():
        try:
            session.conf.set(name, value)
        except PySparkException as error:
            mend = "give it where the server is started"
            raise EngineError(f"the server at {address} does not take the setting {name}: {mend}") from error
    with tempfile.TemporaryDirectory(prefix="lossledger-") as folder:
        archive = Path(folder) / "lossledger-workers.zip"
        _zipped(archive)
        session.addArtifacts(str(archive), pyfile=True)


def _zipped(target: Path) -> None:
    """Write what runs in the workers as a zip, wherever it lies itself."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in _sources(files("udfs"), "udfs"):
            archive.writestr(name, source.read_bytes())


def _sources(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for each in folder.iterdir():
        name = f"{prefix}/{each.name}"
        if each.is_dir():
            yield from _sources(each, name)
        elif each.name.endswith(".py"):
            yield name, each
