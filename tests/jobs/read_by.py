"""`python -m tests.jobs.read_by ENGINE CONFIG FOLDER`: every table of an evaluation as an engine reads it."""

import sys
from pathlib import Path

import pyarrow.parquet as pq

from jobs.engines.session import session
from jobs.ledger import tables
from jobs.settings import load
from jobs.sql.query import answered


def main():
    engine, config, folder = sys.argv[1:]
    settings = load(Path(config), [])
    with session(engine) as spark:
        for name in (*tables.declared(settings), "runs_latest"):
            pq.write_table(answered(spark, settings, f"SELECT * FROM {name}"), Path(folder) / f"{name}.parquet")


if __name__ == "__main__":
    main()
