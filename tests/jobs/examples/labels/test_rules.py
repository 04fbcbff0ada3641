"""Any events under any rule are the labels, and the classes, that every impression with every event gives."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.day import Day
from jobs.examples import events, label
from jobs.examples.events import Passed
from jobs.files import pinned as sources
from jobs.files.pinned import Wanted
from jobs.inputs import impressions as read
from jobs.inputs import label_logs
from jobs.settings import parse
from tests.world import attribution
from tests.world.attribution import END, HOUR, START, TICK, Impression, Row, Rule, classes, written
from tests.world.night import DAY

KEYED = ("impression", "post_click", "post_view")
RULES = [Rule(rule, keyed) for keyed in KEYED for rule in ("any", "first", "count", "sum")]

EDGES = [START, START + HOUR, START + 12 * HOUR, END - HOUR, END]
moments = st.sampled_from([e + k * HOUR + ticks * TICK for e in EDGES for k in (0, 1, 3) for ticks in (-1, 0, 1)])
taken_back = st.none() | st.sampled_from([START, END - TICK, END, END + 24 * HOUR])
came_in = st.sampled_from([START, END - TICK, END, END + 24 * HOUR])
values = st.sampled_from([0.0, 0.1, 0.2, 12.34, -3.5, 1e-12, 1e9 + 0.25, -1e-9]) | st.floats(-1e6, 1e6)
clicks = st.builds(Row, st.integers(0, 4), moments, st.integers(0, 5), came_in, taken_back)
conversions = st.builds(Row, st.integers(0, 6), moments, st.integers(0, 9), came_in, taken_back, values)
shown = st.lists(st.tuples(st.integers(0, 4), moments), min_size=1, max_size=8)
rules = st.builds(Rule, st.sampled_from(["any", "first", "count", "sum"]), st.sampled_from(KEYED), st.booleans())


def found(spark, config: dict, age_hours: int) -> tuple[dict[str, Counter], dict[str, dict[str, int]]]:
    """The labels of every impression that is kept, and the classes of the events, as the job has them."""
    evaluation = parse(config)
    day = Day(DAY, "UTC")
    pinned = sources.pinned(spark, Wanted("impressions", evaluation.impressions.source, day))
    logs = {n: sources.pinned(spark, Wanted(n, log.source, day)) for n, log in evaluation.label_logs.items()}
    key = label_logs.key_type(evaluation, pinned, logs)
    frames = label_logs.framed(logs, evaluation, day, day.as_of(age_hours), key)
    impressions = read.impressions(pinned, evaluation, day, key)
    examples = label.labelled(impressions, frames, evaluation, day)
    columns = [f"label_{name}" for name in evaluation.labels]
    rows = examples.frame.select("id", "time", *columns).toArrow().to_pylist()
    label.check(examples, len(rows))
    labels = {c: Counter((str(row["id"]).lstrip("i"), row["time"], row[c]) for row in rows) for c in columns}
    counted = events.counted(impressions, frames, evaluation, day, Passed(rejected=False))
    return labels, {name: of.counts for name, of in counted.items()}


def kept(impressions: Sequence[Impression]) -> list[Impression]:
    """One impression of each id of the day, its earliest copy."""
    first: dict[int, Impression] = {}
    for identity, time in sorted(impressions, key=lambda row: row[1]):
        if START <= time < END:
            first.setdefault(identity, (identity, time))
    return list(first.values())


def compare(spark, folder, night, some: Sequence[Rule], how: tuple[int, str]) -> None:
    (impressions, click_log, log), (age_hours, ids) = night, how
    as_of = END + timedelta(hours=age_hours)
    labels, counts = found(spark, written(folder, (impressions, click_log, log), some, ids), age_hours)
    for rule in some:
        own = list(attribution.attributed(click_log, log, rule, as_of))
        expected = Counter(
            (str(i), (t - attribution.EPOCH) // TICK, attribution.label((i, t), own, rule))
            for i, t in kept(impressions)
        )
        assert labels[f"label_{rule.name}"] == expected, rule
        told = counts[rule.name]
        assert +Counter({k: v for k, v in told.items() if k != "rejected"}) == +classes(
            impressions, click_log, log, rule, as_of
        ), rule
        assert not told["rejected"]
        assert told["read"] == sum(v for k, v in told.items() if k not in ("read", "rejected"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders, one after the other."""
    root = tmp_path_factory.mktemp("nights")
    return (root / str(number) for number in range(10**6))


@pytest.mark.only_engine("sail")  # Apache Spark has the night below
@settings(max_examples=25)
@given(
    st.tuples(shown, st.lists(clicks, min_size=1, max_size=10), st.lists(conversions, min_size=1, max_size=20)),
    rules,
    st.tuples(st.sampled_from([0, 24]), st.sampled_from(list(attribution.SPELLED))),
)
def test_any_events_are_labels_as_one_by_one(spark, folders, night, rule, how):
    compare(spark, next(folders), night, [rule], how)


def busy() -> tuple[list[Impression], list[Row], list[Row]]:
    """Impressions with copies, clicks and conversions with copies, some late, some taken back, around every edge."""
    rng = np.random.default_rng(16)

    def at(hours: float) -> object:
        return START + timedelta(seconds=int(hours * 3600))

    impressions = [(i, at(rng.uniform(-1, 25))) for i in range(60)]
    impressions += [(i, at(rng.uniform(0, 24))) for i in range(0, 60, 4)]
    click_log = [
        Row(int(i), impressions[i][1] + timedelta(minutes=int(m)), k, *_clocks(rng))
        for k, (i, m) in enumerate(zip(rng.integers(0, 60, 120), rng.integers(-10, 80, 120), strict=True))
    ]
    log = [
        Row(int(c), click_log[c % 120].time + timedelta(minutes=int(m)), int(e), *_clocks(rng), float(v))
        for c, m, e, v in zip(
            rng.integers(0, 130, 400),
            rng.integers(-20, 240, 400),
            rng.integers(0, 330, 400),
            rng.normal(20, 30, 400).round(2),
            strict=True,
        )
    ]
    return impressions, [*click_log, *click_log[::3]], [*log, *log[::5]]


def _clocks(rng: np.random.Generator) -> tuple:
    came = START if rng.random() < 0.7 else START + timedelta(hours=int(rng.integers(20, 60)))
    back = None if rng.random() < 0.8 else START + timedelta(hours=int(rng.integers(0, 60)))
    return came, back


@pytest.mark.parametrize("ids", ["integers and texts", pytest.param("texts", marks=pytest.mark.only_engine("sail"))])
def test_a_busy_night_under_every_rule(spark, folders, ids):
    compare(spark, next(folders), busy(), RULES, (24, ids))


@pytest.mark.only_engine("sail")
def test_at_a_later_age_more_is_known_and_more_is_taken_back(spark, folders):
    night = busy()
    compare(spark, next(folders), night, [Rule("any"), Rule("sum", "post_click")], (0, "integers"))
