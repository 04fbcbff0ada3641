"""`python -m tests.jobs.killed_run ENGINE CONFIG K`: a run that is killed right after its K-th Delta commit."""

import itertools
import os
import signal
import sys
import threading

from jobs import lake, nightly
from jobs.session import session
from jobs.settings import load
from tests.jobs.days import DAY


def killing_writes(last):
    """The real write; after the last commit the process ends, before any other thread commits."""
    real, lock, commits = lake._write, threading.Lock(), itertools.count(1)

    def write(*arguments):
        with lock:
            real(*arguments)
            if next(commits) == last:
                os.kill(os.getpid(), signal.SIGKILL)

    return write


def main():
    engine, config, last = sys.argv[1:]
    lake._write = killing_writes(int(last))
    with session(engine) as spark:
        nightly.evaluate(spark, load(config), DAY)


if __name__ == "__main__":
    main()
