"""The tables of an evaluation are made, unless a name in them now stands for something else."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from jobs.ledger import runs, tables
from jobs.ledger.judgements import DERIVED
from jobs.ledger.writer import Writer
from jobs.storage import lake
from jobs.storage.schema import KEYS, Table

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
    runs.check_definitions(writer.settings, runs.recorded(in_force(done)))
    _ensured(writer, declared)
    return done


def made_again(writer: Writer) -> None:
    """Make the tables of judgements that are not there, and add the columns they lack: those of sums stay as they are.

    Definitions may change here under their old names: of each day that is made again none of the old ones is left.

    Raises:
        ContractError: The keys of a table differ (exit 2).
    """
    own = ("runs", *DERIVED)
    _ensured(writer, {name: table for name, table in tables.declared(writer.settings).items() if name in own})


def in_force(done: pa.Table) -> pa.Table:
    """The definitions by which the rows of the tables were made: of each day at an age those of its newest event.

    Args:
        done: The events of `runs` that are done.
    """
    told = [("definitions", "last"), ("config", "last")]
    newest = done.sort_by("event_time").group_by(KEYS, use_threads=False).aggregate(told)
    return newest.rename_columns([name.removesuffix("_last") for name in newest.column_names])


def _ensured(writer: Writer, declared: Mapping[str, Table]) -> None:
    with ThreadPoolExecutor(len(declared)) as pool:
        list(pool.map(lambda name: lake.ensure(writer.session, writer.address(name), declared[name]), declared))
