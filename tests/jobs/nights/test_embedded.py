"""Which engine runs a night where nobody names one."""

from datetime import date

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from jobs.day import dates
from jobs.nights import embedded
from jobs.settings import parse
from tests.world import days
from tests.world.night import document, parquet

DAY = date(2026, 3, 18)


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """A laptop, on which no Spark is set up."""
    for name in embedded.OF_SPARK:
        monkeypatch.delenv(name, raising=False)


def small(folder, **sections):
    parquet(folder / "impressions", {"p": [0.1, 0.2], "click": [0, 1]})
    return parse(document(folder, **sections))


def test_small_logs_of_this_machine_are_embedded(tmp_path):
    found = embedded.engine_for(small(tmp_path), [DAY])
    size = sum(file.stat().st_size for file in (tmp_path / "impressions").iterdir())
    assert found == ("sail", f"the logs of a day are {embedded.spelled(size)} on this machine")
    assert found.sentence.startswith("on Sail, the embedded engine, as ")


def test_large_logs_are_of_spark(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "MOST_BYTES", 100)
    found = embedded.engine_for(small(tmp_path), [DAY])
    assert found.engine == "spark"
    assert found.sentence.startswith("on Apache Spark, as the logs of a day are ")


def test_only_the_day_counts_of_logs_in_folders_by_the_day(tmp_path, monkeypatch):
    for day in ("2026-03-18", "2026-01-01"):
        parquet(tmp_path / "impressions" / f"dt={day}", {"p": [0.1] * 1000, "click": [0] * 1000})
    settings = parse(document(tmp_path, day={"partition": "dt"}))
    each = embedded._bytes(settings, DAY, {})
    assert each == sum(f.stat().st_size for f in (tmp_path / "impressions" / "dt=2026-03-18").iterdir())
    monkeypatch.setattr(embedded, "MOST_BYTES", each)
    assert embedded.engine_for(settings, [DAY]).engine == "sail"


def test_of_several_days_the_largest_counts_and_each_log_is_listed_once(tmp_path, monkeypatch):
    for day, rows in (("2026-03-10", 1), ("2026-03-14", 1000), ("2026-03-18", 1)):
        parquet(tmp_path / "impressions" / f"dt={day}", {"p": [0.1] * rows, "click": [0] * rows})
    settings, listed = parse(document(tmp_path, day={"partition": "dt"})), []
    look = embedded.listing.files
    monkeypatch.setattr(embedded.listing, "files", lambda *of: listed.append(of) or look(*of))
    found = embedded.engine_for(settings, dates(date(2026, 3, 10), DAY))
    most = sum(f.stat().st_size for f in (tmp_path / "impressions" / "dt=2026-03-14").iterdir())
    assert found == ("sail", f"the logs of a day are at most {embedded.spelled(most)} on this machine")
    assert len(listed) == 1


def test_what_reads_the_tables_alone_looks_at_no_log(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded.listing, "files", lambda *_: pytest.fail("a log was listed"))
    elsewhere = small(tmp_path, **ELSEWHERE["a log elsewhere"][0])
    assert embedded.engine_for_tables(elsewhere) == ("sail", "the tables are on this machine")
    assert embedded.engine_for_tables(small(tmp_path, **ELSEWHERE["tables elsewhere"][0])).engine == "spark"


def test_a_delta_table_counts_by_its_log(tmp_path):
    write_deltalake(str(tmp_path / "impressions"), pa.table({"p": [0.1, 0.2], "click": [0, 1]}))
    settings = parse(document(tmp_path, impressions={"source": {"format": "delta", "path": f"{tmp_path}/impressions"}}))
    (file,) = (tmp_path / "impressions").glob("*.parquet")
    assert embedded._bytes(settings, DAY, {}) == file.stat().st_size


ELSEWHERE = {
    "a log elsewhere": (
        {"impressions": {"source": {"format": "parquet", "path": "s3a://b/i"}}},
        "impressions is not on",
    ),
    "a table of a catalog": ({"impressions": {"source": {"table": "a.b.c"}}}, "impressions is not on this machine"),
    "tables elsewhere": ({"tables": {"path": "s3a://b/t"}}, "the tables are not in a folder of this machine"),
    "tables of a catalog": ({"tables": {"catalog": "a", "schema": "b"}}, "the tables are not in a folder of this"),
    "an option of Spark": (
        {"impressions": {"source": {"format": "csv", "path": "a.csv", "options": {"lineSep": "\r"}}}},
        "impressions has options that only Apache Spark obeys",
    ),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_is_elsewhere_is_of_spark(tmp_path, kind):
    sections, why = ELSEWHERE[kind]
    found = embedded.engine_for(small(tmp_path, **sections), [DAY])
    assert found.engine == "spark"
    assert found.why.startswith(why)


@pytest.mark.parametrize("name", embedded.OF_SPARK)
def test_where_a_spark_is_set_up_it_is_taken(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "/somewhere")
    assert embedded.engine_for(small(tmp_path), [DAY]) == ("spark", f"{name} is set")


def test_an_accelerator_that_is_asked_for_is_of_spark(tmp_path):
    assert embedded.engine_for(small(tmp_path), [DAY], "comet").engine == "spark"


def test_logs_that_are_not_there_are_told_by_the_run(tmp_path):
    assert embedded.engine_for(parse(document(tmp_path)), [DAY]).engine == "sail"


def test_labels_count_too(tmp_path):
    days.small_day(tmp_path)
    settings = parse(days.configured(tmp_path))
    files = [f for name in ("impressions", "conversions") for f in (tmp_path / name).rglob("*") if f.is_file()]
    assert embedded._bytes(settings, days.DAY, {}) == sum(f.stat().st_size for f in files)
