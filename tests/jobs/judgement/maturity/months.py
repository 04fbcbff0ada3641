"""Months of days whose conversions arrive late, each advertiser's in its own time: as our tables of sums, without logs.

Users come back, days differ in rate and in delay, and the model knows the rate of each impression but for an error.
Every day is in the tables at each age from the moment at which it would have been run.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.maturity.night import Maturity, of_vintages
from jobs.judgement.maturity.nowcasts import nowcasts
from jobs.judgement.maturity.vintages import KEYS, OF_VERDICTS, Vintages
from jobs.ledger import tables
from jobs.ledger.judgements import LABEL_ARRIVAL
from jobs.ledger.stamp import Stamp
from jobs.settings import parse
from udfs.exact.decimals import UNITS
from udfs.measures.binary import log_loss
from udfs.measures.calibration import predicted_over_actual
from udfs.measures.entropy import normalized_entropy

FIRST, DAYS, SHARDS, USERS = date(2026, 9, 1), 30, 32, 3000
AGES = (0, 24, 192)
WINDOW = 168.0  # hours
# Mean delay in hours, share of the impressions, logit of the rate: who is slow sells rarely.
ADVERTISERS = {"a": (4.0, 0.3, -2.4), "b": (18.0, 0.3, -3.0), "c": (50.0, 0.25, -3.4), "d": (90.0, 0.15, -2.9)}
SLICES = ("", *(f"advertiser={name}" for name in ADVERTISERS))
CONFIG = {
    "evaluation": "month",
    "impressions": {
        "source": {"format": "parquet", "path": "x"},
        "columns": {"id": "id", "time": "ts", "unit": "user"},
    },
    "labels": {
        "sale": {
            "source": {"format": "parquet", "path": "y"},
            "columns": {"id": "id", "time": "sold"},
            "window": "7d",
            "lateness": "1d",
        }
    },
    "tasks": {"cvr": {"label": "sale"}},
    "models": {"m": {"cvr": {"score": "p"}}},
    "dimensions": ["advertiser"],
    "slices": [[], ["advertiser"]],
    "shards": {"count": SHARDS},
    "bins": {"slices": []},
    "limits": {"min_rows": 0},
    "tables": {"path": "t"},
}


def settings_of(ages=AGES, **sections):
    """The evaluation at these ages."""
    return parse({**CONFIG, "ages": [f"{age}h" for age in ages], **sections})


@dataclass(frozen=True, eq=False)
class Day:
    """The impressions of a day.

    Attributes:
        day: Its date.
        user: Of each impression.
        advertiser: Its number.
        score: Of the model.
        arrives: In hours after the end of the day; never, where there is no conversion.
        retracted: In the same hours, from when on a conversion is none any more; mostly never.
        chance: That there is a conversion in the end, whatever became of it.
    """

    day: date
    user: np.ndarray
    advertiser: np.ndarray
    score: np.ndarray
    arrives: np.ndarray
    retracted: np.ndarray = field(default_factory=lambda: np.empty(0))
    chance: np.ndarray = field(default_factory=lambda: np.empty(0))

    def label(self, age):
        """The labels as they are known at an age."""
        gone = self.retracted < age if self.retracted.size else np.zeros(self.user.size, dtype=bool)
        return (self.arrives < age) & ~gone


def drawn(rng, day, size=9000):
    """A day of the month."""
    user, advertiser = (
        rng.integers(0, USERS, size),
        rng.choice(len(ADVERTISERS), size, p=[of[1] for of in ADVERTISERS.values()]),
    )
    delay, logit = (np.array([of[i] for of in ADVERTISERS.values()]) for i in (0, 2))
    taste = 0.6 * np.random.default_rng(7).standard_normal(USERS)[user]
    truth = logit[advertiser] + taste + 0.5 * rng.standard_normal(size) + 0.05 * rng.standard_normal()
    sells = 1.0 / (1.0 + np.exp(-truth))
    sold = rng.random(size) < sells
    slower = np.exp(0.06 * rng.standard_normal())
    after = rng.exponential(delay[advertiser] * slower)
    chance = sells * -np.expm1(-WINDOW / (delay[advertiser] * slower))
    arrives = np.where(sold & (after < WINDOW), rng.uniform(-24.0, 0.0, size) + after, np.inf)
    score = 1.0 / (1.0 + np.exp(-(truth + 0.3 * rng.standard_normal(size))))
    return Day(day, user, advertiser, score, arrives, chance=chance)


@cache
def month(seed):
    """The days of a month."""
    rng = np.random.default_rng(seed)
    return tuple(drawn(rng, FIRST + timedelta(days=i)) for i in range(DAYS))


def with_days(seed, **changed):
    """The days of a month, some of them others: by `day20` the one of that number."""
    days = list(month(seed))
    for name, day in changed.items():
        days[int(name.removeprefix("day"))] = day
    return days


def without(day, share, advertiser=None, seed=0):
    """The same day, of whose conversions a share never arrives: of all advertisers or of one of them."""
    gone = np.random.default_rng(seed).random(day.user.size) < share
    if advertiser is not None:
        gone &= day.advertiser == list(ADVERTISERS).index(advertiser)
    return replace(day, arrives=np.where(gone, np.inf, day.arrives))


@cache
def shard_statistics(day, age, weight=1.0):
    """The rows of `shard_statistics` of a day at an age, as a run on time writes them; all weigh the same."""
    y, p = day.label(age).astype(np.float64), day.score
    terms = {
        "n": np.ones(y.size),
        "weight": np.ones(y.size),
        "positive_rows": y,
        "positive_weight": y,
        "negative_weight": 1.0 - y,
        "score_sum": p,
        "positive_nll": y * -np.log(p),
        "negative_nll": (1.0 - y) * -np.log1p(-p),
        "positive_complement_nll": y * -np.log1p(-p),
    }
    terms = {name: of if name in COUNTS else weight * of for name, of in terms.items()}
    table, shard = tables.declared(settings_of())["shard_statistics"], day.user % SHARDS
    moment = stamp(day.day, age).as_of
    keys, sums = [], {name: [] for name in terms}
    for text in SLICES:
        own = np.ones(y.size, dtype=bool) if not text else day.advertiser == SLICES.index(text) - 1
        keys += [{"slice": text, "shard": i} for i in range(SHARDS)]
        for name, of in terms.items():
            sums[name] += np.bincount(shard[own], weights=of[own], minlength=SHARDS).tolist()
    size = len(keys)
    columns = {}
    for column in table.columns:
        type_ = table.schema.field(column.name).type
        if column.name in sums:
            of = sums[column.name]
            units = [Decimal(round(x * UNITS)).scaleb(-15) for x in of] if pa.types.is_decimal(type_) else map(int, of)
            columns[column.name] = pa.array(list(units), type=type_)
        elif column.name in ("slice", "shard"):
            columns[column.name] = pa.array([key[column.name] for key in keys], type=type_)
        else:
            fixed = {
                "event_date": day.day,
                "age_hours": age,
                "task": "cvr",
                "model": "m",
                "as_of": moment,
                "run_id": "r",
            }
            zero = Decimal(0) if pa.types.is_decimal(type_) else 0
            value = fixed.get(column.name, False if column.name == "provisional" else zero)
            columns[column.name] = pa.array([value] * size, type=type_)
    return pa.table(columns)


def stamp(day, age):
    """Of a run on time."""
    return Stamp(day, age, datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=24 + age), "r")


@dataclass(frozen=True)
class Night:
    """What a night says of its labels.

    Attributes:
        day: The day.
        age: Its age in hours.
        found: What is known of its labels.
        metrics: The nowcasts; None where labels no longer change.
    """

    day: date
    age: int
    found: Maturity
    metrics: pa.Table | None

    @property
    def arrival(self):
        """The rows of `label_arrival` by slice."""
        return {row["slice"]: row for row in self.found.tables["label_arrival"].to_pylist()}

    @property
    def nowcasts(self):
        """The rows of nowcasts by slice and metric, which is named without the nowcast."""
        rows = [] if self.metrics is None else self.metrics.to_pylist()
        return {(row["slice"], row["metric"].removesuffix("[nowcast]")): row for row in rows}


class Ledger:
    """Tables of a month, which grow night by night as they would."""

    def __init__(self, days, settings, weight=1.0):
        """The sums of all days at all ages; no night has been judged."""
        self.settings = settings
        self.sums = {(day.day, age): shard_statistics(day, age, weight) for day in days for age in settings.hours}
        self.verdicts = []

    def due(self):
        """The days and ages in the order in which they are due."""
        return sorted(self.sums, key=lambda key: (stamp(*key).as_of, key[1]))

    def vintages(self, day, age):
        """What the night of a day at an age finds of the nights before."""
        moment, younger = stamp(day, age).as_of, max((a for d, a in self.sums if d == day and a < age), default=None)
        wanted = {age, max(a for _, a in self.sums)}
        also = {*wanted, max((a for _, a in self.sums if a < age), default=age)}
        known = [of for (d, a), of in self.sums.items() if d < day and a in wanted and stamp(d, a).as_of <= moment]
        told = [of for (d, a), of in self.verdicts if d < day and a in also and stamp(d, a).as_of <= moment]
        nothing = self.sums[day, age].slice(0, 0)
        empty = LABEL_ARRIVAL.schema.empty_table().select(OF_VERDICTS)
        return Vintages(
            pa.concat_tables([nothing, *known]).select(
                [name for name in nothing.column_names if name in (*KEYS, *READ)]
            ),
            nothing if younger is None else self.sums[day, younger],
            pa.concat_tables([empty, *(of.select(OF_VERDICTS) for of in told)]),
        )

    def night(self, day, age, of=None):
        """What the night of a day at an age says, `of` another stamp than that of a run on time; it is kept."""
        of, sums = of or stamp(day, age), {"shard_statistics": self.sums[day, age]}
        found = of_vintages(sums, self.vintages(day, age), self.settings, of)
        self.verdicts.append(((day, age), found.tables["label_arrival"]))
        return Night(day, age, found, nowcasts(sums, found.curves, found.lags, self.settings, of))

    def nights(self):
        """Every night in the order in which they are due."""
        return [self.night(*key) for key in self.due()]


def finals(ledger, day, age=192):
    """The metrics of every slice of a day at the age at which its labels are final, by slice and metric."""
    rows, found = ledger.sums[day, age], {}
    for text in SLICES:
        own = rows.filter(pc.equal(rows["slice"], text))
        sums = {name: float(pc.sum(own[name]).as_py()) for name in SUMMED}
        found |= {(text, metric.name): metric(**{name: sums[name] for name in metric.inputs}) for metric in METRICS}
    return found


COUNTS = ("n", "positive_rows")
METRICS = (log_loss, normalized_entropy, predicted_over_actual)
SUMMED = sorted({name for metric in METRICS for name in metric.inputs})
READ = ("positive_weight", "positive_nll", "positive_complement_nll", "n", "weight", "positive_rows")
