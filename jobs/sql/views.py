"""The tables of an evaluation and the views of `conf/sql/` under their short names, as far as a query needs them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.engines.identity import engine_of
from jobs.engines.pins import conf_file
from jobs.engines.quoting import by_name, quoted, text_literal
from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.storage import lake
from jobs.storage.schema import NOT_RECORDED, Table
from udfs.kinds import KINDS

# What each view reads, in an order in which they can be made. The clip is a view too, so that it is said once.
VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    "statistics_latest": ("statistics",),
    "price": ("clip",),
    "statistics_priced": ("statistics_latest", "price"),
    "chosen_age": ("statistics", "metrics"),
    "ledger": ("statistics", "chosen_age", "price"),
    "shard_ledger": ("shard_statistics", "chosen_age", "price"),
    "cell_metrics": ("ledger",),
    "shard_metrics": ("shard_ledger",),
    "class_ledger": ("statistics", "chosen_age", "price"),
    "shard_class_ledger": ("shard_statistics", "chosen_age", "price"),
    "metrics_latest": ("metrics",),
    "metrics_final": ("metrics",),
    "held": ("statistics", "shard_statistics", "metrics"),
    "runs_latest": ("runs", "held"),
    "slice_metrics": ("metrics", "chosen_age"),
    "slice_summary": ("slice_metrics",),
    "reliability": ("score_bins", "chosen_age"),
    "slice_changes": ("changes", "chosen_age"),
    "worst_slices": ("slice_changes",),
    "slice_comparisons": ("comparisons", "chosen_age"),
    "slice_arrival": ("label_arrival", "chosen_age"),
    "gates_latest": ("gate_results",),
    "gate_counts": ("runs",),
    "arrival_counts": ("runs",),
    "night_status": ("runs_latest", "runs", "gate_counts", "arrival_counts"),
    "missing_nights": ("runs",),
}
# Of these the tables of a union that an evaluation may lack: it goes without their part.
UNIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "held": tables.OPTIONAL,
    "gate_counts": ("gate_results",),
    "arrival_counts": ("label_arrival",),
}
# The kind of task of those that read columns which only its tables have.
KIND_OF: Final[Mapping[str, str]] = {view: kind.name for kind in KINDS.values() for view in kind.views}

UNION: Final = "\nUNION ALL\n"
PLACE: Final = "/* dimensions of "  # and the alias of what has them
CLIP: Final = re.compile(r"CAST\(\S+ AS DOUBLE\)")


def known(settings: Evaluation) -> tuple[str, ...]:
    """The names of all tables and views that an evaluation has, whether they were made yet or not."""
    made = (*tables.declared(settings), "clip")
    ours = (name for name in VIEWS if KIND_OF.get(name) in (None, *settings.kinds))
    return (*made, *(name for name in ours if read_by(name).issubset(made)))


def read_by(name: str) -> set[str]:
    """The tables that a view reads in the end, and the clip; of any other name, itself."""
    return set().union(*map(read_by, VIEWS[name])) if name in VIEWS else {name}


def needed_by(settings: Evaluation, wanted: Collection[str] | None = None) -> set[str]:
    """The names of those tables and views and of all that they read; of everything where nothing is said."""
    return set().union(*map(_reached, known(settings) if wanted is None else wanted))


def has_dimensions(needed: Collection[str]) -> bool:
    """Whether any of these views has dimensions as columns."""
    return any(PLACE in _file(name) for name in VIEWS if name in needed)


def view_texts(
    settings: Evaluation, needed: Collection[str], there: Collection[str], retired: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """The needed views that the tables that are there suffice for, each with its query, in the order of making.

    Args:
        settings: What is configured.
        needed: The views.
        there: The tables that there are.
        retired: Dimensions that the table `statistics` has besides those that are configured.
    """
    made = {*there}
    for name, reads in {"clip": (), **VIEWS}.items():
        if name in needed and made.issuperset(reads):
            made.add(name)
            yield name, view_text(name, settings, made, retired)


def register(session: SparkSession, settings: Evaluation, wanted: Collection[str] | None = None) -> tuple[str, ...]:
    """Make a temporary view of every table that exists, and of every view whose tables do; or only of those wanted.

    Returns:
        Their short names. Those of the other tables and views are taken away: a session may have
        served another evaluation before.
    """
    needed = needed_by(settings, wanted)
    made = _made_tables(session, settings, needed)
    of = retired(session, settings) if has_dimensions(needed) else ()
    for name, text in view_texts(settings, needed, made, of):
        session.sql(text).createOrReplaceTempView(name)
        made.append(name)
    for name in {*tables.declared(settings), *tables.OPTIONAL, *VIEWS, "clip"}.difference(made):
        # Where there is none, Sail raises.
        if session.catalog.tableExists(name):
            session.catalog.dropTempView(name)
    return tuple(made)


def _made_tables(session: SparkSession, settings: Evaluation, needed: Collection[str]) -> list[str]:
    made = []
    declared = tables.declared(settings)
    for name, where in places(session, settings).items():
        if name in needed and lake.exists(session, where):
            _with_every_column(lake.read(session, where), declared[name]).createOrReplaceTempView(name)
            made.append(name)
    return made


def places(session: SparkSession, settings: Evaluation) -> dict[str, lake.Address]:
    """Where every table of the evaluation is, or will be."""
    return {name: lake.address(settings, name, engine_of(session)) for name in tables.declared(settings)}


def retired(session: SparkSession, settings: Evaluation) -> tuple[str, ...]:
    """The dimensions that days in the tables have, and the configuration has no more."""
    where = places(session, settings)["statistics"]
    if not lake.exists(session, where):
        return ()
    return tables.retired(dict(lake.read(session, where).dtypes), tables.declared(settings)["statistics"])


def view_text(name: str, settings: Evaluation, made: Collection[str], retired: Collection[str] = ()) -> str:
    """The query of a view, dimensions and clip put where the file has their place; a union asks what is there.

    Args:
        name: The view.
        settings: What is configured.
        made: The tables that there are.
        retired: Dimensions that the table `statistics` has besides those that are configured.
    """
    text = _file(name)
    if name == "clip":
        return CLIP.sub(f"CAST({settings.loss.clip!r} AS DOUBLE)", text)
    if name in UNIONS:
        return UNION.join(part for part in text.rstrip().split(UNION) if part.rsplit(maxsplit=1)[-1] in made)
    dimensions = [(each, quoted(each)) for each in (*settings.dimensions, *retired)]
    for alias in ("s", "finished", "w"):
        text = text.replace(f"{PLACE}{alias} */", " ".join(f"{alias}.{named}," for _, named in dimensions))
    unknown = text_literal(NOT_RECORDED)
    of_cells = " ".join(f"COALESCE(raw.{named}, {unknown}) AS {named}," for _, named in dimensions)
    of_slice = " ".join(f"{_fixed('m.slice', dimension)} AS {named}," for dimension, named in dimensions)
    return text.replace(f"{PLACE}raw */", of_cells).replace(f"{PLACE}m */", of_slice)


@cache
def _file(name: str) -> str:
    return conf_file(f"sql/{name}.sql").read_text(encoding="utf-8")


def _fixed(text: str, dimension: str) -> str:
    """The value of a dimension in a slice's text, where it has one: no value holds a comma or an equals sign."""
    name, listed = text_literal(f",{dimension}="), f"CONCAT(',', {text})"
    return f"CASE WHEN POSITION({name} IN {listed}) > 0 THEN SPLIT_PART(SPLIT_PART({listed}, {name}, 2), ',', 1) END"


def _reached(name: str) -> set[str]:
    return {name, *UNIONS.get(name, ())}.union(*map(_reached, VIEWS.get(name, ())))


def _with_every_column(frame: DataFrame, table: Table) -> DataFrame:
    """A table with the columns that no run has added yet: NULL, as they will be of the days before that run.

    What is NULL of a dimension, as it came later, is `(not recorded)`.
    """
    declared, fields = {column.name: column for column in table.columns}, {of.name: of for of in frame.schema.fields}
    of_days = {*(table.dimensions or ()), *(tables.retired(dict(frame.dtypes), table))}
    shown = []
    for name in dict.fromkeys((*fields, *declared)):
        known = by_name(name) if name in fields else F.lit(None).cast(declared[name].type)
        if name in of_days and (name not in fields or fields[name].nullable):
            shown.append(F.coalesce(known, F.lit(NOT_RECORDED)).alias(name))
        elif name in fields or declared[name].nullable:
            shown.append(known.alias(name))
    return frame.select(*shown)
