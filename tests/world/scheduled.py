"""An Airflow of its own: scheduler, triggerer, DAG processor, API server on loopback, and what they recorded."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world import child
from tests.world.child import ROOT
from tests.world.days import Row

COMMAND = Path(os.environ.get("LOSSLEDGER_AIRFLOW", ROOT / ".airflow" / "bin" / "airflow"))
PARTS = (("api-server",), ("dag-processor",), ("triggerer", "--skip-serve-logs"))
SCHEDULER = ("scheduler", "--skip-serve-logs")
DAG = "lossledger_nightly"
ENDED = {"success", "failed"}
TASKS = f"""SELECT run_id, task_id, map_index, state, try_number, start_date, end_date, rendered_map_index, pool
    FROM task_instance WHERE dag_id = '{DAG}' ORDER BY start_date"""
EVENTS = "SELECT name, event.extra FROM asset_event AS event JOIN asset ON asset.id = event.asset_id ORDER BY event.id"


@dataclass(frozen=True)
class Airflow:
    """One that is running, with the folder of its database and logs, and the settings of its processes."""

    home: Path
    settings: dict[str, str]

    def called(self, *arguments: object) -> None:
        """Call its command."""
        child.succeeded(COMMAND, *arguments, cwd=self.home, **self.settings)

    def asked(self, query: str) -> list[Row]:
        """The rows of its database that a query finds."""
        with sqlite3.connect(f"file:{self.home / 'airflow.db'}?mode=ro", uri=True, timeout=60) as base:
            base.row_factory = sqlite3.Row
            found = [dict(row) for row in base.execute(query)]
        base.close()
        return found

    def tasks(self, night: str) -> list[Row]:
        """The task instances of the run of the DAG at a date, by their beginning."""
        return [row for row in self.asked(TASKS) if night in row["run_id"]]

    def state(self, night: str) -> str:
        """That of the run of the DAG at a date."""
        runs = self.asked(f"SELECT run_id, state FROM dag_run WHERE dag_id = '{DAG}'")
        found = [run["state"] for run in runs if night in run["run_id"]]
        return found[0] if found else "none"

    def events(self) -> list[tuple[str, Any]]:
        """The events of its assets: the name of each, and its extra."""
        return [(row["name"], json.loads(row["extra"])) for row in self.asked(EVENTS)]

    def logged(self, night: str, task: str) -> str:
        """The logs of all tries of a task at a date."""
        files = (self.home / "logs" / f"dag_id={DAG}").glob(f"run_id=*{night}*/task_id={task}/**/*.log")
        return "".join(file.read_text() for file in files)

    def triggered(self, night: str) -> None:
        """Trigger a run of the DAG at a date, 03:00."""
        command = (
            COMMAND,
            "dags",
            "trigger",
            DAG,
            "--logical-date",
            f"{night}T03:00:00+00:00",
            "--run-id",
            f"of_{night}",
        )
        for _ in range(5):
            # SQLite refuses at once who has read before another one wrote.
            done = child.ended(*command, cwd=self.home, **self.settings)
            if "database is locked" not in done.err:
                break
        assert done.code == 0, done.out + done.err

    def waited(self, what: Callable[[], bool], seconds: int = 600) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, self.asked(TASKS)
            time.sleep(0.5)


@contextmanager
def running(
    home: Path, dags: Path, first: Sequence[Sequence[str]], environment: Mapping[str, str], **variables: object
) -> Iterator[Airflow]:
    """An Airflow with some DAGs and variables, whose scheduler is started after some first commands."""
    assert COMMAND.exists(), f"there is no Airflow at {COMMAND}: `make airflow` installs it and runs these tests"
    airflow = Airflow(
        home,
        {**_settings(home, dags), **environment, **{f"AIRFLOW_VAR_{name}": str(of) for name, of in variables.items()}},
    )
    airflow.called("db", "migrate")
    processes = [_started(airflow, part) for part in PARTS]
    try:
        airflow.waited(lambda: bool(airflow.asked(f"SELECT * FROM serialized_dag WHERE dag_id = '{DAG}'")))
        for command in first:
            airflow.called(*command)
        processes.append(_started(airflow, SCHEDULER))
        yield airflow
    finally:
        _stop(processes)


def _settings(home: Path, dags: Path) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    return {
        "AIRFLOW_HOME": str(home),
        # Writers wait longer for each other than the usual 5 seconds.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=60",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        # The DAGs stay as they are.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        # A worker is gone that soon after its task is deferred.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": address.rpartition(":")[2],
        "AIRFLOW__API_AUTH__JWT_SECRET": "of these processes alone, and 64 bytes long: " + "-" * 19,
    }


def _started(airflow: Airflow, part: tuple[str, ...]) -> subprocess.Popen[bytes]:
    given: dict[str, Any] = {
        "env": child.environment(**airflow.settings),
        "cwd": airflow.home,
        "start_new_session": True,
    }
    with (airflow.home / f"{part[0]}.txt").open("w") as said:
        return subprocess.Popen([COMMAND, *part], stdout=said, stderr=subprocess.STDOUT, **given)


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End all of them, and leave none of their children behind."""
    for process in processes:
        os.killpg(process.pid, signal.SIGTERM)
    end = time.monotonic() + 10
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0, end - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
