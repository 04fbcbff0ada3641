"""Rows of several files as one sample, whatever types their columns have in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from jobs.files.footers import Footer, unified

ONE_TYPE: Final = "write it in one type in all files"


def merged(parts: Mapping[str, pa.Table]) -> tuple[pa.Table, dict[str, str]]:
    """The rows of all files, and of columns that have no one type that holds all of them why: they have no value here.

    Args:
        parts: The rows by their file.
    """
    types = {file: dict(zip(rows.column_names, rows.schema.types, strict=True)) for file, rows in parts.items()}
    names = dict.fromkeys(name for own in types.values() for name in own)
    several = {name for name in names if len({own[name] for own in types.values() if name in own}) > 1}
    columns = unified(Footer(file, {name: own[name] for name in several & own.keys()}) for file, own in types.items())
    wanted = {**columns.types, **dict.fromkeys(columns.unusable, pa.null())}
    alike = [_cast(rows, wanted) for rows in parts.values()]
    told = {name: f"it is {why}; {ONE_TYPE}" for name, why in columns.unusable.items()}
    return pa.concat_tables(alike, promote_options="permissive"), told


def _cast(rows: pa.Table, wanted: Mapping[str, pa.DataType]) -> pa.Table:
    """The same with some columns of other types, those without any as NULL."""
    for name in wanted.keys() & set(rows.column_names):
        type_, place = wanted[name], rows.column_names.index(name)
        column = pa.nulls(rows.num_rows) if type_ == pa.null() else rows[name].cast(type_, safe=False)
        rows = rows.set_column(place, name, column)
    return rows
