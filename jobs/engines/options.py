"""What Apache Spark is started with by this process: settings, jars, a Java, workers like the driver."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jobs.engines import jars, java
from jobs.engines.comet import Choice
from jobs.engines.pins import DEFAULTS, JAVA_OPTIONS, REQUIRED, conf_file

DRIVER_OPTIONS: Final = "spark.driver.extraJavaOptions"


def ivy(settings: Mapping[str, str]) -> Path | None:
    """Return the folder of Spark's resolver, where the caller names one."""
    folder = settings.get("spark.jars.ivy")
    return None if folder is None else Path(folder)


def of_new(app: str, settings: Mapping[str, str], choice: Choice) -> dict[str, str]:
    """Return the settings of a Spark that this process starts; those of the caller win."""
    options = {"spark.app.name": app, **DEFAULTS, **REQUIRED, **choice.settings, **settings}
    os.environ["JAVA_HOME"] = str(java.java_home())
    # Workers must run what the driver runs, also where the command was started by its full path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Its log says INFO about its own start.
    os.environ.setdefault("COMET_LOG_LEVEL", "warn")
    if options.get("spark.master", "local").startswith("local"):
        # The usual 200 are as many small files per task; a cluster's own choice stays.
        options.setdefault("spark.sql.shuffle.partitions", str(2 * (os.cpu_count() or 1)))
    log4j = f'"-Dlog4j2.configurationFile={conf_file("log4j2.properties")}"'
    options[DRIVER_OPTIONS] = f"{log4j} {JAVA_OPTIONS} {settings.get(DRIVER_OPTIONS, '')}".strip()
    given = [settings["spark.jars"]] if "spark.jars" in settings else []
    found = () if _brings_delta(settings) else jars.delta_jars(ivy(settings))
    if brought := [*given, *map(str, (*found, *choice.jars))]:
        options["spark.jars"] = ",".join(brought)
    return options


def _brings_delta(settings: Mapping[str, str]) -> bool:
    """Tell whether the caller brings Delta; a second copy on the class path fails in odd ways."""
    places = (settings.get("spark.jars"), settings.get("spark.jars.packages"))
    return any("delta-spark" in (text or "") for text in (*places, os.environ.get("PYSPARK_SUBMIT_ARGS")))
