"""The options of sources: those that both engines understand alike, and those that only Apache Spark does.

Any other is refused: an engine passes over what it does not know, and would read something else than was meant.
"""

from collections.abc import Iterable, Iterator

from jobs.errors import Problem, nearest_match
from jobs.settings.checks import SOURCES, at, found
from jobs.settings.errors import dotted

FILES = ("pathGlobFilter", "recursiveFileLookup")
ALIKE = {
    "csv": (*FILES, "sep", "delimiter", "quote", "escape", "comment", "header", "inferSchema", "multiLine"),
    "parquet": (*FILES, "mergeSchema"),
    "delta": (),  # a run pins the newest version
}
DATED = ("modifiedAfter", "modifiedBefore")
SPARK_ONLY = {
    "csv": (
        *(*DATED, "encoding", "charset", "lineSep", "mode", "columnNameOfCorruptRecord", "columnPruning"),
        *("nullValue", "emptyValue", "nanValue", "positiveInf", "negativeInf"),
        *("ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace", "charToEscapeQuoteEscaping", "unescapedQuoteHandling"),
        *("maxColumns", "maxCharsPerColumn", "enforceSchema", "samplingRatio", "locale"),
        *("dateFormat", "timestampFormat", "timestampNTZFormat", "preferDate", "enableDateTimeParsingFallback"),
    ),
    "parquet": (*DATED, "datetimeRebaseMode", "int96RebaseMode"),
    "delta": (),
}


def option_problems(config: object) -> Iterator[Problem]:
    """Yield a problem per option that no engine knows for the format; of a catalog table any format's will do."""
    for source in SOURCES:
        for place, _ in found(config, f"{source}.options.*"):
            kind = at(config, *place[:-2], "format")
            kinds = [kind] if isinstance(kind, str) and kind in ALIKE else list(ALIKE)
            known = [name for each in kinds for name in (*ALIKE[each], *SPARK_ONLY[each])]
            if str(place[-1]).lower() not in {name.lower() for name in known}:
                expected = f"an option for {' or '.join(kinds)}: {', '.join(dict.fromkeys(known)) or 'there is none'}"
                yield Problem(dotted(place), "an unknown option", expected, nearest_match(str(place[-1]), known))


def not_understood(kind: str, options: Iterable[str]) -> list[str]:
    """The options of a format that the embedded engine would pass over."""
    known = {name.lower() for name in ALIKE.get(kind, ())}
    return [name for name in options if name.lower() not in known]
