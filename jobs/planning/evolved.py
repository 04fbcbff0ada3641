"""What a night records and the nights before it do not, and the other way round: an evaluation that has evolved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from jobs import calling
from jobs.ledger import runs, unnamed
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from jobs.settings.durations import age_text
from jobs.storage.schema import NOT_RECORDED

APART = ("evaluation", unnamed.OPTIONS)  # among the definitions of a run those that are of no task and model


class Shape(NamedTuple):
    """What is recorded of a day: each part in words, and the shards."""

    parts: frozenset[str]
    shards: str


def evolved(done: pa.Table, settings: Evaluation, stamp: Stamp) -> Iterator[str]:
    """What is no longer as on the newest earlier day, as sentences: what it costs, and the backfill that mends it.

    So it is told by the first night of another shape alone.

    Args:
        done: The events of `runs` whose state is done, with `config` and `definitions`.
        settings: What is configured.
        stamp: The day and its age.
    """
    before = _shapes(done, stamp)
    if not before:
        return
    now, last = _shape(settings.document(), runs.definitions(settings)), before[max(before)]
    if added := sorted(now.parts - last.parts):
        yield _lacking(added, [day for day, of in before.items() if not of.parts.issuperset(added)], stamp.age_hours)
    if gone := sorted(last.parts - now.parts):
        yield f"no longer recorded, from {stamp.event_date} on: {', '.join(gone)}; earlier days keep what they have"
    if now.shards != last.shards:
        yield (
            f"shards are now {now.shards}, on earlier days {last.shards}: differences from those days are made by the "
            "shards that both have in common, and have no interval (other_shards) where those are fewer than 10"
        )


def _lacking(added: list[str], days: list[date], age_hours: int) -> str:
    first, last = min(days), max(days)
    mend = calling.lossledger(f"backfill CONFIG --from {first} --to {last} --ages {age_text(age_hours)}")
    count = f"{len(days)} earlier {'day' if len(days) == 1 else 'days'} ({first} to {last})"
    of_dimensions = (
        f", dimensions are {NOT_RECORDED} there" if any(part.startswith("dimension ") for part in added) else ""
    )
    return (
        f"new: {', '.join(added)}; not recorded on {count}{of_dimensions}. To record it as far as logs go back: {mend}"
    )


def _shapes(done: pa.Table, stamp: Stamp) -> dict[date, Shape]:
    """The shape of every earlier day at the age, by the run that was done last."""
    rows = done.filter(
        pc.and_(pc.equal(done["age_hours"], stamp.age_hours), pc.less(done["event_date"], stamp.event_date))
    )
    rows = rows.sort_by("event_time").select(["event_date", "config", "definitions"])
    return {row["event_date"]: _recorded(row["config"], row["definitions"]) for row in rows.to_pylist()}


@cache
def _recorded(config: str, definitions: str | None) -> Shape:
    return _shape(json.loads(config), json.loads(definitions or "{}"))


def _shape(config: Mapping[str, Any], definitions: Mapping[str, Any]) -> Shape:
    parts = {f"dimension {name}" for name in config.get("dimensions", ())}
    parts |= {f"slices by {', '.join(names)}" for names in config.get("slices", ()) if names}
    parts |= {f"score bins by {', '.join(names) or 'nothing'}" for names in config.get("bins", {}).get("slices", ())}
    parts |= {f"task / model {name}" for name in definitions if name not in APART and not name.startswith("joint ")}
    shards = config.get("shards", {})
    salt = f" of salt {shards['salt']!r}" if shards.get("salt") else ""
    return Shape(frozenset(parts), f"{shards.get('count')}{salt}")
