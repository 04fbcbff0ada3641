"""DuckDB with its own reader of Delta, offline, and our views over the tables of an evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import duckdb_extension_delta
from deltalake import DeltaTable, Field

from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql import views


def path(settings: Evaluation, name: str) -> str:
    """Where a table is."""
    return f"{settings.tables.path}/{settings.evaluation}/{name}"


@contextmanager
def connected(settings: Evaluation) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with every table that was made and every view that it has."""
    off = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    package = Path(duckdb_extension_delta.__file__).parent
    made = [name for name in tables.declared(settings) if Path(path(settings, name)).exists()]
    with duckdb.connect(config=off) as connection:
        connection.execute(f"LOAD '{package}/extensions/v{duckdb.__version__}/delta.duckdb_extension'")
        connection.execute("SET TimeZone = 'UTC'")
        for name in made:
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM delta_scan('{path(settings, name)}')")
        types = {field.name: getattr(field.type, "type", "") for field in _fields(settings)}
        retired = tables.retired(types, tables.declared(settings)["statistics"])
        for name in ("clip", *(name for name in views.VIEWS if name in views.known(settings))):
            text = views.view_text(name, settings, made, retired).replace("`", '"')
            connection.execute(f"CREATE VIEW {name} AS {text}")
        yield connection


def _fields(settings: Evaluation) -> list[Field]:
    return DeltaTable(path(settings, "statistics")).schema().fields
