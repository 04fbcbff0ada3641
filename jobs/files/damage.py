"""Which file of a source an engine failed at: it tells so in the middle of its work, and often without a name."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from jobs import paths
from jobs.engines import failures
from jobs.errors import ContractError, InputChangedError, LossledgerError, RuntimeFailure
from jobs.files import whole
from jobs.files.pinned import Pinned, verify
from jobs.settings import Evaluation, Source

# What engines and Arrow say of files, and of nothing else.
DAMAGE = re.compile(
    r"parquet (argument )?error|not a parquet file|org\.apache\.parquet|read page|file_footer|crc failure|"
    r"utf-?8|destination buffer|corrupt|deserializ|invalid data|malformed_csv|incorrect number of fields",
    re.IGNORECASE,
)
# It may be the file; it may be the network, or that somebody took the file away.
READING = re.compile(r"failed_read_file|no such file|not found|does not exist|parquet|unexpected end", re.IGNORECASE)


def explained(error: Exception, sources: Sequence[Pinned], settings: Evaluation) -> Exception:
    """What an error of a run means: a file of a source is damaged (exit 2), or what `failures` says of it."""
    failure = failures.explained(error)
    if isinstance(failure, RuntimeFailure) or not isinstance(error, (*failures.ENGINE_ERRORS, UnicodeDecodeError)):
        return failure
    said = "\n".join(failures.causes(error))
    if not (DAMAGE.search(said) or READING.search(said)):
        return failure
    mend = failures.remedy(error) or whole.ANEW
    known = _changed(sources) or _culprit(sources, settings, mend) or _named(failures.causes(error), sources, mend)
    if known is None and failure is error and DAMAGE.search(said):
        return ContractError(f"a source cannot be read: {': '.join(_ends(failures.causes(error)))}. {mend}")
    return known or failure


def _named(causes: Sequence[str], sources: Sequence[Pinned], mend: str) -> ContractError | None:
    """The local file that the engine names itself: it may be stricter than Arrow."""
    if not causes[0].startswith("[FAILED_READ_FILE"):
        return None
    for source in sources:
        for file in _local_files(source.provenance, [file.path for file in source.files]):
            if file in unquote(causes[0]):
                return ContractError(f"{source.name}: {file}: {causes[-1]}. {mend}")
    return None


def _ends(causes: Sequence[str]) -> Sequence[str]:
    """What happened, and the innermost reason where that is another."""
    return list(dict.fromkeys((causes[0], causes[-1])))


def _changed(sources: Sequence[Pinned]) -> InputChangedError | None:
    try:
        verify(sources)
    except InputChangedError as changed:
        return changed
    return None


def _culprit(sources: Sequence[Pinned], settings: Evaluation, mend: str) -> LossledgerError | None:
    """The first local file that Arrow cannot read either, with what it says."""
    for source in sources:
        for file in _local_files(source.provenance, [file.path for file in source.files]):
            told = _unpacked(file, settings.sources[source.name]) if source.is_text else _decoded(file)
            if told is not None:
                return ContractError(f"{source.name}: {file}: {told}. {mend}")
    return None


def _local_files(pinned: Mapping[str, Any], files: Sequence[str]) -> Iterator[str]:
    if pinned.get("format") == "delta":
        files = [file.path for file in whole.delta_files(pinned["path"], pinned["version"])]
    yield from (local for local in map(paths.local_path, files) if local is not None)


def _decoded(file: str) -> str | None:
    """What is wrong with a Parquet file, or None: every page is read."""
    try:
        with pq.ParquetFile(file) as found:
            for batch in found.iter_batches():
                batch.validate(full=True)
    except (OSError, pa.ArrowException) as error:
        return " ".join(str(error).split()).rstrip(".")
    return None


def _unpacked(file: str, source: Source) -> str | None:
    """What is wrong with a CSV file, or None: a row has not as many fields as the first."""
    options = {name.lower(): str(value) for name, value in source.options.items()}
    comment = options.get("comment")
    encoding = options.get("encoding", options.get("charset", "utf-8"))
    try:
        with io.TextIOWrapper(pa.input_stream(file, compression="detect"), encoding, newline="") as text:
            lines = (line for line in text if not (comment and line.startswith(comment)))
            rows = csv.reader(
                lines,
                delimiter=options.get("sep", options.get("delimiter", ",")),
                quotechar=options.get("quote", '"'),
            )
            first = len(source.names) or len(next(rows, ()))
            odd = next((row for row in rows if row and len(row) != first), None)
            return None if odd is None else f"line {rows.line_num:,} has {len(odd)} fields, expected {first}"
    except (OSError, UnicodeDecodeError) as error:
        return str(error)
    except (csv.Error, LookupError, TypeError):
        # What only an engine understands: a separator of several characters, another name of an encoding.
        return None
