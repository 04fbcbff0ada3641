"""The options of sources: those that both engines obey alike, those that only Apache Spark does, and no other.

An engine passes over what it does not know, and would read something else than was meant. So it does with an option
that has no effect on columns of text, which all those of a CSV are.
"""

from collections.abc import Iterable, Iterator, Mapping

from jobs.errors import Problem, described, nearest_match
from jobs.settings.errors import Location, dotted
from jobs.settings.evaluation import Evaluation
from jobs.settings.relations import sources

FILES = ("pathGlobFilter", "recursiveFileLookup")
CHARACTERS = ("sep", "delimiter", "quote", "escape", "comment")
ALIKE = {
    "csv": (*FILES, *CHARACTERS, "header", "multiLine", "nullValue", "inferSchema"),
    "parquet": (*FILES, "mergeSchema"),
    "delta": (),  # a run pins the newest version
}
DATED = ("modifiedAfter", "modifiedBefore")
LISTING = frozenset(name.lower() for name in (*FILES, *DATED))  # what decides on the files alone
SPARK_ONLY = {
    "csv": (
        *(*DATED, "encoding", "charset", "lineSep", "mode", "maxColumns", "maxCharsPerColumn"),
        *("ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace", "charToEscapeQuoteEscaping", "unescapedQuoteHandling"),
    ),
    "parquet": (*DATED, "datetimeRebaseMode", "int96RebaseMode"),
    "delta": (),
}
# What would have no effect, or one that a run must not have, with what to do in its place.
TEXT = "as every column of a CSV is read as text"
NUMBERS = f"none, {TEXT}: numbers may be NaN, inf and -inf; other words are NULL by nulls, beside options"
TIMES = f"none, {TEXT}: times begin with a date, as 2026-01-31 12:00:00, or are integers with a unit: s | ms | us"
REFUSED = {
    **dict.fromkeys(("nanValue", "positiveInf", "negativeInf"), NUMBERS),
    **dict.fromkeys(("dateFormat", "timestampFormat", "timestampNTZFormat", "enableDateTimeParsingFallback"), TIMES),
    **dict.fromkeys(("preferDate", "samplingRatio", "enforceSchema", "locale"), f"none, {TEXT}"),
    "emptyValue": "none, as an empty field is NULL; other words are by nulls, beside options",
    "columnNameOfCorruptRecord": "none; mode: PERMISSIVE takes lacking fields for NULL, on Apache Spark",
    "columnPruning": "none, as every pass has to meet the same rows",
}
# What is done in any case may be said, and nothing else.
OBEYED = {
    "inferschema": (("false",), f"false, {TEXT}"),
    "mergeschema": (("true",), "true, as the columns of all files are read"),
    "mode": (("permissive", "failfast"), "PERMISSIVE or FAILFAST, as no row may be lost without a word"),
    "header": (("true", "false"), "true or false"),
    "multiline": (("true", "false"), "true or false"),
    "recursivefilelookup": (("true", "false"), "true or false"),
}
SAME = {"delimiter": "sep", "charset": "encoding"}  # another name of the same option, which engines rank each its way
OF_SAIL = "; or --engine spark"


def option_problems(settings: Evaluation) -> Iterator[Problem]:
    """Yield a problem per option that no engine obeys for the format; of a catalog table any format's will do."""
    for place, source in sources(settings):
        formats = [format_ for format_ in ALIKE if source.format in (format_, None)]
        known = [name for each in formats for name in (*ALIKE[each], *SPARK_ONLY[each])]
        yield from _named_twice(place, source.options)
        for name, value in source.options.items():
            yield from _problems(dotted((*place, "options", name)), name, value, known, formats)


def _named_twice(place: Location, options: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem per option that is there under two names, or spelled twice."""
    seen: dict[str, str] = {}
    for name in options:
        same = seen.setdefault(SAME.get(name.lower(), name.lower()), name)
        if same != name:
            yield Problem(dotted((*place, "options", name)), f"the same option as {same}", "one of the two")


def _problems(place: str, name: str, value: object, known: list[str], formats: list[str]) -> Iterator[Problem]:
    allowed, told = OBEYED.get(name.lower(), ((), ""))
    refused = {option.lower(): mend for option, mend in REFUSED.items()} if "csv" in formats else {}
    if name.lower() in refused:
        yield Problem(place, "an option without effect", refused[name.lower()])
    elif name.lower() not in {option.lower() for option in known}:
        expected = f"an option for {' or '.join(formats)}: {', '.join(dict.fromkeys(known)) or 'there is none'}"
        yield Problem(place, "an unknown option", expected, nearest_match(name, known))
    elif allowed and str(value).lower() not in allowed:
        yield Problem(place, described(value), told)


def sail_problems(place: str, format_: str, options: Mapping[str, object]) -> list[Problem]:
    """Return a problem per option of a source that the embedded engine would pass over."""
    known = ALIKE.get(format_, ())
    problems = []
    for name, value in options.items():
        option = f"{place}.options.{name}"
        if name.lower() not in _lower(known):
            expected = f"one of {', '.join(known)}{OF_SAIL}"
            problems.append(Problem(option, "an option of Apache Spark alone", expected))
        elif name.lower() in CHARACTERS and not (len(str(value)) == 1 and str(value).isascii()):
            problems.append(Problem(option, described(value), f"one ASCII character{OF_SAIL}"))
        elif name.lower() == "multiline" and str(value).lower() != "true":
            told = f"true, as a line break within quotes is one of the value's in any case{OF_SAIL}"
            problems.append(Problem(option, described(value), told))
    return problems


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}
