"""Cases of raw columns: what the job makes of each, all read by one action.

An engine plans each frame in milliseconds, but is waited for a second at every action.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.day import Day
from jobs.engines.quoting import by_name
from jobs.files import pinned as sources
from jobs.files.pinned import Wanted
from jobs.inputs import impressions, label_logs
from jobs.settings import parse
from tests.world.night import DAY, document, parquet


class Case(NamedTuple):
    """A column or some of a source, what is asked of the frame that the job makes of it, and the answers by row."""

    columns: Mapping[str, Any]
    asked: Sequence[str]
    expected: Sequence[Any]
    mapping: Mapping[str, Any] = {}
    sections: Mapping[str, Any] = {}
    day: Day | None = None
    text: bool = False


def of_columns(folder: Path, columns: Mapping[str, Any], mapping: Any = None, **sections: Any) -> dict[str, Any]:
    """An evaluation of a Parquet file with these columns; those that it needs are filled up."""
    size = len(next(iter(columns.values())))
    path = parquet(folder / "impressions", {"click": [0] * size, "p": [0.5] * size, **columns})
    return _of({"format": "parquet", "path": str(path)}, folder, mapping, sections)


def of_text(folder: Path, columns: Mapping[str, Sequence[str]], mapping: Any = None, **sections: Any) -> dict[str, Any]:
    """An evaluation of a CSV file of these texts, beside those that it needs."""
    size = len(next(iter(columns.values())))
    whole = {"click": ["0"] * size, "p": ["0.5"] * size, **columns}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "impressions.csv"
    file.write_text("".join("|".join(row) + "\n" for row in [tuple(whole), *zip(*whole.values(), strict=True)]))
    return _of({"format": "csv", "path": str(file), "options": {"sep": "|"}}, folder, mapping, sections)


def _of(source: dict[str, Any], folder: Path, mapping: Any, sections: Mapping[str, Any]) -> dict[str, Any]:
    return document(
        folder, **{"impressions": {"source": source, "columns": mapping or {}, "duplicates": "none"}, **sections}
    )


def mapped(spark, config: Mapping[str, Any], day: Day | None = None) -> DataFrame:
    """The frame that the job makes of an evaluation's impressions."""
    settings = parse(config)
    day = day or Day(DAY, settings.day.timezone)
    pinned = sources.pinned(spark, Wanted("impressions", settings.impressions.source, day))
    return impressions.impressions(pinned, settings, day, label_logs.key_type(settings, pinned, {}))


def answers(spark, folder: Path, cases: Mapping[str, Case]) -> dict[str, list[Any]]:
    """What the job makes of each case."""
    frames = {}
    for number, (name, case) in enumerate(cases.items()):
        build = of_text if case.text else of_columns
        config = build(folder / str(number), case.columns, case.mapping, **case.sections)
        frames[name] = mapped(spark, config, case.day).select(*map(by_name, case.asked))
    return collected(frames)


def collected(frames: Mapping[str, DataFrame]) -> dict[str, list[Any]]:
    """The rows of small frames of any columns, by one action; those of one column are its values."""
    width: Counter[str] = Counter()
    for frame in frames.values():
        width |= Counter(type_ for _, type_ in frame.dtypes)
    slots = [(type_, number) for type_ in width for number in range(width[type_])]
    placed = [_in_slots(frame, slots) for frame in frames.values()]
    union = _united([frame.withColumn("frame", F.lit(i)) for i, (frame, _) in enumerate(placed)]).toArrow().to_pylist()
    found: dict[str, list[Any]] = {}
    for i, (name, (_, columns)) in enumerate(zip(frames, placed, strict=True)):
        rows = [tuple(row[column] for column in columns) for row in union if row["frame"] == i]
        found[name] = [row[0] for row in rows] if len(columns) == 1 else rows
    return found


def _in_slots(frame: DataFrame, slots: Sequence[tuple[str, int]]) -> tuple[DataFrame, list[str]]:
    """A frame of a column for each slot, NULL where it has none of that type; and the slots of its own columns."""
    taken: Counter[str] = Counter()
    own: dict[tuple[str, int], str] = {}
    for name, type_ in frame.dtypes:
        own[type_, taken[type_]] = name
        taken[type_] += 1
    filled = [by_name(own[slot]) if slot in own else F.lit(None).cast(slot[0]) for slot in slots]
    named = [column.alias(f"slot_{i}") for i, column in enumerate(filled)]
    return frame.select(*named), [f"slot_{slots.index(slot)}" for slot in own]


def _united(frames: Sequence[DataFrame]) -> DataFrame:
    """All rows, by halves: one after the other the plan would be as deep as there are frames."""
    if len(frames) == 1:
        return frames[0]
    half = len(frames) // 2
    return _united(frames[:half]).unionAll(_united(frames[half:]))
