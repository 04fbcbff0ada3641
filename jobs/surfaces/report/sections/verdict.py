"""The verdict of a night: one sentence that can be acted on, and what it rests on, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jobs.settings.durations import age_text
from jobs.surfaces.report.night import Night, Row
from jobs.surfaces.report.section import Section
from jobs.surfaces.report.words import listed, short, slice_text

GOOD, BAD, CARE = "good", "bad", "care"
TONES = {"ok": GOOD, "red": BAD, "labels_missing": BAD, "failed": BAD, "refused": BAD, "in_doubt": BAD}
WORDS = {
    "ok": "good",
    "red": "red",
    "labels_late": "labels late",
    "labels_missing": "labels missing",
    "in_doubt": "in doubt",
}


class Verdict(NamedTuple):
    """The verdict.

    Attributes:
        status: As `night_status` has it, in words.
        tone: `good`, `bad`, or `care` where it is neither.
        sentence: The verdict.
        lines: What it rests on.
        tiles: Some numbers to remember: what they are, their exact value, and their text.
        sql: The query for the status.
    """

    status: str
    tone: str
    sentence: str
    lines: list[str]
    tiles: list[tuple[str, Any, str]]
    sql: str


def made(night: Night, sections: Sequence[Section], run: Row) -> Verdict:
    """The verdict that the sections give."""
    columns = "status, gates, gates_failed, labels_late, labels_missing, message"
    query = f"SELECT {columns}\nFROM night_status\nWHERE {night.itself}"
    found = night.rows(query)
    status = found[0] if found else {"status": "in_doubt", "message": None}
    of = {section.name: section.content for section in sections}
    waiting = _waiting(night)
    lines = [*_comparisons(of["models"].facts), *_worst(of["worst"]), _standing(waiting, run)]
    word = str(status["status"])
    tiles = _tiles(of)
    sentence = sentence_of(night, status, of["gates"])
    return Verdict(WORDS.get(word, word), TONES.get(word, CARE), sentence, lines, tiles, query)


def sentence_of(night: Night, status: Row, gates: Any) -> str:
    """The verdict in one sentence."""
    at = f"{night.day:%A}, {night.day.day} {night.day:%B %Y}"
    word, message = status["status"], _told(status["message"])
    if word == "in_doubt":
        return f"Do not use the numbers of {at}: its tables are of two runs, or of one that did not end. Run it again."
    if word == "provisional":
        return f"{at} is {message or 'provisional'}."
    if word in ("labels_late", "labels_missing"):
        late, missing = status["labels_late"], status["labels_missing"]
        counts = " and ".join(
            f"{how} in {count} slice{'s' * (count != 1)}"
            for how, count in (("late", late), ("missing", missing))
            if count
        )
        return f"Labels of {at} are {counts}: what rests on them is not final, and models are not judged by it."
    if word == "red":
        return f"{at} is red: {listed(gates.failing)} fail{'s' * (len(gates.failing) == 1)}."
    if word != "ok":
        became = "failed" if word == "failed" else f"was {word}"
        why = f": {message}" if message else ""
        return f"The newest run of {at} {became}{why}; these are the numbers of the run before."
    return _well(at, gates)


def _told(message: str | None) -> str:
    """What a run has said of itself, without the end of its sentence: ours goes on."""
    return (message or "").strip().rstrip(".")


def _well(at: str, gates: Any) -> str:
    if gates is None:
        return f"{at} is evaluated, and every row is accounted for."
    passed, every = gates.counts["passed"], sum(gates.counts.values())
    if passed == every:
        return f"{at} is good: " + ("its gate is passed." if every == 1 else f"all {every:,} gates passed.")
    return f"{at} is good as far as can be told: {passed:,} of {every:,} gates passed, none fails."


def _comparisons(facts: Sequence[Row]) -> Iterator[str]:
    """A line for each comparison and what it says: of which tasks, by the loss."""
    said: dict[tuple[str, str, str], list[str]] = {}
    first: set[tuple[str, str]] = set()
    for row in facts:
        # The first metric of a task is its loss.
        if (row["comparison"], row["task"]) not in first:
            first.add((row["comparison"], row["task"]))
            said.setdefault((row["candidate"], row["verdict"], row["baseline"]), []).append(row["task"])
    for (candidate, verdict, baseline), tasks in said.items():
        yield f"{candidate} {verdict} {baseline} by the loss of {listed(tasks)}."


def _worst(worst: Any) -> Iterator[str]:
    """The slice of each task that harms most."""
    for of in worst.told if worst is not None else []:
        for row in of["slices"][:1]:
            where = f"{of['task']}, {row['model']}, {slice_text(row['slice'])}"
            number = f"{row['metric'].replace('_', ' ')} {short(row['value'])}"
            yield f"Worst slice of {where}: {number}" + (f" against {row['against']}." if row["against"] else ".")


def _waiting(night: Night) -> list[str]:
    rows = night.rows(f"SELECT DISTINCT task FROM metrics WHERE {night.itself} AND NOT is_final ORDER BY task")
    return [row["task"] for row in rows]


def _standing(waiting: list[str], run: Row) -> str:
    if run.get("provisional"):
        return "The numbers will change: the night is provisional."
    return f"Labels of {listed(waiting)} can still change." if waiting else "All labels are in: the numbers are final."


def _tiles(of: dict[str, Any]) -> list[tuple[str, Any, str]]:
    tiles: list[tuple[str, Any, str]] = []
    if of["gates"] is not None:
        counts = of["gates"].counts
        tiles.append(("gates passed", counts["passed"], f"{counts['passed']:,} of {sum(counts.values()):,}"))
    if of["health"] is not None:
        by_name = {part.name: part.rows for part in of["health"].parts}
        tiles.append(("impressions scored", by_name["scored"], f"{by_name['scored']:,}"))
        rejected = by_name["rejected"] / of["health"].read
        tiles.append(("rows rejected", by_name["rejected"], f"{by_name['rejected']:,} ({100.0 * rejected:.2g} %)"))
    return tiles


def subtitle(night: Night) -> str:
    """The night in a line."""
    return f"{night.settings.evaluation}, {night.day}, labels at age {age_text(night.age_hours)}"
