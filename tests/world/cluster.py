"""A standalone cluster of Apache Spark on loopback, from what PySpark brings, and a server of Spark Connect on it."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyspark

from tests.world import child

BIN = Path(pyspark.__file__).parent / "bin"
SLOWEST = 120
DEPLOY = "org.apache.spark.deploy"
DEFAULTS = "conf/spark-defaults.conf"
BLOCKS = re.findall(r"```sh\n(.*?)```", (child.ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), re.DOTALL)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.replace("\\\n", "").splitlines()]
SUBMIT, SERVER = (next(words for words in COMMANDS if what in words) for what in ("jobs/evaluate.py", "spark-internal"))


@dataclass(frozen=True)
class Cluster:
    """Where its master is, and its workers."""

    address: str
    workers: list[subprocess.Popen[bytes]]


def submitted(master: str, config: Path, *arguments: object, conf: str = "spark-defaults.conf") -> tuple[object, ...]:
    """The documented command that submits a night, for the folder of what is shipped."""
    return *_given(
        SUBMIT[: SUBMIT.index("--date")], master, {"conf/nightly.yaml": config, DEFAULTS: f"conf/{conf}"}
    ), *arguments


def _given(words: Sequence[str], master: str, places: Mapping[str, object]) -> list[object]:
    here = {"spark-submit": BIN / "spark-submit", "spark://HOST:7077": master, **places}
    return [here.get(word, word) for word in words]


@contextmanager
def standing(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster of one master and so many workers of one core."""
    port, page = free_port(), free_port()
    address = f"spark://127.0.0.1:{port}"
    here = ("--host", "127.0.0.1", "--webui-port")
    with ExitStack() as stack:
        master = daemon(folder / "master", BIN / "spark-class", f"{DEPLOY}.master.Master", *here, page, "--port", port)
        stack.enter_context(master)
        started = []
        for number in range(workers):
            size = ("-c", 1, "-m", "1g", address)
            worker = daemon(
                folder / f"worker-{number}", BIN / "spark-class", f"{DEPLOY}.worker.Worker", *here, 0, *size
            )
            started.append(stack.enter_context(worker))
        awaited(lambda: alive(page) == workers, f"{workers} workers, see {folder}")
        yield Cluster(address, started)


@contextmanager
def connect_server(cluster: Cluster, shipped: Path, folder: Path) -> Iterator[str]:
    """The address of a server of Spark Connect whose executors are those of a cluster."""
    port = free_port()
    settings = {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": port}
    name, *words = _given(SERVER, cluster.address, {})
    given = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    with daemon(folder / "connect", name, *given, *words, cwd=shipped):
        awaited(lambda: listens(port), f"a server of Spark Connect, see {folder}")
        yield f"sc://127.0.0.1:{port}"


@contextmanager
def daemon(
    folder: Path, name: object, *arguments: object, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the cluster, with all that it starts in a group of its own."""
    folder.mkdir()
    places = {"SPARK_WORKER_DIR": str(folder), "SPARK_DAEMON_MEMORY": "512m"}
    with (folder / "log").open("wb") as log:
        command = [str(name), *map(str, arguments)]
        settings = child.environment(**child.of_submit(), **places)
        output = {"stdout": log, "stderr": log}
        process = subprocess.Popen(command, cwd=cwd or folder, env=settings, start_new_session=True, **output)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)
            killed(process)


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of the cluster and all that it has started, as a machine that is gone does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def alive(page: int) -> int:
    """How many workers a master knows."""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=10) as answer:
        return int(json.load(answer)["aliveworkers"])
    return 0


def listens(port: int) -> bool:
    """Whether somebody answers at a port."""
    with socket.socket() as opened:
        return opened.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def awaited(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SLOWEST
    while not holds():
        assert time.monotonic() < end, f"within {SLOWEST} s there was no {what}"
        time.sleep(0.2)
