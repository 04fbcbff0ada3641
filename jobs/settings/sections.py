"""The sections of the configuration, as the design's YAML has them; relations are in `checks`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from jobs.settings.checks import looks_like_log
from jobs.settings.fields import (
    ClassName,
    Column,
    Columns,
    Count,
    Dimension,
    Duration,
    Items,
    Name,
    Option,
    Path,
    PositiveCount,
    Rate,
    Section,
    Text,
    Time,
    Window,
    Zone,
)
from udfs.examples.bins import LEAST_BITS, MOST_BITS

Share = Annotated[float, Field(ge=0, le=1)]


class Day(Section):
    """Which rows belong to a day: [00:00, 24:00) in `timezone`; `partition` is for pruning only."""

    timezone: Zone = "UTC"
    partition: Column | None = None


class Source(Section):
    """Where rows come from: `format` and `path`, or a catalog `table`; of a CSV its `names` and the words for NULL."""

    format: Literal["parquet", "delta", "csv"] | None = None
    path: Path | None = None
    table: Text | None = None
    options: Mapping[str, Option] = {}
    names: Items[Column] = ()
    nulls: Items[str] = ()

    @property
    def null_words(self) -> tuple[str, ...]:
        """The texts that are NULL besides an empty field; the reader's own option is one more."""
        own = [str(value) for name, value in self.options.items() if name.lower() == "nullvalue"]
        return tuple(dict.fromkeys((*self.nulls, *own)))


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

    file: Text | None = None
    watermark: Time | None = None
    tail: Annotated[float, Field(ge=0, le=1)] = 0.1


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
    classes: Items[ClassName] = ()

    @property
    def final_after(self) -> timedelta:
        """A label in the impression row is final at once."""
        return timedelta(0)


class LogColumns(Section):
    """The columns of a label log: the impression's id, and when the click or conversion happened."""

    id: Column
    time: Time
    ingested: Time | None = None


class Unmatched(Section):
    """Which share of a log's events may be about no impression, or lie before theirs, without a word or at all.

    An event that is lost is a positive too few, so the run tells of as many as may be rejected.
    """

    warn: Share = 0.01
    refuse: Share = 0.9


class LabelLog(Section):
    """A label that comes as a log of its own, within `window` after the impression, `lateness` late at most.

    A log without any event for a day is taken for one that is not there yet, unless it `may_be_empty`.
    """

    source: Source
    columns: LogColumns
    window: Window
    lateness: Duration = timedelta(0)
    may_be_empty: bool = False
    unmatched: Unmatched = Unmatched()
    complete: Complete = Complete()

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that are read."""
        watermark = self.complete.watermark
        return (self.columns.id, self.columns.time.column, *(() if watermark is None else (watermark.column,)))

    @property
    def final_after(self) -> timedelta:
        """Time from an impression to the moment its label no longer changes."""
        return self.window + self.lateness


def _label_tag(value: object) -> str:
    return "LabelLog" if isinstance(value, LabelLog) or looks_like_log(value) else "LabelColumn"


Label = Annotated[
    Annotated[LabelColumn, Tag("LabelColumn")] | Annotated[LabelLog, Tag("LabelLog")],
    Discriminator(_label_tag),
]


class ProductScore(Section):
    """A score that is the product of the scores of other tasks (ESMM)."""

    product: Items[Name]


class Propensity(Section):
    """The probability, in a column, that a row was seen: the row weighs its inverse, or `cap` at most.

    That takes the place of any other weight.
    """

    column: Column
    cap: Annotated[float, Field(ge=1, lt=2**60)] = 1000.0


class Task(Section):
    """What is predicted: a label, `given` another one, under a weight of its own."""

    kind: Literal["binary", "regression", "multiclass", "candidates"] = "binary"
    label: str
    given: str | None = None
    weight: Column | None = None
    propensity: Propensity | None = None
    score: ProductScore | None = None


class ModelScore(Section):
    """The column of a model's score for one task, and its scale; of classes one column each, or one array.

    A model that learnt from negatives kept at `negatives_rate` is evaluated as it would say it of all rows. One that
    is not `required`, as it scores a part of the traffic only, may go without any number of rows.
    """

    score: Columns
    scale: Literal["probability", "logit"] = "probability"
    negatives_rate: Annotated[float, Field(ge=1e-6, le=1)] | None = None
    required: bool = True


class Shards(Section):
    """The fixed hash classes of the units, of which sums are kept apart."""

    count: Annotated[int, Field(ge=1, le=1024)] = 32
    salt: str = ""


class Bins(Section):
    """The score bins."""

    bits: Annotated[int, Field(ge=LEAST_BITS, le=MOST_BITS)] = 17
    slices: Items[Items[Dimension]] = ((),)
    thresholds: Items[Annotated[float, Field(gt=0, lt=1)]] = ()
    calibration_bins: Annotated[int, Field(ge=2, le=1000)] = 10
    shards: bool = False

    @property
    def options(self) -> dict[str, float | tuple[float, ...]]:
        """What the metrics of bins take by keyword."""
        return {"threshold": tuple(self.thresholds), "calibration_bins": float(self.calibration_bins)}


class Baselines(Section):
    """What losses are compared with besides the slice's own rate: a `reference` rate of some tasks.

    It is a number, or that of an earlier day at the same age: `1d` is the day before.
    """

    reference: Mapping[Name, Rate] = {}


class Limits(Section):
    """Where a run stops, folds or withholds."""

    cells: PositiveCount = 200_000
    values: Mapping[str, PositiveCount] = {}
    rejected_share: Share = 0.01
    stored_rejects: Count = 10_000
    min_rows: Count = 50
    volume: Annotated[float, Field(ge=0, le=1)] = 0.5
    group_rows: Annotated[int, Field(ge=1, le=20_000)] = 1000


class Loss(Section):
    """The options of the losses: positive weight, focal exponent, clip at finish, ranks of the @k metrics, kernel."""

    alpha: Annotated[float, Field(gt=0)] = 1.0
    gamma: Annotated[float, Field(ge=0)] = 2.0
    clip: Annotated[float, Field(ge=0, lt=0.5)] = 1e-15
    k: Items[Annotated[int, Field(ge=1)]] = (1, 5, 10)
    kernel: Literal["strict", "native"] = "strict"

    @property
    def options(self) -> dict[str, float | tuple[float, ...]]:
        """What the measures take by keyword."""
        return {"alpha": self.alpha, "gamma": self.gamma, "k": tuple(self.k)}


class Tables(Section):
    """Where the tables go: a folder, or a schema of a catalog."""

    path: Path | None = None
    catalog: Text | None = None
    # "schema" would shadow an attribute of pydantic's models.
    schema_name: Annotated[Text | None, Field(alias="schema")] = None
