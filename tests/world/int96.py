"""Tables as they were before timestamps were spelled alike: INT96, under names that Apache Spark gives to files."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from jobs.storage.schema import MICROS


def with_int96(table: Path) -> None:
    """Rewrite the files of a Delta table, and tell its log their new names and sizes."""
    for commit in sorted((table / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            if "add" in action:
                _rewrite(table, action["add"])
            if "remove" in action:
                action["remove"]["path"] = _renamed(action["remove"]["path"])
            if "metaData" in action:
                action["metaData"]["configuration"].pop(MICROS[0], None)
        commit.write_text("".join(json.dumps(action) + "\n" for action in actions))


def _renamed(path: str) -> str:
    return path.replace("-c000.", ".c000.")


def _rewrite(table: Path, add: dict[str, object]) -> None:
    old, new = table / str(add["path"]), table / _renamed(str(add["path"]))
    rows = pq.ParquetFile(old).read()
    old.unlink()
    pq.write_table(rows, new, use_deprecated_int96_timestamps=True)
    add["path"], add["size"] = _renamed(str(add["path"])), new.stat().st_size
