"""Whether a table that is there fits what is declared of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jobs.errors import ContractError, Problem
from jobs.storage.address import Address
from jobs.storage.schema import Table


def check(where: Address, table: Table, fields: Mapping[str, bool]) -> None:
    """Check that a table has the required columns that are declared, and no others; dimensions come and go.

    Args:
        where: Where it is.
        table: What is declared of it.
        fields: Its columns, and whether each may be NULL.

    Raises:
        ContractError: It has not, or a dimension is a column by another case (exit 2).
    """
    known, free = {column.name for column in table.columns}, table.dimensions
    lacking = [c.name for c in table.columns if not c.nullable and c.name not in (*fields, *(free or ()))]
    beyond = [name for name, nullable in fields.items() if free is None and not nullable and name not in known]
    found = [f"a table {how} {', '.join(names)}" for how, names in (("without", lacking), ("with", beyond)) if names]
    _check_spelling(where, table, fields)
    if found:
        keys = ", ".join(column.name for column in table.columns if not column.nullable)
        expected = f"a table that a run has made, whose required columns are {keys}; move this one away"
        problem = Problem(f"{table.name} ({where})", " and ".join(found), expected)
        raise ContractError("the tables that exist do not fit the configuration", [problem])


def _check_spelling(where: Address, table: Table, fields: Collection[str]) -> None:
    """Check that no dimension is a column that is there by another case: many readers would not tell them apart."""
    spelled = {name.lower(): name for name in fields}
    problems = [
        Problem("dimensions", repr(name), f"{spelled[name.lower()]!r}, as the column is spelled in {where}")
        for name in table.dimensions or ()
        if name not in fields and name.lower() in spelled
    ]
    if problems:
        raise ContractError("the tables that exist spell a dimension otherwise", problems)
