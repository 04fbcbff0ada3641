"""spark-submit with the zip, away from the source tree: the numbers of the embedded engine, and true exit codes."""

import json
import socket
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark
import pytest

from tests.world import child, days
from tests.world.days import DAY, RESULTS

BIN = Path(pyspark.__file__).parent / "bin"
# This session's engine is not in the way: it is only here so that the tests run with those of Apache Spark.
pytestmark = [pytest.mark.only_engine("spark"), pytest.mark.usefixtures("spark")]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return child.shipped_into(tmp_path_factory.mktemp("shipped"))


def submitted(shipped, master, *arguments, conf="spark-defaults.conf"):
    """The command of the README."""
    command = [BIN / "spark-submit", "--master", master, "--driver-memory", "1g", "--executor-memory", "1g"]
    command += ["--properties-file", f"conf/{conf}", "--py-files", "dist/lossledger.zip"]
    command += ["jobs/evaluate.py", *map(str, arguments)]
    return child.ended(*command, cwd=shipped, **child.of_submit())


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


@contextmanager
def daemon(name, folder, *arguments):
    """A process of the standalone cluster."""
    command = [BIN / "spark-class", f"org.apache.spark.deploy.{name}", *map(str, arguments)]
    places = {"SPARK_WORKER_DIR": str(folder), "SPARK_DAEMON_MEMORY": "512m"}
    settings = child.environment(**child.of_submit(), **places)
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def await_worker(page, seconds=120):
    """Wait until the master's page says that a worker is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(page, timeout=10) as answer:
                if json.load(answer)["aliveworkers"]:
                    return
        except OSError:
            # The master does not listen yet.
            pass
        time.sleep(0.5)
    raise TimeoutError(f"no worker came within {seconds} s, see {page}")


@pytest.fixture
def cluster(tmp_path):
    """The address of a standalone cluster of one master and one worker."""
    port, page = free_port(), free_port()
    address = f"spark://127.0.0.1:{port}"
    with ExitStack() as stack:
        here = ("--host", "127.0.0.1", "--webui-port")
        stack.enter_context(daemon("master.Master", tmp_path, *here, page, "--port", port))
        stack.enter_context(daemon("worker.Worker", tmp_path, *here, free_port(), "-c", 2, "-m", "1g", address))
        await_worker(f"http://127.0.0.1:{page}/json/")
        yield address


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A day evaluated by the embedded engine, and its configuration."""
    config = days.evaluated_night(tmp_path_factory.mktemp("night"))
    return config, days.all_results(config.parent)


@pytest.mark.parametrize("accelerator", ["none", "comet"])
def test_a_run_on_a_cluster_is_the_same_bits(shipped, night, cluster, tmp_path, accelerator):
    config, expected = night
    conf = {"none": "spark-defaults.conf", "comet": "spark-comet.conf"}[accelerator]
    given = ("--date", DAY, "--set", f"tables.path={tmp_path / 'tables'}", "--accelerator", accelerator, "--json")
    done = submitted(shipped, cluster, config, *given, conf=conf)
    assert done.code == 0, done.out + done.err
    assert (done.told["accelerator"] is None) == (accelerator == "none")
    assert done.told["rows"] == {"read": 2830, "outside": 0, "rejected": 1, "duplicate": 28, "scored": 2801}
    assert days.all_results(tmp_path) == expected
    assert all(expected[table] for table in RESULTS)


def test_exit_codes_come_through(shipped, night, tmp_path):
    tables = f"tables.path={tmp_path / 'tables'}"
    done = submitted(shipped, "local[1]", night[0], "--date", "2026-11-15", "--set", tables, "--json")
    assert done.code == done.told["exit_code"] == 4, done.out + done.err
    assert "2026-11-15 is empty" in done.told["error"]
