"""Nights of logs in every type that Parquet has: the right sums, or a refusal that names the column."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.errors import ContractError
from tests.world.night import DAY, document, evaluated, table

START = dt.datetime(DAY.year, DAY.month, DAY.day)
NIGHTS = count()
WHOLE = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
FAMILIES = {
    "whole": (*WHOLE, pa.decimal128(9, 0), pa.decimal128(20, 0), pa.dictionary(pa.int8(), pa.int64())),
    "text": (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())),
    "real": (
        *(pa.float16(), pa.float32(), pa.float64(), pa.decimal128(9, 6), pa.decimal128(38, 9)),
        *(pa.decimal256(76, 38), pa.dictionary(pa.int32(), pa.float64())),
    ),
    "time": tuple(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Asia/Tokyo")),
    "truth": (pa.bool_(),),
    "date": (pa.date32(), pa.date64()),
    "raw": (pa.binary(), pa.large_binary()),
    "clock": (pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    "list": (pa.list_(pa.float64()), pa.list_(pa.float32(), 1), pa.large_list(pa.float16())),
    "record": (pa.struct([("a", pa.int64())]),),
}
# Of which families a column may be, of which not, and the small numbers that stand for its values.
ROLES = {
    "id": (("whole", "text"), ("real", "raw", "time"), range(100)),
    "ts": (("time",), ("whole", "text", "clock"), range(0, 100, 20)),
    "user": (("whole", "text"), ("real", "raw", "record"), range(3)),
    "click": (("whole", "real", "truth"), ("text", "raw", "list"), (0, 1)),
    "p": (("real",), ("text", "list", "record"), range(1, 64)),
    "w": (("whole", "real"), ("text", "date", "clock"), range(5)),
    "country": (("whole", "text", "truth", "date"), ("raw", "clock", "record"), (0, 1)),
}
Types = Mapping[str, pa.DataType | None]
Row = Mapping[str, int | None]
File = tuple[Types, Sequence[Row]]


def stored(role: str, value: int | None, type_: pa.DataType) -> Any:
    """The value that a small number stands for, as Arrow takes it for a type."""
    if value is None:
        return None
    number = Decimal(value) / 64 if role == "p" else Decimal(value)
    of = pa.types
    ways = (
        (of.is_decimal, lambda: number),
        (of.is_float16, lambda: np.float16(number)),
        (of.is_floating, lambda: float(number)),
        (of.is_integer, lambda: value),
        (of.is_boolean, lambda: bool(value)),
        (of.is_timestamp, lambda: START + dt.timedelta(minutes=value)),
        (of.is_date, lambda: DAY + dt.timedelta(value)),
        (of.is_time, lambda: dt.time(0, value)),
        (lambda t: of.is_binary(t) or of.is_large_binary(t), lambda: str(value).encode()),
        (of.is_struct, lambda: {"a": value}),
        (of.is_nested, lambda: [stored(role, value, type_.value_type)]),
    )
    return next((made() for known, made in ways if known(type_)), str(value))


def column(role: str, rows: Sequence[Row], type_: pa.DataType) -> pa.Array:
    """The values of a column in a type."""
    if pa.types.is_dictionary(type_):
        return column(role, rows, type_.value_type).dictionary_encode()
    if pa.types.is_null(type_):
        return pa.nulls(len(rows))
    return pa.array([stored(role, row[role], type_) for row in rows], type_)


def held(types: Types, row: Row) -> Row:
    """A row as its file holds it: without the values of columns that are lacking there, or of no type."""
    return {role: None if types[role] in (None, pa.null()) else row[role] for role in ROLES}


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[File], set[str]]:
    """The files of a night in the order of their names, and the columns that it cannot be evaluated with."""
    number = draw(st.integers(1, 3))
    bad = draw(st.sampled_from([*[None] * 14, *ROLES]))
    chosen: dict[str, list[pa.DataType | None]] = {}
    for role, (fine, wrong, _) in ROLES.items():
        family = FAMILIES[draw(st.sampled_from(wrong if role == bad else fine))]
        chosen[role] = [
            draw(st.sampled_from(kinds)) for kinds in (family, *[(*family, None, pa.null())] * (number - 1))
        ]
    files = []
    for i in draw(st.permutations(range(number))):
        full = {role: draw(st.sampled_from(values)) for role, (_, _, values) in ROLES.items()}
        some = {role: st.sampled_from([*values, None]) for role, (_, _, values) in ROLES.items()}
        rows = [full, *(draw(st.fixed_dictionaries(some)) for _ in range(draw(st.integers(1, 4))))]
        rows = [{**row, "id": row["id"] if row["id"] is None else 10 * i + k} for k, row in enumerate(rows)]
        files.append(({role: types[i] for role, types in chosen.items()}, rows))
    return files, {bad} - {None}


def every_type() -> list[list[File]]:
    """Nights in which each family of a column has a file of each of its types, and one that lacks the column."""
    nights = []
    for turn in range(4):
        families = {role: FAMILIES[fine[turn % len(fine)]] for role, (fine, _, _) in ROLES.items()}
        files: list[File] = []
        for i in range(max(map(len, families.values()))):
            types = {role: family[i % len(family)] for role, family in families.items()}
            rows = [{role: values[(i + len(role)) % len(values)] for role, (_, _, values) in ROLES.items()}]
            files.append((types, [{**rows[0], "id": i}]))
        lacking = {role: (None, pa.null())[turn % 2] if role != "id" else types["id"] for role in ROLES}
        files.append((lacking, [{**rows[0], "id": 99}]))
        nights.append(files[:: (1, -1)[turn % 2]])
    return nights


def expected(files: Sequence[File]) -> tuple[Counter[str], dict[str, Any]]:
    """Where the rows end, and the sums over those that are scored, in plain Python."""
    ends, sums = Counter[str](), Counter[str]()
    loss, weight = 0.0, 0
    for types, rows in files:
        for row in (held(types, row) for row in rows):
            rejected = None in (row["id"], row["ts"], row["click"])
            ends["rejected" if rejected else "scored"] += 1
            if rejected:
                continue
            if None in (row["p"], row["w"]):
                sums["unscored"] += 1
                continue
            sums["n"] += 1
            weight += row["w"]
            loss -= row["w"] * math.log(row["p"] / 64 if row["click"] else 1 - row["p"] / 64)
    return ends, {**{name: sums[name] for name in ("n", "unscored")}, "weight": weight, "loss": loss}


def check(spark, folder, files: Sequence[File], at_fault: set[str]) -> None:
    """Evaluate a night, and compare it with what is expected."""
    logs = folder / f"night-{next(NIGHTS)}"
    logs.mkdir()
    for i, (types, rows) in enumerate(files):
        there = {role: column(role, rows, type_) for role, type_ in types.items() if type_ is not None}
        pq.write_table(pa.table(there), logs / f"{i:02}.parquet")
    config = configured(folder, logs)
    if at_fault:
        with pytest.raises(ContractError, match="|".join(rf"column '{role}'" for role in at_fault)):
            evaluated(spark, config)
        return
    ends, sums = expected(files)
    ledger = evaluated(spark, config).ledger
    assert (ledger.read, ledger.outside, ledger.duplicate) == (sum(ends.values()), 0, 0)
    assert (ledger.rejected, ledger.scored) == (ends["rejected"], ends["scored"])
    found = table(config, "statistics").to_pydict()
    for name in ("n", "unscored", "weight"):
        assert sum(found[name]) == sums[name], name
    loss = sum(found["positive_nll"]) + sum(found["negative_nll"])
    assert float(loss) == pytest.approx(sums["loss"], rel=1e-12, abs=1e-12)


def configured(folder, logs) -> dict[str, Any]:
    """The evaluation of one night; all have the same tables."""
    columns = {"id": "id", "time": "ts", "unit": "user", "weight": "w"}
    return document(
        folder,
        impressions={"source": {"format": "parquet", "path": str(logs)}, "columns": columns},
        dimensions=["country"],
        slices=[[]],
        shards={"count": 2},
        limits={"min_rows": 0, "rejected_share": 1.0},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("types")


@pytest.mark.only_engine("sail")
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(night=nights())
def test_a_night_of_any_types_has_the_right_sums_or_names_a_column(spark, folder, night):
    check(spark, folder, *night)


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("files", every_type())
def test_a_night_of_every_type_has_the_right_sums(spark, folder, files):
    check(spark, folder, files, set())
