"""A Delta table on Apache Spark as the Parquet files that it is: an accelerator leaves Delta's own scans to Spark.

Where columns are called in the files as in the table and no row of a file is deleted, Delta hands its files to Spark's
reader of Parquet and adds nothing. Which files those are, the values of their partitions, and what statistics let a
query pass over, stay with Delta.
"""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.files.wanted import Wanted

DELTA = "org.apache.spark.sql.delta.DeltaParquetFileFormat"
LOGICAL = "org.apache.spark.sql.execution.datasources.LogicalRelation"
DELETING = "deletionVectors"
# What may be in the protocol of a table without a say in its rows, or is looked at below.
KNOWN = frozenset((DELETING, "columnMapping", "timestampNtz", "typeWidening", "v2Checkpoint", "vacuumProtocolCheck"))
WIDENED = '"delta.typeChanges"'


def as_parquet(frame: DataFrame, wanted: Wanted) -> DataFrame:
    """The same rows of a pinned version, read as Parquet, or the frame itself where Delta does more than that.

    Args:
        frame: The table as Delta reads it, on a classic session.
        wanted: Which partitions are; of others it is no matter that rows are deleted in their files.
    """
    plan = _java(frame).queryExecution().analyzed()
    if _class(plan) != LOGICAL or _class(plan.relation().fileFormat()) != DELTA:
        return frame
    relation = plan.relation()
    if not _is_plain(relation.location()) or _has_deleted(frame, relation.location(), wanted):
        return frame
    session: Any = frame.sparkSession
    sources = session._jvm.org.apache.spark.sql.execution.datasources
    schemas = relation.partitionSchema(), relation.dataSchema()
    format_ = sources.parquet.ParquetFileFormat()
    how = relation.bucketSpec(), format_, relation.options(), relation.sparkSession()
    read = sources.HadoopFsRelation(relation.location(), *schemas, *how)
    return DataFrame(session._jsparkSession.baseRelationToDataFrame(read), session)


def _is_plain(index: Any) -> bool:
    """Whether columns have their own names in the files, and the types that they had when those were written."""
    return (
        _features(index) <= KNOWN
        and index.metadata().columnMappingMode().name() == "none"
        and WIDENED not in index.metadata().schemaString()
    )


def _features(index: Any) -> set[str]:
    return set(json.loads(index.protocol().json())["protocol"].get("readerFeatures", ()))


def _has_deleted(frame: DataFrame, index: Any, wanted: Wanted) -> bool:
    """Whether a file that may hold a row that is wanted has rows that were deleted."""
    if DELETING not in _features(index):
        return False
    files = DataFrame(index.getSnapshot().allFiles().toDF(), frame.sparkSession)
    found = files.where(F.col("deletionVector").isNotNull())
    if wanted.partition in frame.columns:
        # As the rows are pruned: the log may spell a value otherwise than its type does.
        typed = F.col("partitionValues")[wanted.partition].try_cast(frame.schema[wanted.partition].dataType)
        found = found.where(F.coalesce(typed.cast("string").isin(wanted.spellings), F.lit(True)))
    return not found.isEmpty()


def _java(frame: DataFrame) -> Any:
    java: Any = frame._jdf  # type: ignore[operator, unused-ignore]
    return java


def _class(java: Any) -> str:
    return str(java.getClass().getName())
