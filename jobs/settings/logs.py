"""The sections about logs: where rows come from, what their columns mean, which labels there are."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from jobs.errors import described
from jobs.safe_text import NO_SECRET, SECRET
from jobs.settings.errors import WrongValueError
from jobs.settings.fields import (
    CalendarDay,
    CatalogName,
    ClassName,
    Column,
    Duration,
    Items,
    Name,
    Option,
    Path,
    Section,
    Share,
    Text,
    Time,
    Window,
    only,
)

LABEL_LOG_KEYS = frozenset({"source", "columns", "window", "lateness"})
BINARY: Final = "binary"  # what a label holds that is 0 or 1


def _public(name: str) -> str:
    if SECRET.search(name):
        raise WrongValueError(NO_SECRET, found="an option that looks like a secret")
    return name


def _beside(name: str) -> str:
    if name.startswith("/") or ".." in name.split("/") or not name.isprintable():
        raise WrongValueError("the name of a file in the folder of the day or of the log, such as _SUCCESS")
    return name


def _nulls_tag(nulls: object) -> str:
    return "by column" if isinstance(nulls, Mapping) else "of all"


# The words of every column, or those of some.
Nulls = Annotated[
    Annotated[Items[str], Tag("of all")] | Annotated[Mapping[Column, Items[str]], Tag("by column")],
    Discriminator(_nulls_tag),
]


class Source(Section):
    """Where rows come from: `format` and `path`, or a catalog `table`; of a CSV its `names` and the words for NULL."""

    format: Literal["parquet", "delta", "csv"] | None = None
    path: Path | None = None
    table: CatalogName | None = None
    options: Mapping[Annotated[str, AfterValidator(_public)], Option] = {}
    names: Items[Column] = ()
    nulls: Nulls = ()

    @field_validator("names")
    @classmethod
    def _of_no_header(cls, names: Items[Column], info: ValidationInfo) -> Items[Column]:
        headerless = info.data.get("options", {}).get("header") in (None, False, "false")
        if names and not (headerless and info.data.get("format") == "csv"):
            raise WrongValueError("them only with format: csv and without a header", found="names")
        return names

    @field_validator("nulls")
    @classmethod
    def _of_text(cls, nulls: Nulls, info: ValidationInfo) -> Nulls:
        if nulls and info.data.get("format") != "csv":
            raise WrongValueError("them only with format: csv, where all is text", found="words for NULL")
        return nulls

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        given = {"format": self.format, "path": self.path, "table": self.table}
        only(given, ["format", "path"], ["table"], expected="either format and path, or table alone")
        return self

    def null_words(self, column: str) -> tuple[str, ...]:
        """The texts that are NULL in a column besides an empty field; the reader's own option is one more."""
        words = self.nulls.get(column, ()) if isinstance(self.nulls, Mapping) else self.nulls
        own = [str(value) for name, value in self.options.items() if name.lower() == "nullvalue"]
        return tuple(dict.fromkeys((*words, *own)))


class ImpressionColumns(Section):
    """The user's names of the columns that have a meaning to us; each may be missing."""

    id: Column | None = None
    time: Time | None = None
    unit: Column | None = None
    group: Column | None = None
    weight: Column | None = None
    sampling_rate: Column | None = None


class Complete(Section):
    """How a log is known to be whole: by a `file` beside it, a column whose largest time is a `watermark`, its `tail`.

    The tail is the share of the rows to be expected that its last hours hold at least; 0: it is not asked.
    """

    file: Annotated[Text, AfterValidator(_beside)] | None = None
    watermark: Time | None = None
    tail: Share = 0.1


class Impressions(Section):
    """The impression log: one row per shown item, with the scores of every model."""

    source: Source
    columns: ImpressionColumns = ImpressionColumns()
    duplicates: Literal["remove", "none"] = "remove"
    complete: Complete = Complete()


class LabelColumn(Section):
    """A label that sits in the impression row, with its declared convention.

    Of `classes` the column holds one of the declared names, its number from 0 as a number, or an array of
    shares. Where all names are integers, an integer is a name.
    """

    column: Column
    values: Literal["binary", "signed", "soft", "number", "classes"]
    classes: Annotated[Items[ClassName], Field(validate_default=True)] = ()

    @field_validator("classes")
    @classmethod
    def _of_classes(cls, classes: Items[ClassName], info: ValidationInfo) -> Items[ClassName]:
        values = info.data.get("values")
        if values not in ("classes", None) and classes:
            raise WrongValueError("none, or values: classes", found=described(classes))
        if values == "classes" and len(set(classes)) < max(2, len(classes)):
            expected = "the names of two classes or more, each once, in the order of the scores"
            raise WrongValueError(expected, found=described(classes))
        return classes


class LogColumns(Section):
    """The columns of a label log: whose event it is, and when it happened; each of the others may be missing.

    `id` is the impression's, or `via` a click the click's. `event` is the event's own id: rows that share it are
    copies. `ingested` is when the row came in, `retracted` when the event was taken back, `value` what it is worth.
    """

    id: Column
    time: Time
    event: Column | None = None
    ingested: Time | None = None
    retracted: Time | None = None
    value: Column | None = None


class Unmatched(Section):
    """Which share of a log's events may be about no impression, or lie before theirs, without a word or at all.

    An event that is lost is a positive too few, so the run tells of as many as may be rejected.
    """

    warn: Share = 0.01
    refuse: Share = 0.9


class LabelLog(Section):
    """A label that comes as a log of its own, within `window` after the impression, `lateness` late at most.

    Of several events in the window `events` makes one label: 1 where there are `any`, the value of the `first`, their
    `count`, or the `sum` of their values. Events that are about clicks reach their impressions `via` that log; the
    window begins with the click then (`post_click`), or with the impression (`post_view`).
    A log without any event for a day is taken for one that is not there yet, unless it `may_be_empty`. Of the positives
    that earlier days let expect, a `shortfall` may be lacking before labels are late; where people know that the rate
    has changed for good, what is expected is by the days from `level_since` on alone.
    """

    source: Source
    columns: LogColumns
    window: Window
    lateness: Duration = timedelta(0)
    events: Literal["any", "first", "count", "sum"] = "any"
    via: Name | None = None
    attribution: Literal["post_click", "post_view"] | None = None
    may_be_empty: bool = False
    shortfall: Share = 0.1
    level_since: CalendarDay | None = None
    unmatched: Unmatched = Unmatched()
    complete: Complete = Complete()

    @property
    def values(self) -> str:
        """What the label holds, as a label column declares it."""
        return BINARY if self.events == "any" else "number"

    @property
    def classes(self) -> tuple[str, ...]:
        """No event is one of several classes."""
        return ()

    @property
    def valued(self) -> bool:
        """Whether the value of events is asked for."""
        return self.events in ("first", "sum")

    @property
    def post_click(self) -> bool:
        """Whether the window begins with the click."""
        return self.via is not None and self.attribution != "post_view"

    @property
    def plain(self) -> bool:
        """Whether a row is an event as it stands: about an impression, told from others by its time, never undone."""
        columns = self.columns
        return self.via is None and (columns.event, columns.retracted, columns.value) == (None, None, None)

    @property
    def mapped(self) -> tuple[str, ...]:
        """The columns of an event, each once."""
        columns = self.columns
        times = [time.column for time in (columns.time, columns.ingested, columns.retracted) if time is not None]
        names = [columns.id, times[0], columns.event, *times[1:], columns.value]
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that are read."""
        watermark = self.complete.watermark
        return (*self.mapped, *(() if watermark is None else (watermark.column,)))


def _label_tag(value: object) -> str:
    as_log = isinstance(value, Mapping) and not LABEL_LOG_KEYS.isdisjoint(value)
    return "LabelLog" if isinstance(value, LabelLog) or as_log else "LabelColumn"


Label = Annotated[
    Annotated[LabelColumn, Tag("LabelColumn")] | Annotated[LabelLog, Tag("LabelLog")],
    Discriminator(_label_tag),
]
