"""What the engines must be: names, versions, and the settings of Apache Spark with their reasons."""

import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from jobs import calling
from jobs.errors import ConfigurationError, EngineError, Problem, nearest_match, one_of

ENGINES: Final = ("spark", "sail")


@dataclass(frozen=True, slots=True)
class Pair:
    """Releases of Apache Spark and Delta that were tested together.

    Attributes:
        spark: That of Spark, and of PySpark.
        delta: That of Delta, for whose jars every minor release of Spark has a name of its own.
        comet: That of Apache DataFusion Comet, which accelerates this Spark, or None: there is none.
    """

    spark: str
    delta: str
    comet: str | None = None

    @property
    def minor(self) -> str:
        """The minor release of Spark, as jars that are made for it are called."""
        return self.spark.rpartition(".")[0]


# Exact releases: a patch release of Spark broke Delta before, and nobody noticed until a write. The default is first.
PAIRS: Final = (Pair("4.1.4", "4.4.0", "1.2.0"), Pair("4.2.0", "4.4.0"))
TESTED: Final = " or ".join(pair.spark for pair in PAIRS)
SAIL: Final = "0.7.2"
REPORTED: Final = ("lossledger", "pyspark", "delta-spark", "pysail", "deltalake", "pandas", "pyarrow", "numpy", "scipy")

# The numbers depend on these, so they hold on both engines and over what a cluster presets.
REQUIRED: Final = {
    # The host's zone would move rows to another day.
    "spark.sql.session.timeZone": "UTC",
    # Overflow and bad casts raise; without this they become NULL and vanish from sums.
    "spark.sql.ansi.enabled": "true",
    # A decimal result that does not fit must fail; the default drops digits after the point.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # A nullable BIGINT otherwise reaches pandas as float64, which corrupts ids above 2^53. Spark 4.1 does not have it;
    # our own functions for pandas take labels, scores and weights, and no id.
    "spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype": "true",
    # Sail does not read INT96, the default, under a timestamp of Delta; nor need decimals be spelled in two ways.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    # A batch whose columns are not those declared fails with their names.
    "spark.sql.execution.arrow.pyspark.validateSchema.enabled": "true",
}

# PySpark notes where each function of a column was called, in four or more calls of the JVM: nobody asks for that.
UNNOTED: Final = {"spark.python.sql.dataFrameDebugging.enabled": "false"}

# Java leaves methods of more than 8,000 bytes of code to its interpreter, and stages of two joins are such: of a day
# with copies the pass took 11.7 s without, and 4.2 with it.
JAVA_OPTIONS: Final = "-XX:-DontCompileHugeMethods"

# These make it fast, quiet or able to read Delta; what a cluster presets is left alone.
DEFAULTS: Final = {
    # Delta's commands and its table format.
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Our tables have small logs: the default of 50 tasks turns a write of 1 s into 6 s.
    "spark.databricks.delta.snapshotPartitions": "1",
    # The largest value switches off a size check that Spark makes for every row; rows bound a batch.
    "spark.sql.execution.arrow.maxBytesPerBatch": "2147483647",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # A night's labels are above 10 MB but fit in memory; sorting the impressions costs three times more.
    "spark.sql.autoBroadcastJoinThreshold": "128MB",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "128MB",
    # Each task sends its own partial sums, one row for each cell that it met: as many tasks as cores, unless
    # files are large. The usual 128 MB gave 8 tasks on 2 cores for 10 M rows, and four times as many rows to add.
    "spark.sql.files.maxPartitionBytes": "512MB",
    # In local mode the driver is also the executor; 1 GB does not hold those broadcasts.
    "spark.driver.memory": "4g",
    # A run compiles more than the usual 100 stages, so that the next run in a session would compile all of them again.
    "spark.sql.codegen.cache.maxEntries": "2000",
    # Before the map of groups Spark looks into a smaller one; keys of texts are hashed and compared twice for nothing.
    "spark.sql.codegen.aggregate.map.twolevel.enabled": "false",
    "spark.executor.extraJavaOptions": JAVA_OPTIONS,
    **UNNOTED,
    # A second copy of a task brings nothing where tasks write nothing, and doubles the Python workers.
    "spark.speculation": "false",
    # A nightly job opens no port, and its last line is the verdict.
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def is_remote(engine: str) -> bool:
    """Whether an engine is the address of a server of Spark Connect.

    >>> is_remote("sc://host:15002")
    True
    """
    return engine.startswith("sc://")


def known_engine(engine: str) -> str:
    """Return the name or the address, or raise a ConfigurationError (exit 2) that lists the engines.

    >>> known_engine("sail")
    'sail'
    """
    if engine in ENGINES or is_remote(engine):
        return engine
    known = f"{one_of(ENGINES)}, or sc://HOST:PORT of a server of Spark Connect"
    problem = Problem("--engine", repr(engine), known, nearest_match(engine, ENGINES))
    raise ConfigurationError("there is no such engine", [problem])


def installed_versions() -> dict[str, str]:
    """Return the installed versions of all that has a say in the numbers."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in REPORTED:
        version = _installed(name)
        if version is not None:
            found[name] = version
    return found


def pair_of(spark: str, where: str = "here") -> Pair:
    """Return the tested pair of a release of Apache Spark, which was found here or at a server.

    Raises:
        EngineError: There is none (exit 3).
    """
    found = next((pair for pair in PAIRS if pair.spark == spark), None)
    if found is None:
        mend = calling.pip(f"pyspark=={PAIRS[0].spark} delta-spark=={PAIRS[0].delta}")
        tested = f"lossledger is tested with Apache Spark {TESTED}, but {spark} is"
        raise EngineError(
            f"{tested} here; run: {mend}" if where == "here" else f"{tested} {where}; start one of those there"
        )
    return found


def check_versions() -> None:
    """Raise an EngineError where an installed version is not one that was tested."""
    pair = pair_of(str(_installed("pyspark")))
    needed = {"delta-spark": pair.delta, "pysail": SAIL}
    found = {name: _installed(name) for name in (*needed, "pandas")}
    wrong = {name: f"{name}=={wanted}" for name, wanted in needed.items() if found[name] not in (wanted, None)}
    pandas = found["pandas"]
    if pandas is not None and int(pandas.split(".")[0]) >= 3:
        wrong["pandas"] = "'pandas>=2.2,<3'"
    if wrong:
        here = ", ".join(f"{name} {found[name]}" for name in wrong)
        raise EngineError(f"lossledger needs other versions than {here}; run: {calling.pip(' '.join(wrong.values()))}")


def conf_file(name: str) -> Traversable:
    """Return a file of `conf/`, from the installed package, the zip or the source tree."""
    packaged = files("jobs") / "conf" / name
    return packaged if packaged.is_file() else Path(__file__).parents[2] / "conf" / name


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        # A cluster may bring Spark and its Python parts by path, without the records of pip.
        return _declared(name)


def _declared(name: str) -> str | None:
    if name != "pyspark":
        return None
    return str(import_module(name).__version__)
