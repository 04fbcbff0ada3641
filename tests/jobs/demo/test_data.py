import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from jobs.demo import truths as known
from jobs.demo.data import TIME, generated, newest_day
from jobs.demo.faults import Untouched
from jobs.demo.truths import Truths
from jobs.errors import ConfigurationError

LAST = date(2026, 3, 1)
ROWS = 40_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def truths(folder: Path) -> Truths:
    return generated(folder, LAST, rows_per_day=ROWS)


@pytest.fixture(scope="module")
def impressions(folder: Path, truths: Truths) -> pa.Table:
    assert truths.dates[-1] == LAST
    return ds.dataset(folder / "impressions", partitioning="hive").to_table()


def joined(folder: Path, impressions: pa.Table, log: str) -> pa.Table:
    first = impressions.group_by("impression_id").aggregate([("ts", "min")])
    return ds.dataset(folder / log).to_table().join(first, "impression_id", join_type="inner")


def texts(folder: Path) -> pa.Table:
    # As text, because a NaN is not equal to itself.
    rows = ds.dataset(folder, partitioning="hive").to_table()
    return pa.table({name: rows[name].cast(pa.string()) for name in rows.column_names})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.parquet"))}


def test_the_same_seed_and_day_give_the_same_bytes(folder: Path, truths: Truths, tmp_path: Path) -> None:
    assert generated(tmp_path / "again", LAST, rows_per_day=ROWS) == truths
    assert contents(tmp_path / "again") == contents(folder)


def test_nothing_but_the_dates_depends_on_the_last_day(folder: Path, truths: Truths, tmp_path: Path) -> None:
    later = generated(tmp_path / "later", LAST + DAY, rows_per_day=ROWS)
    assert [day.rows for day in later.days] == [day.rows for day in truths.days]
    first, second = (texts(each / "impressions") for each in (folder, tmp_path / "later"))
    assert first.drop_columns(["ts", "dt"]).equals(second.drop_columns(["ts", "dt"]))
    moved = pc.add(first["ts"].cast(TIME), pa.scalar(DAY))
    assert moved.equals(second["ts"].cast(TIME))


def test_another_seed_gives_other_days(truths: Truths, tmp_path: Path) -> None:
    assert generated(tmp_path / "other", LAST, rows_per_day=ROWS, seed=1).days[0].n != truths.days[0].n


def test_the_folder_has_two_files_a_day_and_logs_of_labels(folder: Path, truths: Truths) -> None:
    for day in truths.dates:
        assert len(list((folder / "impressions" / f"dt={day}").glob("*.parquet"))) == 2
    assert {name.split("/")[0] for name in contents(folder)} == {"impressions", "clicks", "conversions"}
    assert Truths(**{**json.loads((folder / "truths.json").read_text()), "days": truths.days}) == truths


def test_truths_are_read_back_as_they_were_saved(folder: Path, truths: Truths) -> None:
    assert known.load(folder) == truths


def test_days_that_are_there_are_kept(folder: Path, truths: Truths) -> None:
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.parquet")}
    assert generated(folder, LAST + DAY, rows_per_day=ROWS) == truths
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.parquet")} == before


def test_days_of_another_size_are_replaced(tmp_path: Path) -> None:
    generated(tmp_path / "data", LAST, rows_per_day=ROWS)
    fewer = generated(tmp_path / "data", LAST, rows_per_day=ROWS // 2)
    assert known.load(tmp_path / "data") == fewer
    assert ds.dataset(tmp_path / "data" / "impressions").count_rows() < 2 * ROWS


def test_half_written_days_are_written_again(tmp_path: Path) -> None:
    (tmp_path / "data.partial" / "impressions" / "dt=2020-01-01").mkdir(parents=True)
    generated(tmp_path / "data", LAST, rows_per_day=ROWS)
    assert not (tmp_path / "data.partial").exists()
    assert not (tmp_path / "data" / "impressions" / "dt=2020-01-01").exists()


def test_what_is_not_of_the_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.csv").write_text("1")
    with pytest.raises(ConfigurationError, match="something that is not of the demo"):
        generated(tmp_path / "data", LAST, rows_per_day=ROWS)
    assert [file.name for file in tmp_path.rglob("*")] == ["data", "mine.csv"]


def test_every_row_of_the_logs_has_its_place(impressions: pa.Table, truths: Truths) -> None:
    # The run of the second day reads all three partitions.
    assert truths.days[1].rows["read"] == impressions.num_rows
    for day in truths.days:
        assert day.rows["read"] == sum(day.rows[name] for name in ("outside", "rejected", "duplicate", "scored"))


REASONS: dict[str, Callable[[pa.Table], pa.Array]] = {
    "null_id": lambda rows: rows["impression_id"].is_null(),
    "null_time": lambda rows: rows["ts"].is_null(),
    "null_label": lambda rows: rows["viewed"].is_null(),
    "bad_label": lambda rows: pc.invert(pc.is_in(rows["viewed"], pa.array([0, 1, None], pa.int8()))),
}


@pytest.mark.parametrize("reason", REASONS)
def test_bad_rows_are_as_many_as_planted(impressions: pa.Table, truths: Truths, reason: str) -> None:
    planted = sum(
        row["rows"]
        for day in truths.days
        for row in day.reasons
        if (row["reason"], row["task"]) == (reason, None) and row["source"] == "impressions"
    )
    assert pc.sum(REASONS[reason](impressions)).as_py() == planted > 0


def test_less_than_one_percent_is_rejected(truths: Truths) -> None:
    for day in truths.days:
        assert day.rows["rejected"] < 0.01 * (day.rows["read"] - day.rows["outside"])
        for pair, n in day.n.items():
            unscored = sum(row["rows"] for row in day.reasons if f"{row['task']} / {row['model']}" == pair)
            assert 0 < unscored < 0.01 * (n + unscored)


@pytest.mark.parametrize(("column", "ends"), [("p_click", (0.0, 1.0)), ("z_click", (-np.inf, np.inf))])
def test_hard_scores_are_as_many_as_planted(
    impressions: pa.Table, truths: Truths, column: str, ends: tuple[float, float]
) -> None:
    hard = {name: sum(day.hard[name] for day in truths.days) for name in truths.days[0].hard}
    for end, kinds in zip(
        ends, (("wrong_positive", "right_negative"), ("wrong_negative", "right_positive")), strict=True
    ):
        found = pc.sum(pc.equal(impressions[column], end)).as_py()
        assert found == sum(hard[f"hard_{kind}_weight"] for kind in kinds) > 0


@pytest.mark.parametrize(("log", "column", "window"), [("clicks", "click_ts", HOUR), ("conversions", "conv_ts", DAY)])
def test_labels_outside_their_window_are_there(
    folder: Path, impressions: pa.Table, log: str, column: str, window: timedelta
) -> None:
    events = joined(folder, impressions, log)
    delay = pc.subtract(events[column], events["ts_min"])
    # At the end of a half-open window, after it, and before the impression.
    assert pc.sum(pc.equal(delay, pa.scalar(window))).as_py() > 0
    assert pc.sum(pc.greater(delay, pa.scalar(window))).as_py() > 0
    assert pc.sum(pc.less(delay, pa.scalar(timedelta(0)))).as_py() > 0


def test_copies_differ_in_nothing_or_in_scores_or_in_time(impressions: pa.Table) -> None:
    rows = impressions.filter(impressions["impression_id"].is_valid())
    copies = rows.group_by("impression_id").aggregate(
        [("ts", "count"), ("ts", "count_distinct"), ("p_click", "count_distinct")]
    )
    several = copies.filter(pc.greater(copies["ts_count"], 1))
    kinds = {(row["ts_count"], row["ts_count_distinct"], row["p_click_count_distinct"]) for row in several.to_pylist()}
    assert kinds == {(2, 1, 1), (3, 1, 1), (2, 1, 2), (2, 2, 1)}


def test_rows_of_other_days_are_inside_the_partitions(impressions: pa.Table) -> None:
    written = impressions["dt"].cast(pa.string())
    happened = pc.strftime(impressions["ts"], "%Y-%m-%d")
    late = impressions.filter(pc.greater(written, happened))
    assert {moment.year for moment in late["ts"].to_pylist()} == {2016, 2026}
    assert pc.sum(pc.less(written, happened)).as_py() == 0


def test_too_few_rows_for_the_faults_are_said_to_be_too_few(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="20 impressions a day are too few"):
        generated(tmp_path / "data", LAST, rows_per_day=20)


def test_no_impression_is_taken_for_two_faults() -> None:
    untouched = Untouched(np.random.Generator(np.random.PCG64(0)), 100)
    taken = np.concatenate([untouched.take(0.3) for _ in range(3)])
    assert np.unique(taken).size == 90


def test_the_newest_day_has_all_its_labels() -> None:
    now = datetime(2026, 3, 10, tzinfo=UTC)
    day = newest_day(now)
    assert datetime.combine(day, datetime.min.time(), UTC) + DAY + DAY + 6 * HOUR <= now
    assert asdict(known.Truths(1, 1, "", "", ()))["days"] == ()
