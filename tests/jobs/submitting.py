"""What a submitted run needs: an environment of its own, what is shipped, and a night to compare it with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from jobs.engines import java
from tests.jobs import days
from tests.jobs.days import DAY, impression

ROOT = Path(__file__).parent.parent.parent


def environment() -> dict[str, str]:
    """What a machine gives to spark-submit: nothing of this process, and no path to the sources."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_", "PYTHON"))}
    places = {"JAVA_HOME": str(java.java_home()), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    return {**kept, **places}


def shipped_into(folder: Path) -> Path:
    """A folder with what is shipped: the zip, the entry and the settings."""
    archive = folder / "dist" / "lossledger.zip"
    subprocess.run([sys.executable, ROOT / ".ci" / "package.py", archive], check=True, capture_output=True)
    (folder / "jobs").mkdir()
    shutil.copy(ROOT / "jobs" / "evaluate.py", folder / "jobs")
    shutil.copytree(ROOT / "conf", folder / "conf")
    return folder


def evaluated_night(folder: Path) -> Path:
    """The configuration of a day with copies and bad rows, which the embedded engine has evaluated."""
    document = days.small_day(folder, 2800)
    copies = [impression(i) for i in range(0, 2800, 100)]
    days.written([*copies, impression(2801, clicked=None), impression(2802, p=7.0)], folder / "impressions")
    config = days.saved(document, folder / "small.yaml")
    command = [sys.executable, "-m", "jobs", "run", config, "--date", str(DAY), "--engine", "sail", "--json"]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True)
    return config
