"""What engines say when they fail, without their stacks, and which failures are the fault of the files they read."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator

from py4j.protocol import Py4JJavaError, Py4JNetworkError
from pyspark.errors import PySparkException

from jobs.errors import ConfigurationError, ContractError, LossledgerError, Problem, RuntimeFailure
from jobs.safe_text import printable, printable_lines, redacted

ENGINE_ERRORS = (PySparkException, Py4JJavaError)
# What calls of a JVM end with that has ended itself. (A broken pipe may be that of our own output.)
GONE = (Py4JNetworkError, ConnectionRefusedError, ConnectionResetError)
FULL = re.compile("No space left on device|Disk quota exceeded|os error 28", re.IGNORECASE)
DENIED = re.compile("Permission denied|Read-only file system|os error (13|30)", re.IGNORECASE)
# A log that cannot be read, where `soundness` does not see it: in another file system, or in a catalog.
DAMAGED = re.compile(
    "kernel error|json error|invalid json in log record|missing commit file|"
    "DELTA_(INVALID_PROTOCOL|UNSUPPORTED_FEATURES|VERSIONS_NOT_CONTIGUOUS|STATE_RECOVER|LOG_FILE_NOT_FOUND|MISSING_TRANSACTION_LOG)",
    re.IGNORECASE,
)
# An accelerator's memory, which its joins and sorts count against and do not always spill from.
EXHAUSTED = re.compile(
    "CometOutOfMemoryError|CometNativeException.*(Resources exhausted|Not enough memory)", re.IGNORECASE | re.DOTALL
)
OCCUPIED = "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION"
# What an engine says, as a pattern, and what mends it.
REMEDIES = (
    (
        r"Timestamp\(Nano",
        "It has timestamps in nanoseconds, which the engine reads from local files alone. Write them in microseconds: "
        "to_parquet(..., coerce_timestamps='us', allow_truncated_timestamps=True) of pandas and pyarrow.",
    ),
    (
        "MALFORMED_CSV|incorrect number of fields",
        "A row has more or fewer fields than the first one. Mend the file; on Apache Spark, options: "
        "{mode: PERMISSIVE} takes lacking fields for NULL and drops those that are too many.",
    ),
    (
        "DATA_TYPE_MISMATCH|INCOMPATIBLE_DATA_TYPE|Fail to merge schema",
        "A column has not the same type in all files of the source. Write them alike, or keep them in two sources.",
    ),
    (
        "COLUMN_ALREADY_EXISTS",
        "Spark compares names of columns without their case. Rename one of the two.",
    ),
    (
        "duplicate column names",
        "A column is in the files and in the name of their folder (key=value) too. Leave it out of the files, "
        "or take --engine spark, to which the folder's value counts.",
    ),
)


def causes(error: BaseException) -> list[str]:
    """The messages of an error and of what caused it, outermost first, each in one line and once."""
    lines = dict.fromkeys(map(_line, _messages(error)))
    return [line for line in lines if line and "awaitResult" not in line] or [type(error).__name__]


def remedy(error: BaseException) -> str | None:
    """What mends the files that an engine failed at, or None where something else failed."""
    said = "\n".join(causes(error))
    return next((mend for pattern, mend in REMEDIES if re.search(pattern, said, re.IGNORECASE)), None)


def explained(error: Exception) -> Exception:
    """What an error of the engine means: a source's files are at fault (exit 2), or its JVM is gone (exit 3).

    Any other error comes back as it is.
    """
    if isinstance(error, GONE):
        return RuntimeFailure(
            "the JVM of Apache Spark ended before the run did: it was killed, or had no room left in the memory of the "
            "machine, in spark.driver.memory or in its code cache (-XX:ReservedCodeCacheSize). What it said last is "
            "in the log. Every table holds a whole day; run again."
        )
    said = "" if isinstance(error, LossledgerError) else "\n".join(_messages(error))
    if FULL.search(said):
        return full("a disk is full", error)
    if EXHAUSTED.search(said):
        return RuntimeFailure(
            "Comet ran out of its memory, spark.memory.offHeap.size. Every table holds a whole day, old or new; run "
            "again with --accelerator none, or with more of it: a GiB for each core, and more where labels are large."
        )
    mend = remedy(error) if isinstance(error, ENGINE_ERRORS) else None
    return error if mend is None else ContractError(f"a source cannot be read: {causes(error)[0]}. {mend}")


def full(summary: str, error: BaseException) -> RuntimeFailure:
    """The failure of a write for which there was no room."""
    said = FULL.search("\n".join(_messages(error)))
    line = causes(error)[0] if said is None else said[0]
    return RuntimeFailure(f"{summary}: {line}. Every table holds a whole day, old or new; make room, and run again.")


def occupied(place: str) -> ContractError:
    """What is said of a folder that somebody else's files are in."""
    expected = "a Delta table, or nothing yet; choose another tables.path"
    return ContractError("a table cannot be there", [Problem(place, "a folder with other files", expected)])


def of_table(error: Exception, place: str) -> LossledgerError | None:
    """What a failure at a table means where the disk (exit 3), the place or the log (exit 2) is at fault, or None."""
    if isinstance(error, LossledgerError):
        return None
    said = "\n".join(_messages(error))
    if FULL.search(said):
        return full(f"the table {place} could not be written", error)
    if denied := DENIED.search(said):
        problem = Problem(place, denied[0], "a folder that this user may write")
        return ConfigurationError("a table cannot be written", [problem])
    if OCCUPIED in said:
        return occupied(place)
    if DAMAGED.search(said):
        expected = "a whole log; restore its folder _delta_log from a backup, or evaluate the days of the table anew"
        return ContractError("the log of a table is damaged", [Problem(place, causes(error)[0], expected)])
    return None


def told(error: BaseException, *, whole: bool) -> str:
    """An error as a text; without the inner causes and examples unless `whole`, as those may quote a row."""
    if isinstance(error, LossledgerError):
        examples = error.examples if whole else ""
        notes = (f"({note})" for note in getattr(error, "__notes__", ()))
        return printable_lines(redacted(" ".join([f"{error}{examples}", *notes])))
    return printable(redacted(f"{type(error).__name__}: {'; '.join(causes(error)[: None if whole else 1])}"))


def stack(error: BaseException) -> str:
    """Where an error that nobody foresaw came from, for those who mend it."""
    return printable_lines(redacted("".join(traceback.format_exception(error))).rstrip())


def _messages(error: BaseException) -> Iterator[str]:
    if not isinstance(error, Py4JJavaError):
        yield str(error)
        return
    # The error in Python says only from where Java was called.
    cause = error.java_exception
    while cause is not None:
        yield str(cause.getMessage() or "")
        cause = cause.getCause()


def _line(message: str) -> str:
    """The line that matters: of a Python worker's message the last, which follows its stack."""
    lines = [line.strip() for line in message.strip().splitlines()] or [""]
    return lines[-1 if any(line.startswith("Traceback") for line in lines) else 0].rstrip(".")
