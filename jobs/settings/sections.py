"""The sections of the configuration besides those about logs, as the design's YAML has them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jobs.settings.durations import duration_text
from jobs.settings.errors import WrongValueError
from jobs.settings.fields import (
    Back,
    CalendarDay,
    CatalogName,
    Column,
    Columns,
    Count,
    Dimension,
    Duration,
    Items,
    Name,
    Path,
    PositiveCount,
    Rate,
    Section,
    Share,
    Window,
    Zone,
    among,
    not_yet,
    only,
)
from udfs.examples.bins import LEAST_BITS, MOST_BITS
from udfs.kinds import KINDS


class DayBounds(Section):
    """Which rows belong to a day: [00:00, 24:00) in `timezone`; `partition` is for pruning only."""

    timezone: Zone = "UTC"
    partition: Column | None = None


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

    kind: Annotated[str, among(KINDS)] = next(iter(KINDS))
    label: Annotated[str, not_yet("the name of a label", lambda label: isinstance(label, Mapping))]
    given: str | None = None
    weight: Column | None = None
    propensity: Propensity | None = None
    score: ProductScore | None = None

    @model_validator(mode="after")
    def _weighted_once(self) -> Self:
        if self.weight is not None and self.propensity is not None:
            raise WrongValueError("one of them; the other is another task", found="weight and propensity")
        return self


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


class Changes(Section):
    """What a day is held against, at the same age: days that are so many days back, and one that stays."""

    against: Items[Back] = ()
    reference: CalendarDay | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The days as they are spelled: `1d`, `7d`, and `reference`."""
        return (*map(duration_text, self.against), *["reference"] * (self.reference is not None))

    def days(self, day: date) -> dict[str, date]:
        """The days by how they are spelled."""
        back = [day - each for each in self.against]
        return dict(zip(self.names, [*back, *([self.reference] if self.reference else [])], strict=True))


class Comparison(Section):
    """Two models on the impressions that both can score, for each of `tasks`; of none named, for all that both have.

    With `pair_statistics` it is also summed how far their scores are apart.
    """

    candidate: str
    baseline: str
    tasks: Items[Name] = ()
    pair_statistics: bool = False


class Limits(Section):
    """Where a run stops, folds or withholds."""

    cells: PositiveCount = 200_000
    values: Mapping[str, PositiveCount] = {}
    rejected_share: Share = 0.01
    stored_rejects: Count = 10_000
    rejects_kept: Window | None = None
    min_rows: Count = 50
    volume: Share = 0.5
    group_rows: Annotated[int, Field(ge=1, le=20_000)] = 1000


class Lease(Section):
    """Of a second run of a day and age: how long it waits for the first, and when a silent one counts as dead."""

    wait: Duration = timedelta(0)
    silence: Window = timedelta(minutes=10)


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
    catalog: CatalogName | None = None
    # "schema" would shadow an attribute of pydantic's models.
    schema_name: Annotated[CatalogName | None, Field(alias="schema")] = None

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        given = {"path": self.path, "catalog": self.catalog, "schema": self.schema_name}
        only(given, ["path"], ["catalog", "schema"], expected="either path, or catalog and schema")
        return self
