"""That no id of the logs is in any table but `rejects`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.evidence import Evidence
from jobs.audit.inputs import Found, GoneError, found_again
from jobs.audit.recount.reading import UnreadableError, batches
from jobs.audit.statement import Statement, all_hold, sure, unknown
from jobs.settings import Evaluation

LONG: Final = 6  # characters: an id of as many is no other word by chance
SHORTEST: Final = 3  # of a word; numbers are ids from LONG digits on, as shorter ones stand for anything
WORD: Final = re.compile(r"[\w.:-]+")


def ids(of: Evidence) -> Iterator[Statement]:
    """No id of an impression, a user, a request or an event is in any table but `rejects`, whole or within a text."""
    columns = _columns(of.settings)
    for place, name in columns.items():
        if name in of.settings.dimensions:
            yield sure(f"dimensions: {name}", f"the column of {place}", "none of ids", holds=False)
    if of.run is None or not columns:
        return
    try:
        found = found_again(of.session, of.settings, of.run)
        words = _words(of)
        for place, name in columns.items():
            yield from _none(place, name, found[place.rpartition(".columns.")[0]], words)
    except (GoneError, UnreadableError) as error:
        yield unknown("logs", str(error))


def _columns(settings: Evaluation) -> dict[str, str]:
    """The columns of ids by their place in the configuration."""
    shown = settings.impressions.columns
    columns = {f"impressions.columns.{each}": getattr(shown, each) for each in ("id", "unit", "group")}
    for name, log in settings.label_logs.items():
        columns |= {f"labels.{name}.columns.{each}": getattr(log.columns, each) for each in ("id", "event")}
    return {place: name for place, name in columns.items() if name is not None}


def _words(of: Evidence) -> dict[str, str]:
    """Every text in the tables, and the words in it, with a column that each is in."""
    found: dict[str, str] = {}
    for name, rows in {**of.tables, "runs": of.rows("runs")}.items():
        for column in (field.name for field in rows.schema if pa.types.is_string(field.type)):
            texts = pc.unique(rows[column]).drop_null().to_pylist() if column != "run_id" else []
            words = {word for text in texts for word in (text, *WORD.findall(text))}
            found |= {word: f"{name}.{column}" for word in words if _tells(word)}
    ordinary = _ordinary(of)
    return {word: place for word, place in found.items() if len(word) >= LONG or word not in ordinary}


def _tells(word: str) -> bool:
    """Whether a word can be told to be an id.

    Example:
        >>> [word for word in ("u7", "u0007", "12345", "123456") if _tells(word)]
        ['u0007', '123456']
    """
    return len(word) >= (LONG if word.isdecimal() else SHORTEST)


def _ordinary(of: Evidence) -> set[str]:
    """Words that are in the tables whatever the ids: of the configuration, and the values of dimensions."""
    texts = [str(of.run["config"]) if of.run else ""]
    texts += [text for name in of.settings.dimensions for text in pc.unique(of.tables["statistics"][name]).to_pylist()]
    return {word for text in texts for word in (text, *WORD.findall(text))}


def _none(place: str, name: str, found: Found, words: Mapping[str, str]) -> Iterator[Statement]:
    """That no value of a column of a log is one of the words; values that are too short are not looked for."""
    known, looked, others = pa.array(list(words), pa.string()), 0, 0
    places: Counter[str] = Counter()
    for batch in batches(found, [name]):
        values = batch.column(0).cast(pa.string()).unique().drop_null()
        least = pc.if_else(pc.utf8_is_decimal(values), LONG, SHORTEST)
        told = values.filter(pc.greater_equal(pc.utf8_length(values), least))
        others += len(values) - len(told)
        looked += len(told)
        places.update(words[value] for value in told.filter(pc.is_in(told, value_set=known)).to_pylist())
    yield all_hold(looked)
    for table, count in places.items():
        yield sure(table, f"{count:,} values of {place}", "none", holds=False)
    if others and not looked:
        yield unknown(place, f"its values are numbers below {10 ** (LONG - 1):,} or short: as words they are anything")
