"""What a function of a world makes on Sail: Apache Spark need not run nights again to be asked about them."""

import pickle
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.engines.session import session
from tests.world import child

T = TypeVar("T")


def made(function: Callable[[SparkSession, Path], T], spark: SparkSession, folder: Path) -> T:
    """What a function makes of a session of Sail and a folder: on this session, else in a process of its own."""
    if engine_of(spark) == "sail":
        return function(spark, folder)
    child.succeeded(sys.executable, "-m", "tests.world.on_sail", function.__module__, function.__name__, folder)
    found: T = pickle.loads((folder / "made.pickle").read_bytes())
    return found


def main() -> None:
    """Make what the command line names, and keep it."""
    module, name, folder = sys.argv[1:]
    function: Callable[..., Any] = getattr(import_module(module), name)
    with session("sail") as spark:
        found = function(spark, Path(folder))
    (Path(folder) / "made.pickle").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main()
