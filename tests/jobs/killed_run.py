"""`python -m tests.jobs.killed_run ENGINE CONFIG K VICTIM`: a run of which something is killed after its K-th commit.

The victim is the run itself, `run`, or the JVM of its engine, `jvm`; `pause` stops the run until it is continued.
"""

import itertools
import os
import signal
import sys
import threading
from pathlib import Path

from pyspark import SparkContext  # noqa: TID251 - it knows the JVM that is to be killed

from jobs import cli
from jobs.storage import lake
from jobs.surfaces.exits import guarded
from tests.jobs.days import DAY


def killing_writes(last, victim):
    """The real write; right after the last commit the victim ends, before any other thread commits."""
    real, lock, commits = lake._write, threading.Lock(), itertools.count(1)

    def write(*arguments):
        with lock:
            real(*arguments)
            if next(commits) == last:
                pid = SparkContext._gateway.proc.pid if victim == "jvm" else os.getpid()
                os.kill(pid, signal.SIGSTOP if victim == "pause" else signal.SIGKILL)

    return write


def main():
    engine, config, last, victim = sys.argv[1:]
    lake._write = killing_writes(int(last), victim)
    sys.exit(guarded(lambda: cli.evaluated(Path(config), str(DAY), engine=engine, as_json=True), as_json=True))


if __name__ == "__main__":
    main()
