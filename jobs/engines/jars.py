"""The jars of Delta and of Comet: an own folder, else Ivy's cache, else Maven Central by Spark's own resolver, once."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyspark

from jobs import calling
from jobs.engines import java, trust
from jobs.engines.pins import Pair, pair_of
from jobs.errors import EngineError

FOLDER: Final = "LOSSLEDGER_JARS"
DELTA: Final = ("delta-storage", "delta-kernel-api", "delta-kernel-defaults", "delta-kernel-unitycatalog")
OTHERS: Final = (
    "io.unitycatalog:unitycatalog-client:0.6.0",
    "io.unitycatalog:unitycatalog-hadoop:0.6.0",
    "com.fasterxml.jackson.datatype:jackson-datatype-jdk8:2.13.5",
)

# Spark brings these itself; without this list 33 jars come instead of 8.
EXCLUDES: Final = (
    "org.apache.parquet:*",
    "org.apache.hadoop:*",
    "org.apache.logging.log4j:*",
    "org.slf4j:*",
    "com.fasterxml.jackson.core:*",
    "org.roaringbitmap:*",
    "org.locationtech.jts:*",
    "com.github.luben:*",
    "org.xerial.snappy:*",
    "io.airlift:*",
    "commons-pool:*",
    "commons-logging:*",
    "javax.annotation:*",
    "com.google.code.findbugs:*",
)

SLOWEST: Final = 600


def delta(pair: Pair) -> tuple[str, ...]:
    """Return the coordinates of Delta's eight jars; the first is the package that brings the others."""
    package = f"io.delta:delta-spark_{pair.minor}_2.13:{pair.delta}"
    return (package, *(f"io.delta:{name}:{pair.delta}" for name in DELTA), *OTHERS)


def delta_jars(ivy: Path | None = None) -> tuple[Path, ...]:
    """Return the eight jars for the PySpark that is installed, fetching them if this machine has none.

    Args:
        ivy: Ivy's folder (`spark.jars.ivy`); Spark's default if None.

    Raises:
        EngineError: They are incomplete or cannot be had; says what to do.
    """
    return _found(delta(pair_of(pyspark.__version__)), ivy)


def comet(pair: Pair) -> tuple[str, ...]:
    """Return the coordinates of Comet's jars, none where this Spark has no Comet."""
    if pair.comet is None:
        return ()
    package = f"org.apache.datafusion:comet-spark-spark{pair.minor}_2.13:{pair.comet}"
    return (package, "org.scala-lang.modules:scala-collection-compat_2.13:2.12.0")


def comet_jars(pair: Pair, ivy: Path | None = None, *, fetch: bool) -> tuple[Path, ...]:
    """Return Comet's jars, or none where this machine has none and they are not to be fetched.

    Raises:
        EngineError: They are to be fetched and cannot be had; says what to do.
    """
    needed = comet(pair)
    folder = Path(os.environ.get(FOLDER) or (ivy or default_ivy()) / "jars")
    return _found(needed, ivy) if fetch or not _missing(folder, needed) else ()


def default_ivy() -> Path:
    """Return the folder that Spark's resolver keeps its jars in."""
    return java.user_home() / ".ivy2.5.2"


def main() -> None:
    """Fetch the jars if need be and print where they are: Delta's, and with the argument `comet` Comet's too."""
    try:
        found = delta_jars()
        if "comet" in sys.argv[1:]:
            found += comet_jars(pair_of(pyspark.__version__), fetch=True)
        print("\n".join(map(str, found)))
    except EngineError as error:
        raise SystemExit(str(error)) from error


def _found(needed: Sequence[str], ivy: Path | None) -> tuple[Path, ...]:
    own = os.environ.get(FOLDER)
    if own:
        return _all_in(Path(own), needed, f"complete {FOLDER}, or unset it and run: {_again()}")
    ivy = ivy or default_ivy()
    if _missing(ivy / "jars", needed):
        with _alone(ivy):
            _fetch(ivy, needed)
    return _all_in(ivy / "jars", needed, f"remove {ivy} and run: {_again()}")


def _all_in(folder: Path, needed: Sequence[str], remedy: str) -> tuple[Path, ...]:
    missing = _missing(folder, needed)
    if missing:
        raise EngineError(f"the jars in {folder} lack {', '.join(missing)}; {remedy}")
    return tuple(path for each in needed if (path := _jar(folder, each)) is not None)


def _missing(folder: Path, needed: Iterable[str]) -> list[str]:
    return [each for each in needed if _jar(folder, each) is None]


def _jar(folder: Path, coordinate: str) -> Path | None:
    group, artifact, version = coordinate.split(":")
    names = (f"{group}_{artifact}-{version}.jar", f"{artifact}-{version}.jar")
    # A download that was cut off, or that another process has not finished, is no zip yet.
    return next((path for name in names if zipfile.is_zipfile(path := folder / name)), None)


def _again() -> str:
    return calling.lossledger("doctor --engine spark")


@contextmanager
def _alone(ivy: Path) -> Iterator[None]:
    """One process at a time: what another one is just fetching looks like what a broken network has left."""
    try:
        ivy.mkdir(parents=True, exist_ok=True)
        lock = (ivy / ".lossledger.lock").open("w")
    except OSError as error:
        raise EngineError(f"cannot write {ivy} ({error.strerror}); set spark.jars.ivy or {FOLDER}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(ivy: Path, needed: Sequence[str]) -> None:
    """Fetch what lacks; where that fails beside what an earlier attempt has left, once more without it."""
    if not _missing(ivy / "jars", needed):
        return  # by now another process has fetched them
    left = [folder for each in needed if (folder := _cached(ivy, each)).exists()]
    _discard(path for folder in (ivy / "jars", *left) for path in folder.rglob("*.jar") if not _is_whole(path))
    told = _resolved(ivy, needed[0])
    if left and (told is not None or _missing(ivy / "jars", needed)):
        # Ivy believes in half a description for ever.
        _discard(left)
        told = _resolved(ivy, needed[0])
    if told is not None:
        raise EngineError(
            f"{needed[0]} could not be fetched ({told}). "
            f"With a network, run: {_again()}; without one, copy them from {ivy / 'jars'} of a "
            f"machine that has them and set {FOLDER} to their folder; or use --engine sail"
        )


def _cached(ivy: Path, coordinate: str) -> Path:
    group, artifact, _ = coordinate.split(":")
    return ivy / "cache" / group / artifact


def _is_whole(jar: Path) -> bool:
    """Whether a jar can be read to its end; a damaged one may still have its directory."""
    try:
        with zipfile.ZipFile(jar) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, zlib.error):
        return False


def _discard(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _resolved(ivy: Path, package: str) -> str | None:
    """Let Spark resolve a package; returns why that failed, or None."""
    with tempfile.TemporaryDirectory() as folder:
        run = _submitted(ivy, package, Path(folder), "")
        store = Path(folder) / "trust.jks"
        if run.returncode and "SSL" in run.stderr and trust.write_trust_store(store):
            run = _submitted(ivy, package, Path(folder), trust.java_options(store))
    return _reason(run.stderr) if run.returncode else None


def _submitted(ivy: Path, package: str, folder: Path, options: str) -> subprocess.CompletedProcess[str]:
    """Submit an empty program: Spark resolves its packages before it starts it."""
    program = folder / "nothing.py"
    program.touch()
    spark = Path(pyspark.__file__).parent
    settings = {
        "spark.jars.packages": package,
        "spark.jars.excludes": ",".join(EXCLUDES),
        "spark.jars.ivy": str(ivy),
        "spark.driver.extraJavaOptions": options,
    }
    command = [str(spark / "bin" / "spark-submit"), "--master", "local[1]"]
    command += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    environment = {
        **os.environ,
        "SPARK_HOME": str(spark),
        "JAVA_HOME": str(java.java_home()),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    try:
        return subprocess.run(
            [*command, str(program)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SLOWEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{package} did not come within {SLOWEST} s; is there a network?") from error


def _reason(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("Host ", "Server access error", "SERVER ERROR"))]
    return next(iter(telling or lines[-1:]), "no message")[:300]


if __name__ == "__main__":
    main()
