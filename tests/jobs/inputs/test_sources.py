import dataclasses
import datetime as dt
import gzip
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import nightly
from jobs.day import Day
from jobs.errors import ConfigurationError, ContractError, InputMissingError
from jobs.files import pinned as sources
from jobs.files import there
from jobs.files.pinned import Wanted
from jobs.settings import Source, parse
from tests.world import days, night


@pytest.mark.parametrize("name", ["a b.parquet", "a%20b.parquet", "日志.parquet"])
def test_files_with_odd_names_are_read(spark, tmp_path, name):
    pq.write_table(pa.table({"x": [1, 2, 3]}), tmp_path / name)
    pinned = sources.pinned(
        spark, Wanted("impressions", Source(format="parquet", path=str(tmp_path)), Day(dt.date(2026, 1, 1)))
    )
    assert pinned.frame.count() == 3
    assert [file.size for file in pinned.files] == [(tmp_path / name).stat().st_size]


def pinned(spark, path, **source):
    wanted = Wanted("impressions", Source(path=str(path), **source), Day(dt.date(2026, 1, 1)), "dt")
    return sources.pinned(spark, wanted).frame


def rows(frame):
    return sorted(tuple(row.asDict().items()) for row in frame.select(sorted(frame.columns)).collect())


def parquet(file, **columns):
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: [value] for name, value in columns.items()}), file)


def test_csv_files_are_read_by_their_own_headers(spark, tmp_path):
    (tmp_path / "a.csv").write_text('id,p,q\n1,0.1,"12"" TV, black"\n')
    (tmp_path / "b.csv").write_text("q,id,p\nx,2,0.2\n")
    (tmp_path / "c.csv").write_text("id,q,p,new\n3,y,0.3,n\n")
    expected = [("1", None, "0.1", '12" TV, black'), ("2", None, "0.2", "x"), ("3", "n", "0.3", "y")]
    found = rows(pinned(spark, tmp_path, format="csv"))
    assert found == [tuple(zip(("id", "new", "p", "q"), row, strict=True)) for row in expected]


def test_a_column_that_comes_later_is_null_before(spark, tmp_path):
    parquet(tmp_path / "dt=2025-12-31" / "a.parquet", p=0.1)
    parquet(tmp_path / "dt=2026-01-01" / "a.parquet", p=0.2, candidate=0.3)
    found = pinned(spark, tmp_path, format="parquet").select("dt", "p", "candidate").collect()
    assert sorted(map(tuple, found)) == [("2025-12-31", 0.1, None), ("2026-01-01", 0.2, 0.3)]


@pytest.mark.parametrize("path", ["logs", "lo*"])
def test_folders_above_a_source_are_none_of_its_partitions(spark, tmp_path, path):
    root = tmp_path / "country=XX"
    parquet(root / "logs" / "a.parquet", country="DE")
    assert rows(pinned(spark, root / path, format="parquet")) == [(("country", "DE"),)]


def test_plain_folders_in_a_source_are_none_of_it(spark, tmp_path):
    parquet(tmp_path / "a.parquet", country="DE")
    parquet(tmp_path / "archive" / "a.parquet", country="FR")
    assert rows(pinned(spark, tmp_path, format="parquet")) == [(("country", "DE"),)]
    everywhere = {"options": {"recursiveFileLookup": True}, "format": "parquet"}
    assert len(rows(pinned(spark, tmp_path, **everywhere))) == 2


@pytest.mark.only_engine("sail")
def test_plain_folders_that_are_not_read_are_told(spark, tmp_path):
    night.parquet(tmp_path / "impressions", {"click": [0.0, 1.0], "p": [0.1, 0.2]})
    (tmp_path / "impressions" / "empty").mkdir()
    night.parquet(tmp_path / "impressions" / "sub" / "deeper", {"click": [1.0], "p": [0.3]})
    config = night.document(tmp_path)
    (warning,) = night.evaluated(spark, config).warnings
    assert re.fullmatch(r"impressions: files in .*/sub are not read; .*recursiveFileLookup: true.*", warning)
    config["impressions"]["source"]["options"] = {"recursiveFileLookup": True}
    outcome = night.evaluated(spark, config)
    assert (outcome.warnings, outcome.ledger.scored) == ((), 3)


def test_partitions_that_are_spelled_otherwise_are_listed(spark, tmp_path):
    parquet(tmp_path / "dt=1.1.2026" / "a.parquet", p=0.1)
    with pytest.raises(InputMissingError, match=r"in a partition dt=2026-01-01; there are dt=1\.1\.2026 \(exit"):
        pinned(spark, tmp_path, format="parquet")


@pytest.mark.only_engine("sail")
def test_a_folder_that_the_embedded_engine_loses_is_told(spark, tmp_path):
    folder = tmp_path / "a b"
    (folder / "_delta_log").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"a Delta source: found '.*a b', expected a path of ASCII letters"):
        pinned(spark, folder, format="delta")
    settings = parse(days.small_day(folder))
    with pytest.raises(ConfigurationError, match=r"tables\.path: found '.*a b/tables', expected .* --engine spark"):
        nightly.evaluate(spark, settings, days.DAY)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_what_is_no_part_of_a_log_is_not_read(spark, tmp_path, kind):
    """Markers, checksums, copies under way and folders of a committer: they need not even be readable."""
    days.written([{"p": 0.5}], tmp_path, kind)
    for name in ("_SUCCESS", f".part-0.{kind}.crc", f"b.{kind}._COPYING_", f"_temporary/0/c.{kind}"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff")
    assert len(rows(pinned(spark, tmp_path, format=kind))) == 1


@pytest.mark.only_engine("sail")
def test_a_file_that_is_not_finished_ends_the_run_before_any_work(spark, tmp_path):
    document = days.small_day(tmp_path)
    (tmp_path / "conversions" / "z.parquet").write_bytes(b"")
    with pytest.raises(InputMissingError, match=r"labels\.conversion: .*/z\.parquet has 0 bytes\. A producer is"):
        nightly.evaluate(spark, parse(document), days.DAY)


@pytest.mark.parametrize("names", [(), ("a", "b")])
def test_packed_files_lie_beside_plain_ones(spark, tmp_path, names):
    lines = ["1,2\n"] if names else ["a,b\n1,2\n"]
    (tmp_path / "a.csv").write_text(lines[0])
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(lines[0].encode()))
    (tmp_path / "c.csv").write_text("")
    assert rows(pinned(spark, tmp_path, format="csv", names=names)) == [(("a", "1"), ("b", "2"))] * 2


def test_a_damaged_file_of_another_day_is_none_of_this_one(spark, tmp_path):
    parquet(tmp_path / "dt=2026-01-01" / "a.parquet", p=0.2)
    (tmp_path / "dt=2026-01-05").mkdir()
    (tmp_path / "dt=2026-01-05" / "a.parquet").write_bytes(b"PAR1")
    assert len(rows(pinned(spark, tmp_path, format="parquet"))) == 1


def test_an_empty_folder_is_not_there_yet(spark, tmp_path):
    with pytest.raises(InputMissingError, match=r"impressions: no file under .* \(exit code 4: not there yet\)"):
        pinned(spark, tmp_path, format="csv")


@pytest.mark.parametrize("name", ["logs[1]", "logs{x}", "wh?t", "a*"])
def test_what_is_there_under_a_name_like_a_pattern_is_named(spark, tmp_path, name):
    parquet(tmp_path / name / "a.parquet", p=0.1)
    with pytest.raises(
        ContractError, match=r"impressions: '.*' is there, but engines take .* for a pattern\. Rename it"
    ):
        pinned(spark, tmp_path / name, format="parquet")


def test_a_file_with_a_name_like_a_pattern_is_named(spark, tmp_path):
    parquet(tmp_path / "part[1].parquet", p=0.1)
    with pytest.raises(ContractError, match=r"part\[1\]\.parquet' is there, but engines take"):
        pinned(spark, tmp_path, format="parquet")


def test_columns_that_differ_in_case_only_are_refused(spark, tmp_path):
    parquet(tmp_path / "a.parquet", p=0.1, P=0.2)
    with pytest.raises(ContractError, match=r"(?i)'?`?p`?'?.*: ?rename one|rename one of the two"):
        pinned(spark, tmp_path, format="parquet")


def refused(spark, folder, document):
    """What is said of a day that is refused, which is kept in `runs`, and of which nothing else is written."""
    with pytest.raises(ContractError) as caught:
        nightly.evaluate(spark, parse(document), days.DAY)
    events = sorted(days.rows_of(folder, "runs"), key=lambda row: row["event_time"])
    assert [event["message"] for event in events if event["state"] == "refused"] == [str(caught.value)]
    assert not days.rows_of(folder, "statistics")
    return str(caught.value)


@pytest.mark.parametrize("lacking", [False, pytest.param(True, marks=pytest.mark.only_engine("sail"))])
def test_a_row_with_fewer_or_more_fields_is_refused_without_quoting_it(spark, tmp_path, lacking):
    file = days.written([days.impression(i) for i in range(20)], tmp_path / "impressions", "csv")
    row = file.read_text().splitlines()[-1].replace("i0019", "secret")
    file.write_text(file.read_text() + (row.rpartition(",")[0] if lacking else f"{row},1") + "\n")
    days.written([days.conversion(0)], tmp_path / "conversions")
    document = days.configured(tmp_path)
    document["impressions"]["source"]["format"] = "csv"
    told = refused(spark, tmp_path, document)
    assert "A row has more or fewer fields than the first one. Mend the file" in told
    assert "secret" not in told


def test_of_a_label_log_the_days_up_to_the_age_are_one_reading(spark, tmp_path):
    for day in ("2025-12-30", "2025-12-31", "2026-01-01", "2026-01-04", "2026-01-06"):
        parquet(tmp_path / f"dt={day}" / "a.parquet", id=int(day[-2:]), other="x")
    wanted = Wanted(
        "labels.click",
        Source(format="parquet", path=str(tmp_path)),
        Day(dt.date(2026, 1, 1)),
        "dt",
        dt.datetime(2026, 1, 4, 1, tzinfo=dt.UTC),
        frozenset({"id"}),
    )
    found = sources.pinned(spark, wanted)
    assert sorted(row.id for row in found.frame.select("id").collect()) == [1, 4, 31]
    assert found.frame.columns == ["id", "other"]
    asked = dataclasses.replace(wanted, columns=frozenset({"id", "dt"}))
    assert "dt" in sources.pinned(spark, asked).frame.columns


@pytest.mark.parametrize(
    ("said", "absent"),
    [
        ("[PATH_NOT_FOUND] Path does not exist: s3a://b/x", True),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `a`.`b` cannot be found", True),
        ("Object at location /tmp/x not found: No such file or directory (os error 2)", True),
        ("java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found", False),
        ("[CATALOG_NOT_FOUND] The catalog `lake` not found", False),
        ("NoSuchBucketException: The specified bucket does not exist", False),
    ],
)
def test_what_may_still_come_is_told_from_what_is_wrong(said, absent):
    assert bool(there.ABSENT.search(said)) == absent


@pytest.mark.only_engine("sail")
def test_a_label_log_without_events_is_not_there_yet(spark, tmp_path):
    document = days.small_day(tmp_path)
    for file in (tmp_path / "conversions").iterdir():
        file.unlink()
    days.written([days.conversion(0, conv_ts=days.START - dt.timedelta(days=3))], tmp_path / "conversions")
    told = r"labels\.conversion: found no event in the windows of this day.* \(they are of 2026-11-13\)"
    with pytest.raises(InputMissingError, match=told):
        nightly.evaluate(spark, parse(document), days.DAY)
    assert not days.rows_of(tmp_path, "statistics")
    document["labels"]["conversion"]["may_be_empty"] = True
    assert nightly.evaluate(spark, parse(document), days.DAY).ledger.scored == 120
