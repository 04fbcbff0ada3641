"""Delta tables are looked at as engines read them: without rows that were deleted, or not at all."""

import base64
import json
import struct

import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.errors import ContractError
from jobs.settings import Source
from jobs.surfaces.first_rows.glimpse import glimpse
from jobs.surfaces.init.command import written
from tests.jobs.surfaces.init import logs

WORLD = logs.world(400)[["id", "at", "country", "p", "click"]]
BASE85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def vector(rows):
    """Rows that are deleted, an even number of them, as Delta writes them into its log: a Roaring bitmap in Z85."""
    head = struct.pack("<IQIIIHHI", 1681511377, 1, 0, 12346, 1, 0, len(rows) - 1, 16)
    bitmap = head + struct.pack(f"<{len(rows)}H", *rows)
    text = base64.b85encode(bitmap).decode().translate(str.maketrans(BASE85, Z85))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(bitmap), "cardinality": len(rows)}


def table(path, feature, **of_file):
    """A table of one file that says of it what only a reader with the feature understands."""
    write_deltalake(path, WORLD)
    (file,) = DeltaTable(path).get_add_actions().column("path").to_pylist()
    size = (path / file).stat().st_size
    told = {"path": file, "dataChange": True}
    add = {**told, "partitionValues": {}, "size": size, "modificationTime": 0, **of_file}
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [feature], "writerFeatures": [feature]}
    commit = [{"protocol": protocol}, {"remove": {**told, "deletionTimestamp": 0}}, {"add": add}]
    (path / "_delta_log" / f"{1:020}.json").write_text("\n".join(map(json.dumps, commit)) + "\n")
    return path


def test_deleted_rows_are_none_of_the_first(tmp_path):
    path = table(tmp_path / "log", "deletionVectors", deletionVector=vector([0, 1, 2, 5]))
    found = glimpse("impressions", Source(format="delta", path=str(path)))
    left = WORLD.drop(index=[0, 1, 2, 5])
    assert found.values("id") == left["id"].tolist()
    assert {"id": "string", "p": "double", "click": "bigint"}.items() <= found.types.items()
    made = written(str(path), [], tmp_path / "lossledger.yaml")
    assert made.proposal.impressions.rows.num_rows == len(left) and made.proposal.impressions.complete


def test_a_table_that_only_spark_reads_is_told_as_one(tmp_path):
    path = table(tmp_path / "log", "typeWidening")
    assert glimpse("impressions", Source(format="delta", path=str(path))) is None
    with pytest.raises(ContractError, match=r"found a Delta table that only Apache Spark reads \(typeWidening\)"):
        written(str(path), [], tmp_path / "lossledger.yaml")
