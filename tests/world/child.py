"""A process of its own: the command as anybody calls it, or steps of a test on an engine that this process has not.

`python -m tests.world.child ENGINE STEPS`: the steps, as JSON, one after the other on one session.
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import SparkContext  # noqa: TID251 - it knows the JVM that is to be killed

from jobs import cli
from jobs.engines.java import java_home
from jobs.engines.session import session
from jobs.ledger import tables
from jobs.nights import refresh as refreshing
from jobs.settings import load
from jobs.sql.query import answered
from jobs.storage import lake
from jobs.surfaces.exits import guarded

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "jobs")
# Where a shell finds `lossledger` and `python` as they are installed here.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# What an engine, a virtual environment or a terminal of this process notes for its children.
INHERITED = ("SPARK_", "PYSPARK_", "PYTHON", "COLUMNS", "LINES")

Step = tuple[str, ...]


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """What it told programs."""
        return json.loads(self.out)


def environment(**changes: str) -> dict[str, str]:
    """What a machine gives to a process: nothing of this one's engine, and no path to the sources."""
    return {name: value for name, value in os.environ.items() if not name.startswith(INHERITED)} | changes


def of_submit() -> dict[str, str]:
    """What spark-submit needs besides: a Java, a Python, and no name of this host that may not resolve."""
    return {"JAVA_HOME": str(java_home()), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}


def shipped_into(folder: Path) -> Path:
    """A folder with what is shipped: the zip, the entry and the settings."""
    succeeded(sys.executable, ROOT / ".ci" / "package.py", folder / "dist" / "lossledger.zip")
    (folder / "jobs").mkdir()
    shutil.copy(ROOT / "jobs" / "evaluate.py", folder / "jobs")
    shutil.copytree(ROOT / "conf", folder / "conf")
    return folder


def started(*command: object, cwd: Path = ROOT, **changes: str) -> subprocess.Popen[str]:
    """Start a command, its output kept."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*map(str, command)], cwd=cwd, env=environment(**changes), text=True, **pipes)


def ended(*command: object, cwd: Path = ROOT, **changes: str) -> Ended:
    """Run a command to its end."""
    process = started(*command, cwd=cwd, **changes)
    out, err = process.communicate()
    return Ended(process.returncode, out, err)


def succeeded(*command: object, cwd: Path = ROOT, **changes: str) -> Ended:
    """Run a command that must end well."""
    found = ended(*command, cwd=cwd, **changes)
    assert found.code == 0, found.out + found.err
    return found


def on(engine: str, *steps: Step) -> tuple[str, ...]:
    """The command that does steps on an engine."""
    return sys.executable, "-m", "tests.world.child", engine, json.dumps(steps)


def run(config: Path, day: date) -> Step:
    """A step: evaluate a day."""
    return "run", str(config), day.isoformat()


def attempt(config: Path, day: date) -> Step:
    """A step: evaluate a day, and go on whether that ends well or not."""
    return "attempt", str(config), day.isoformat()


def refresh(config: Path, day: date) -> Step:
    """A step: make a day again from its sums, at every age."""
    return "refresh", str(config), day.isoformat()


def wait(file: Path) -> Step:
    """A step: wait until a file is there."""
    return "wait", str(file)


def read(config: Path, folder: Path) -> Step:
    """A step: put the rows of every table, as the engine reads them, into Parquet files of a folder."""
    return "read", str(config), str(folder)


def killed(commits: int, victim: str) -> Step:
    """A step: from now on, right after so many commits, kill the process, `run`, or its `jvm`; or `pause` it."""
    return "kill", str(commits), victim


def _run(engine: str, config: str, day: str) -> None:
    if code := _attempt(engine, config, day):
        sys.exit(code)


def _attempt(engine: str, config: str, day: str) -> int:
    code = guarded(lambda: cli.evaluated(Path(config), day, engine=engine, as_json=True), as_json=True)
    sys.stdout.flush()
    return code


def _refresh(engine: str, config: str, day: str) -> None:
    settings, of = load(Path(config), []), date.fromisoformat(day)
    with session(engine) as spark:
        asked = refreshing.asked(spark, settings, of, of, settings.hours)
        for one in refreshing.refreshed(spark, settings, asked):
            print(json.dumps(one.facts), flush=True)


def _wait(_: str, file: str) -> None:
    while not Path(file).exists():
        time.sleep(0.005)


def _read(engine: str, config: str, folder: str) -> None:
    settings = load(Path(config), [])
    Path(folder).mkdir()
    with session(engine) as spark:
        for name in (*tables.declared(settings), "runs_latest"):
            pq.write_table(answered(spark, settings, f"SELECT * FROM {name}"), Path(folder) / f"{name}.parquet")


def _kill(_: str, last: str, victim: str) -> None:
    real, lock, commits = lake._write, threading.Lock(), itertools.count(1)

    def write(*arguments: Any) -> None:
        # No other thread commits before the end.
        with lock:
            real(*arguments)
            if not _is_sign(arguments[-1].rows) and next(commits) == int(last):
                gateway: Any = SparkContext._gateway
                pid = gateway.proc.pid if victim == "jvm" else os.getpid()
                os.kill(pid, signal.SIGSTOP if victim == "pause" else signal.SIGKILL)

    lake._write = write


def _is_sign(rows: pa.Table) -> bool:
    """Whether rows are a sign of life, of which there are more or fewer by the clock."""
    return "state" in rows.column_names and rows["state"].to_pylist() == ["running"]


STEPS: dict[str, Callable[..., object]] = {
    "run": _run,
    "attempt": _attempt,
    "refresh": _refresh,
    "wait": _wait,
    "read": _read,
    "kill": _kill,
}


def main() -> None:
    """Do the steps of the command line."""
    engine, steps = sys.argv[1], json.loads(sys.argv[2])
    with ExitStack() as stack:
        if "kill" not in {name for name, *_ in steps}:
            # A run that is to be killed opens and closes its session itself, as the command does.
            stack.enter_context(session(engine))
        for name, *arguments in steps:
            STEPS[name](engine, *arguments)


if __name__ == "__main__":
    main()
