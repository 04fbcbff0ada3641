"""The tables of an evaluation are made, unless a name in them now stands for something else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from jobs.ledger import runs, tables
from jobs.ledger.writer import Writer
from jobs.storage import lake

# What a run asks of those before it.
ASKED = ("event_date", "age_hours", "state", "event_time", "provisional", "arrived", "definitions", "config")
EVENTS = pa.schema([tables.RUNS.schema.field(name) for name in ASKED])


def made(writer: Writer) -> pa.Table:
    """Make the tables that are not there, add the columns they lack; returns the events of `runs` that are done.

    Raises:
        ContractError: A definition changed under an old name, or the keys of a table differ (exit 2).
    """
    declared = tables.declared(writer.settings)
    lake.ensure(writer.session, writer.address("runs"), declared.pop("runs"))
    events = lake.rows(writer.session, writer.address("runs"), EVENTS)
    done = events.filter(pc.equal(events["state"], "done"))
    # Before the tables get the columns of this configuration.
    runs.check_definitions(writer.settings, runs.recorded(done))
    with ThreadPoolExecutor(len(declared)) as pool:
        list(pool.map(lambda name: lake.ensure(writer.session, writer.address(name), declared[name]), declared))
    return done
