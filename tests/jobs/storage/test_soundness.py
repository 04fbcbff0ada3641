"""A damaged table is told by its name and version, with a mend that mends it."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.engines import failures
from jobs.errors import ConfigurationError, ContractError, RuntimeFailure
from jobs.storage import soundness
from jobs.storage.address import Address

LAST = 4


@pytest.fixture
def table(tmp_path):
    """A table of five commits."""
    place = tmp_path / "statistics"
    for version in range(LAST + 1):
        write_deltalake(
            str(place), pa.table({"day": [str(version)], "n": [version]}), partition_by=["day"], mode="append"
        )
    return place


def commit(table, version):
    return table / "_delta_log" / f"{version:020}.json"


def emptied(file):
    file.write_bytes(b"")


def halved(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def of_the_future(file):
    protocol = {"protocol": {"minReaderVersion": 99, "minWriterVersion": 99}}
    file.write_text(file.read_text() + "\n" + json.dumps(protocol) + "\n")


DAMAGES = {
    "0 bytes": (emptied, "a commit of 0 bytes"),
    "blank": (lambda file: file.write_bytes(b"\n\n"), "a commit of 2 bytes"),
    "garbage": (lambda file: file.write_text("garbage{{{"), "no JSON in line 1 of its commit"),
    "no UTF-8": (lambda file: file.write_bytes(b"\xff\xfe\x00"), "no JSON in line 1 of its commit"),
    "zeros": (lambda file: file.write_bytes(bytes(512)), "no JSON in line 1 of its commit"),
    "a list": (lambda file: file.write_text("[1]"), "no JSON in line 1 of its commit"),
    "half a commit": (halved, "no JSON in line"),
    "missing": (Path.unlink, "no commit 0000"),
    "a newer protocol": (of_the_future, "a protocol of reader version 99 and writer version 99"),
}


@pytest.mark.parametrize("version", [0, 2, LAST])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_commit_is_told_by_table_and_version(table, damage, version):
    soundness.check(Address(path=str(table)))
    change, found = DAMAGES[damage]
    change(commit(table, version))
    if (damage, version) == ("missing", LAST):
        # As if it had never been written.
        soundness.check(Address(path=str(table)))
        return
    with pytest.raises(ContractError, match=found) as caught:
        soundness.check(Address(path=str(table)))
    assert f"statistics ({table}), version {version}: found" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("version", [1, LAST])
@pytest.mark.parametrize("damage", ["0 bytes", "garbage"])
def test_the_mend_of_a_damaged_commit_mends_it(table, damage, version):
    for name in (f"{LAST:020}.crc", f".{LAST:020}.json.crc"):
        (table / "_delta_log" / name).touch()
    DAMAGES[damage][0](commit(table, version))
    with pytest.raises(ContractError) as caught:
        soundness.check(Address(path=str(table)))
    said = str(caught.value)
    told = f"remove {LAST:020}.* and .{LAST:020}.* in" if version == LAST else f"of the versions {version} to {LAST} in"
    assert told in said
    log = table / "_delta_log"
    for gone in range(version, LAST + 1):
        for file in (*log.glob(f"{gone:020}.*"), *log.glob(f".{gone:020}.*")):
            file.unlink()
    soundness.check(Address(path=str(table)))
    assert DeltaTable(str(table)).version() == version - 1


def test_a_table_of_others_is_not_for_us_to_mend(table):
    emptied(commit(table, LAST))
    with pytest.raises(
        ContractError, match=r"version 4: found a commit of 0 bytes, .*; restore it from a backup, or let"
    ):
        soundness.check(Address(path=str(table)), ours=False)


def test_a_file_that_the_log_has_and_the_disk_not_is_told(table):
    (file,) = (table / "day=3").iterdir()
    size = file.stat().st_size
    emptied(file)
    with pytest.raises(ContractError, match=f"version 3: found a file that has 0 bytes: .*, expected {size} bytes"):
        soundness.check(Address(path=str(table)))
    file.unlink()
    with pytest.raises(ContractError, match="version 3: found a file that is not there"):
        soundness.check(Address(path=str(table)))


def test_files_that_were_removed_may_be_gone(table):
    files = list((table / "day=3").iterdir())
    DeltaTable(str(table)).delete("day = '3'")
    for file in files:
        file.unlink()
    soundness.check(Address(path=str(table)))


def test_what_lies_before_a_checkpoint_may_be_gone(table):
    DeltaTable(str(table)).create_checkpoint()
    write_deltalake(str(table), pa.table({"day": ["9"], "n": [9]}), mode="append")
    for version in range(LAST + 1):
        commit(table, version).unlink()
    soundness.check(Address(path=str(table)))
    assert DeltaTable(str(table)).to_pyarrow_table().num_rows == LAST + 2
    halved(table / "_delta_log" / f"{LAST:020}.checkpoint.parquet")
    with pytest.raises(ContractError, match=f"version {LAST}: found a checkpoint that is no whole Parquet file"):
        soundness.check(Address(path=str(table)))


@pytest.mark.parametrize("place", ["tables", "tables/statistics", "tables/statistics/_delta_log"])
def test_a_file_in_place_of_a_folder_is_told(tmp_path, place):
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with pytest.raises(ConfigurationError, match="found a file, expected a folder, or nothing yet") as caught:
        soundness.check(Address(path=str(tmp_path / "tables" / "statistics")))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("name", ["nothing", "nothing/at/all"])
def test_a_table_that_is_not_there_is_sound(tmp_path, name):
    soundness.check(Address(path=str(tmp_path / name)))
    soundness.check_writable(tmp_path / name)
    soundness.check(Address(name="lake.metrics.statistics"))
    soundness.check(Address(path="s3://bucket/statistics"))


@pytest.mark.parametrize("said", ["No space left on device (os error 28)", "java.io.IOException: Disk quota exceeded"])
def test_a_full_disk_is_told_with_its_place(said):
    failure = failures.of_table(OSError(f"Generic LocalFileSystem error\n  {said}"), "/lake/statistics")
    assert isinstance(failure, RuntimeFailure)
    assert str(failure).startswith("the table /lake/statistics could not be written: ")
    assert isinstance(failures.explained(OSError(said)), RuntimeFailure)


def test_a_folder_that_may_not_be_written_is_told():
    failure = failures.of_table(OSError("Unable to open file: Permission denied (os error 13)"), "/lake/statistics")
    assert isinstance(failure, ConfigurationError)
    assert "/lake/statistics: found Permission denied" in str(failure)
    assert failures.of_table(ValueError("anything else"), "/lake") is None


@pytest.mark.parametrize(
    "said",
    [
        "Kernel error: Generic delta kernel error: Expected contiguous commit files, but found gap",
        "[DELTA_INVALID_PROTOCOL_VERSION] Unsupported Delta protocol version",
    ],
)
def test_what_engines_find_in_logs_elsewhere_is_told_with_the_table(said):
    failure = failures.of_table(OSError(said), "s3://lake/statistics")
    assert isinstance(failure, ContractError)
    assert f"s3://lake/statistics: found {said}, expected a whole log" in str(failure)
