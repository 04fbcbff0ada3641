"""What `doctor` sees of an evaluation before it starts an engine: columns, types, units, and values of a few rows."""

from datetime import timedelta

import pyarrow as pa
import pytest

from jobs.errors import InputMissingError
from jobs.settings import Source
from jobs.surfaces import doctor
from jobs.surfaces.first_rows.glimpse import MOST_ROWS, glimpse
from tests.world import days

EPOCH = int(days.START.timestamp())


def seen(document, folder):
    """The checks of an evaluation by name, without those of an engine."""
    return {check.name: check for check in doctor._evaluation(days.saved(document, folder / "small.yaml"), None)}


def problems(document, folder):
    """What is wrong with the columns or the values, as lines."""
    checks = seen(document, folder)
    found = [checks[name] for name in ("columns and their types", "values look like it")]
    return [line.strip() for check in found if not check.ok for line in check.found.splitlines()[1:]]


def small(folder, kind="parquet", **changes):
    """A small day of which every impression is changed by functions of its number."""
    rows = [days.impression(i, **{name: value(i) for name, value in changes.items()}) for i in range(60)]
    schema = None if kind == "csv" else pa.Table.from_pylist(rows).schema
    days.written(rows, folder / "impressions", kind, schema)
    days.written([days.conversion(i) for i in range(0, 60, 5)], folder / "conversions", kind)
    document = days.configured(folder)
    for place in (document["impressions"], document["labels"]["conversion"]):
        place["source"]["format"] = kind
    return document


@pytest.mark.parametrize("kind", ["parquet", "csv", "delta"])
def test_a_day_that_is_as_it_is_said_to_be(tmp_path, kind):
    checks = seen(small(tmp_path, kind), tmp_path)
    assert all(check.ok for check in checks.values()), [c.found for c in checks.values() if not c.ok]
    assert checks["columns and their types"].found == "of impressions, labels.conversion"
    assert checks["values look like it"].found == "72 rows"


def timed(document, unit):
    document["impressions"]["columns"] = {**document["impressions"]["columns"], "time": {"column": "ts", "unit": unit}}


def labelled(document, **label):
    document["labels"]["click"] = {"column": "clicked", **label}


NOT_AS_SAID = {
    "seconds said to be milliseconds": (
        {"ts": lambda i: EPOCH + i},
        lambda document: timed(document, "ms"),
        f"impressions.columns.time.unit: found {EPOCH + 30}, which in ms is in the year 1970, "
        "expected a unit in which times are of our days: s",
    ),
    "microseconds said to be seconds": (
        {"ts": lambda i: (EPOCH + i) * 1_000_000},
        lambda document: timed(document, "s"),
        "impressions.columns.time.unit: found 1794787230000000, which in s is in the year ",
    ),
    "integers said to be timestamps": (
        {"ts": lambda i: EPOCH + i},
        lambda document: None,
        "impressions.columns.time: found column 'ts' of type bigint, expected one of the types timestamp, "
        "timestamp_ntz, date: of epoch numbers name the unit: {column: …, unit: s | ms | us}",
    ),
    "labels of another convention": (
        {"clicked": lambda i: i % 2 * 2 - 1},
        lambda document: None,
        "labels.click.column: found 30 of 60 values such as -1, expected 0 and 1 (values: binary); values: signed?",
    ),
    "soft labels": (
        {"clicked": lambda i: i / 60},
        lambda document: None,
        "labels.click.column: found 59 of 60 values such as 0.01",
    ),
    "log odds said to be probabilities": (
        {"p": lambda i: i / 10 - 3},
        lambda document: None,
        "models.champion.ctr.score: found 49 of 60 values such as -3, -2.9, -2.8, -2.7, ",
    ),
    "probabilities said to be log odds": (
        {"z": lambda i: i / 60},
        lambda document: None,
        "models.candidate.ctr.score: found 60 values from 0 to 1, expected log odds; of probabilities: scale: prob",
    ),
    "ids that went through numbers with a point": (
        {"impression_id": lambda i: str(float(i))},
        lambda document: None,
        "impressions.columns.id: found ids such as '0.0', which went through numbers with a point, expected ids as",
    ),
    "ids that are numbers with a point": (
        {"impression_id": float},
        lambda document: None,
        "impressions.columns.id: found column 'impression_id' of type double, expected one of the types string, ",
    ),
    "a column of another name": (
        {},
        lambda document: document["models"]["champion"].update(cvr={"score": "pp"}),
        "models.champion.cvr.score: found 'pp', expected a column of impressions: impression_id, ts, user_id, ",
    ),
    "a dimension that has many spellings": (
        {},
        lambda document: document.update(dimensions=["bid"], slices=[[]]),
        "dimensions.bid: found column 'bid' of type double, expected one of the types string, bigint, int, smallint, "
        "tinyint, decimal(n,0), boolean, date: write it as text or integers, as numbers with a point lose digits",
    ),
    "a dimension of moments": (
        {},
        lambda document: document.update(dimensions=["ts"], slices=[[]]),
        "dimensions.ts: found column 'ts' of type timestamp, expected one of the types string, bigint, int, smallint, "
        "tinyint, decimal(n,0), boolean, date: write it as a date or as text",
    ),
    "classes of other names": (
        {"clicked": lambda i: "abc"[i % 3]},
        lambda document: (
            labelled(document, values="classes", classes=["a", "b"]),
            document.update(tasks={"t": {"kind": "multiclass", "label": "click"}}),
            document.update(models={"m": {"t": {"score": ["p", "z"]}}}),
        ),
        "labels.click.classes: found 20 of 60 values such as 'c', expected one of a, b",
    ),
}


@pytest.mark.parametrize("name", NOT_AS_SAID)
def test_what_is_not_as_said_is_told_at_its_place(tmp_path, name):
    changes, configure, expected = NOT_AS_SAID[name]
    document = small(tmp_path, **changes)
    configure(document)
    found = problems(document, tmp_path)
    assert any(line.startswith(f"- {expected}") for line in found), found


def test_times_of_text_that_are_none_are_told(tmp_path):
    document = small(tmp_path, "csv", ts=lambda i: str(EPOCH + i))
    told = f"- impressions.columns.time: found times such as '{EPOCH}', expected times such as 2026-11-20 10:00:00; or "
    assert problems(document, tmp_path)[0] == told + "{column: ts, unit: s}"


def test_a_few_values_that_will_be_rejected_are_no_fault(tmp_path):
    document = small(tmp_path, p=lambda i: 1.5 if i == 7 else 0.5)
    assert len(problems(document, tmp_path)) == 3
    document["limits"] = {"rejected_share": 0.05}
    assert problems(document, tmp_path) == []


def test_the_newest_file_is_looked_at_with_the_values_of_its_folder(tmp_path):
    for day in range(2):
        rows = [days.impression(i, ts=days.START + timedelta(days=day)) for i in range(MOST_ROWS + 1)]
        days.written(rows, tmp_path / "impressions" / f"dt=2026-11-{16 + day}")
    found = glimpse("impressions", Source(format="parquet", path=str(tmp_path / "impressions")))
    assert found.rows.num_rows == MOST_ROWS
    assert set(found.values("dt")) == {"2026-11-17"}
    assert found.types["dt"] == "string"


def test_what_only_an_engine_can_read_is_said_so(tmp_path):
    document = small(tmp_path)
    document["impressions"]["source"] = {"table": "a.b.c"}
    document["labels"]["conversion"]["source"]["path"] = "s3://bucket/conversions"
    found = seen(document, tmp_path)["files can be read"]
    assert found.ok and found.found == "not looked at without an engine: impressions, labels.conversion"


def test_a_file_that_is_not_finished_is_named(tmp_path):
    document = small(tmp_path)
    (tmp_path / "impressions" / "part-99999.parquet").write_bytes(b"")
    check = seen(document, tmp_path)["files can be read"]
    assert not check.ok and "part-99999.parquet has 0 bytes" in check.found
    with pytest.raises(InputMissingError, match="there is no file at"):
        (tmp_path / "empty").mkdir()
        glimpse("impressions", Source(format="parquet", path=str(tmp_path / "empty")))


def test_what_an_evaluation_goes_without_is_one_line(tmp_path):
    check = seen(small(tmp_path), tmp_path)["metrics it goes without"]
    assert check.ok and len(check.brief) < 100 and "--verbose" in check.brief
    assert "bins.slices is empty" in check.document["found"]
    assert "brief" not in check.document
