"""Our tables as datasets of Arrow, for a reader that is no engine of ours: the files are those that delta-rs lists."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from jobs.storage import soundness
from jobs.storage.address import Address
from jobs.storage.lake import told_of
from jobs.storage.schema import Table


def dataset(where: Address, declared: Table) -> ds.Dataset | None:
    """The rows of a table as it is now, or None where there is none.

    Each file is known by its day and age, so that a reader that asks for some of them opens no other. Declared columns
    that no run has added yet are NULL, as new dimensions are on the days before them.

    Raises:
        ContractError: The log of the table is damaged (exit 2).
    """
    soundness.check(where)
    with told_of(where):
        if not DeltaTable.is_deltatable(str(where.path)):
            return None
        table = DeltaTable(str(where.path))
        held = pa.schema(table.schema())
        coming = {*(declared.dimensions or ())}
        lacking = [
            field.with_nullable(True)
            for field in declared.schema
            if field.name not in held.names and (field.nullable or field.name in coming)
        ]
        return table.to_pyarrow_dataset(schema=pa.schema([*held, *lacking]))
