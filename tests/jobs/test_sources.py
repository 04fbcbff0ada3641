import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import sources
from jobs.day import Day
from jobs.errors import ContractError
from jobs.settings import Source
from jobs.sources import Wanted


def test_timestamps_in_nanoseconds_are_refused_with_what_to_do(spark, tmp_path):
    pq.write_table(pa.table({"ts": pa.array([1], pa.timestamp("ns", tz="UTC"))}), tmp_path / "a.parquet")
    source = Source(format="parquet", path=str(tmp_path))
    with pytest.raises(ContractError, match=r"timestamps in nanoseconds.*Write them in microseconds"):
        sources.pinned(spark, Wanted("impressions", source, Day(dt.date(1970, 1, 1))))


@pytest.mark.parametrize("name", ["a b.parquet", "a%20b.parquet", "日志.parquet"])
def test_files_with_odd_names_are_read(spark, tmp_path, name):
    pq.write_table(pa.table({"x": [1, 2, 3]}), tmp_path / name)
    pinned = sources.pinned(
        spark, Wanted("impressions", Source(format="parquet", path=str(tmp_path)), Day(dt.date(2026, 1, 1)))
    )
    assert pinned.frame.count() == 3
    assert [file.size for file in pinned.files] == [(tmp_path / name).stat().st_size]
