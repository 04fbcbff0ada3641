"""Views of slices have their dimensions as columns, whatever the values; those of nights say what is red."""

from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import write_deltalake

from jobs.errors import ConfigurationError
from jobs.examples.cells import encoded
from jobs.settings.relations import RESERVED
from jobs.sql.query import answered
from jobs.sql.views import view_text
from tests.world import duck_db
from tests.world.judged import NASTY, SLICES
from tests.world.night import DAY
from tests.world.two_nights import NEXT_DAY, copied, held

# That all of them have the same rows on every engine is shown in test_other_readers.py.
SAIL = pytest.mark.only_engine("sail")
OF_SLICES = ("slice_metrics", "slice_changes", "worst_slices", "slice_comparisons", "slice_arrival", "gates_latest")


def rows_of(spark, settings, text):
    return answered(spark, settings, text).to_pylist()


def test_dimensions_are_columns_whatever_their_values(spark, judged):
    found = rows_of(spark, judged, f"SELECT slice, country, device FROM slice_changes WHERE event_date = DATE'{DAY}'")
    by_slice = {row["slice"]: (row["country"], row["device"]) for row in found}
    nasty = {f"country={encoded(name)},device=web": (encoded(name), "web") for name in NASTY}
    assert by_slice == {"": (None, None), "country=DE": ("DE", None), "country=DE,device=ios": ("DE", "ios"), **nasty}
    values = {unquote(country) for country, device in by_slice.values() if device == "web"}
    assert values == {"(null)" if name is None else name for name in NASTY}


def test_names_of_dimensions_are_texts_and_no_sql(spark, judged):
    names = ["it's", "a\\b", 'q"q', "ab", "b"]
    settings = judged.model_copy(update={"dimensions": tuple(names)})
    slice_ = ",".join(f"{name}={i}" for i, name in enumerate(names[:4]))
    listed = view_text("slice_metrics", settings, ["metrics"]).split("m.slice,\n  ")[1].split("\n")[0].rstrip(",")
    literal = "CONCAT(" + ", ".join(f"CHR({ord(c)})" for c in slice_) + ")"
    (row,) = spark.sql(f"SELECT {listed} FROM (SELECT {literal} AS slice) AS m").collect()
    assert tuple(row) == ("0", "1", "2", "3", None)


@SAIL
def test_slice_metrics_are_the_metrics_of_one_age(spark, judged):
    text = "SELECT COUNT(*) AS n, COUNT(country) AS countries, COUNT(device) AS devices FROM slice_metrics"
    counts = "SELECT COUNT(*) AS n, {} AS countries, {} AS devices FROM metrics"
    named = [f"COUNT(CASE WHEN slice LIKE '%{name}=%' THEN 1 END)" for name in ("country", "device")]
    assert rows_of(spark, judged, text) == rows_of(spark, judged, counts.format(*named))


@SAIL
def test_the_worst_slices_are_ranked_by_harm_and_none_is_chance(spark, judged):
    ranked = "SELECT event_date, place, slice, harm FROM worst_slices"
    found = rows_of(spark, judged, f"{ranked} WHERE metric = 'log_loss' ORDER BY event_date, place")
    assert [tuple(row.values()) for row in found if row["event_date"] == DAY] == [
        (DAY, 1, SLICES[3], 3.0),
        (DAY, 2, SLICES[1], 1.0),
    ]
    assert len(found) == 4


@SAIL
def test_of_every_slice_there_is_how_much_of_its_labels_has_arrived(spark, judged):
    found = "SELECT slice, country, device, label, verdict, of_expected, is_final FROM slice_arrival"
    rows = {row["slice"]: row for row in rows_of(spark, judged, f"{found} WHERE event_date = DATE'{DAY}'")}
    assert rows.keys() == {*SLICES}
    late = {"slice": SLICES[1], "country": "DE", "device": None, "label": "sale", "verdict": "labels_late"}
    assert rows[SLICES[1]] == {**late, "of_expected": 0.25, "is_final": rows[""]["is_final"]}
    # Nothing is expected of the first, and of the fourth nothing is said.
    assert [rows[SLICES[i]]["of_expected"] for i in (0, 3)] == [None, None]


@SAIL
def test_gates_are_those_of_the_newest_age_that_is_not_provisional(spark, judged):
    found = rows_of(spark, judged, "SELECT event_date, age_hours, slice, country FROM gates_latest WHERE fails")
    assert {tuple(row.values()) for row in found} == {(day, 0, "country=DE", "DE") for day in (DAY, NEXT_DAY)}
    assert {row["age_hours"] for row in rows_of(spark, judged, "SELECT age_hours FROM gates_latest")} == {0}


@SAIL
def test_a_night_says_whether_anything_is_red_with_gates_or_without(spark, ledger, judged):
    text = "SELECT status, gates, gates_failed FROM night_status"
    assert rows_of(spark, judged, text) == [{"status": "red", "gates": len(SLICES), "gates_failed": 1}] * 2
    assert rows_of(spark, ledger, text) == [{"status": "ok", "gates": 0, "gates_failed": 0}] * 2


@SAIL
def test_a_night_says_whether_labels_are_late_with_labels_of_their_own_or_without(spark, ledger, judged):
    text = "SELECT labels_late, labels_missing FROM night_status"
    assert rows_of(spark, judged, text) == [{"labels_late": 1, "labels_missing": 1}] * 2
    assert rows_of(spark, ledger, text) == [{"labels_late": 0, "labels_missing": 0}] * 2


@SAIL
@pytest.mark.parametrize(
    ("slices", "status"), [(SLICES[:1], "ok"), (SLICES[:2], "labels_late"), (SLICES[:3], "labels_missing")]
)
def test_a_night_whose_labels_lag_is_not_ok(spark, judged, tmp_path, slices, status):
    settings = copied(judged, tmp_path)
    for name, kept in (("label_arrival", slices), ("gate_results", SLICES[:1])):
        rows = held(spark, settings, name)
        rows = rows.filter(pc.is_in(rows["slice"], value_set=pa.array(kept)))
        write_deltalake(duck_db.path(settings, name), rows, mode="overwrite")
    assert {row["status"] for row in rows_of(spark, settings, "SELECT status FROM night_status")} == {status}


@SAIL
def test_a_view_of_a_table_that_is_not_declared_is_not_there(spark, ledger):
    with pytest.raises(ConfigurationError, match="slice_changes"):
        answered(spark, ledger, "SELECT * FROM slice_changes")


@SAIL
@pytest.mark.parametrize("view", OF_SLICES)
def test_no_dimension_can_be_called_like_a_column_beside_it(spark, judged, view):
    columns = answered(spark, judged, f"SELECT * FROM {view}").column_names
    assert set(columns) - set(RESERVED) == set(judged.dimensions)
    assert len(columns) == len(set(columns))
