"""The files of a local Delta table as the embedded engine has to read them: as Parquet, without what the log says.

Of a file that has one value as the least and the largest Sail makes a constant. The log of a table rounds decimals to
doubles, cuts whole ones at 2^63 and passes over NaN: ids would become one id, and NaN a score.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs import paths
from jobs.engines.quoting import by_name
from jobs.errors import ContractError
from jobs.files import whole
from jobs.files.whole import DataFile
from jobs.paths import Partition

PLAIN = frozenset(("timestampNtz", "typeWidening", "v2Checkpoint", "vacuumProtocolCheck"))
SPELLED = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}


def check_format(name: str, format_: str, path: str) -> None:
    """Raise ContractError (exit 2) for a local folder that is a Delta table and read as files, or the other way round.

    Beside the files of a table lie those of its earlier versions: each row would be read as often as it was written.
    """
    local = paths.local_path(path)
    if (
        local is None
        or not os.path.isdir(local)
        or (os.path.isdir(os.path.join(local, "_delta_log")) == (format_ == "delta"))
    ):
        return
    found, mend = ("a folder without _delta_log", "a Delta table; name the format of its files")
    if format_ != "delta":
        found, mend = "a Delta table", f"files of {format_} and no _delta_log beside them; name format: delta"
    raise ContractError(f"{name}: found {found} at {path!r}, expected {mend}")


def grouped(files: Iterable[DataFile]) -> dict[Partition, list[str]]:
    """Files by the values of their partitions."""
    groups: dict[Partition, list[str]] = defaultdict(list)
    for file in files:
        groups[file.values].append(file.path)
    return groups


def plain(path: str, version: int) -> list[DataFile]:
    """The files of a version where they are the rows of the table, else none.

    They are not where columns have other names in the files, where rows of files are deleted, and elsewhere than here.
    """
    return whole.delta_files(path, version) if paths.local_path(path) is not None and _is_plain(path, version) else []


def typed(frame: DataFrame, path: str, version: int, unusable: Collection[str]) -> DataFrame:
    """The rows of files with the columns of the table, those of its partitions in their own types.

    Columns that are in the files and cannot be read are left out.
    """
    table = DeltaTable(str(paths.local_path(path)), version=version)
    there, partitions = set(frame.columns), set(table.metadata().partition_columns)
    columns: dict[str, Column] = {}
    for field in table.schema().fields:
        if field.name in unusable:
            continue
        column = by_name(field.name) if field.name in there else F.lit(None)
        if field.name in there - partitions:
            columns[field.name] = column
        elif isinstance(field.type, PrimitiveType):
            columns[field.name] = column.cast(SPELLED.get(field.type.type, field.type.type))
    return frame.select(*(column.alias(name) for name, column in columns.items()))


def _is_plain(path: str, version: int) -> bool:
    try:
        protocol = DeltaTable(str(paths.local_path(path)), version=version).protocol()
    except DeltaError:
        return False
    return protocol.min_reader_version == 1 or (
        protocol.min_reader_version > 2 and PLAIN.issuperset(protocol.reader_features or ())
    )
