"""Laws of the measures of every kind of task, over the pass and the merge that run at night."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.udfs.rows.binary import CODES
from tests.udfs.rows.kinds import OPTIONS, Drawn, Example, Sums, drawn, merged, partials_of, summed
from udfs import catalog
from udfs.catalog import columns_of, metrics_of, published, statistics_of
from udfs.examples.classes import of_each_class
from udfs.kinds import KINDS
from udfs.measure import OVER, Metric, Statistic
from udfs.measures.nowcast import NOWCAST
from udfs.pricing import priced

law = settings(max_examples=25)
of_kinds = pytest.mark.parametrize("kind", KINDS)
powers = st.sampled_from([2.0**-8, 1.0, 2.0, 2.0**10])
METRICS = [(kind, metric) for kind in KINDS for over in OVER for metric in metrics_of(kind, over).values()]
OF_BINS = {"low": 0, "n": 0}  # how columns of bins scale with the weights; all others are sums of them
OF_BASELINES = {"baseline_nll": 1, "baseline_entropy": 0}
OF_NOWCASTS = {"arrived_share": 0, "arrived_loss_share": 0, "arrived_complement_share": 0}
OF_BESIDES = {**OF_BASELINES, **OF_NOWCASTS}


def measures(kind: str) -> dict[str, Statistic]:
    """All statistics of a kind by column."""
    return {**columns_of(kind, OPTIONS), **statistics_of(kind, "classes")}


def linear(kind: str) -> set[str]:
    """The columns that are linear in the weight: of twice the weight they are as of twice the rows."""
    return {name for name, statistic in measures(kind).items() if statistic.weight_degree == 1}


def sums_of(sums: Sums, names: set[str]) -> Mapping[Any, dict[str, int]]:
    """These columns of the sums, without keys that have none."""
    found = {key: {name: of[name] for name in names if of.get(name)} for key, of in sums.items()}
    return {key: of for key, of in found.items() if of}


@of_kinds
@law
@given(data=st.data())
def test_rows_split_in_any_way_and_order_merge_to_the_same_sums(kind: str, data: st.DataObject) -> None:
    of = data.draw(drawn(kind))
    place = data.draw(strategies.spread(len(of.examples), range(3)))
    order = data.draw(st.permutations(range(len(of.examples))))
    parts = [partials_of(of.of(of.examples[i] for i in order if place[i] == part)) for part in range(3)]
    assert merged(parts) == merged(parts[::-1]) == summed(of)


@of_kinds
@law
@given(data=st.data())
def test_an_example_of_zero_weight_is_as_if_absent(kind: str, data: st.DataObject) -> None:
    of = data.draw(drawn(kind))
    absent = data.draw(strategies.spread(len(of.examples), (False, True)))
    known = [np.isnan(e.weight) for e in of.examples]
    weighed = (
        e.weighing(0.0 if gone and not nan else e.weight)
        for e, gone, nan in zip(of.examples, absent, known, strict=True)
    )
    kept = (e for e, gone, nan in zip(of.examples, absent, known, strict=True) if nan or not gone)
    names = {name for name, statistic in measures(kind).items() if not statistic.counts}
    assert sums_of(summed(of.of(weighed)), names) == sums_of(summed(of.of(kept)), names)


@of_kinds
@law
@given(data=st.data())
def test_a_weight_is_the_example_as_often(kind: str, data: st.DataObject) -> None:
    of = data.draw(drawn(kind, weight=st.sampled_from([0.0, 1.0, 2.0, 4.0]), nan=False))
    repeated = of.of(e.weighing(1.0) for e in of.examples for _ in range(int(e.weight)))
    one, other = (sums_of(summed(each), linear(kind)) for each in (of, repeated))
    # A term is rounded once, or as often as its row is there, each time by half a unit at most.
    room = sum((e.weight + 1.0) / 2.0 for e in of.examples)
    for key in one.keys() | other.keys():
        for name in linear(kind):
            difference = one.get(key, {}).get(name, 0) - other.get(key, {}).get(name, 0)
            assert abs(difference) <= room, (key, name)


@of_kinds
@law
@given(data=st.data(), weight=powers, value=powers)
def test_terms_scale_as_their_statistics_say(kind: str, data: st.DataObject, weight: float, value: float) -> None:
    of = data.draw(drawn(kind, nan=False))
    value = value if KINDS[kind].of_values else 1.0
    other = of.of(scaled(of, weight, value))
    pairs = [(columns_of(kind, OPTIONS), of.columns, other.columns)]
    if KINDS[kind].of_classes:
        each = zip(of_each_class(of.columns), of_each_class(other.columns), strict=True)
        pairs += [(dict(statistics_of(kind, "classes")), one, again) for one, again in each]
    for statistics, one, again in pairs:
        for name, statistic in statistics.items():
            factor = weight**statistic.weight_degree * value**statistic.value_degree
            # Below the normal numbers a double has no digits to keep.
            assert (np.abs(factor * statistic.of(one) - statistic.of(again)) < 1e-290).all(), name


def scaled(of: Drawn, weight: float, value: float) -> list[Any]:
    """The examples with all weights and values times as large."""
    if value == 1.0:
        return [e.weighing(weight * e.weight) for e in of.examples]
    return [type(e)(value * e.label, value * e.score, weight * e.weight, e.code, e.shard) for e in of.examples]


@pytest.mark.parametrize(("kind", "metric"), METRICS, ids=[f"{kind}-{m.over}-{m.name}" for kind, m in METRICS])
def test_a_metric_scales_with_weights_and_values_as_it_says(kind: str, metric: Metric) -> None:
    """Exactly, as by powers of two nothing is rounded: whatever the sums, of rows that are or of none."""
    rng = np.random.default_rng(0)
    choice = {name: 2.0 for name in metric.options}
    size = (5,) if metric.over in ("bins", "classes") else (40,)
    sums = {name: rng.exponential(3.0, size) for name in metric.inputs}
    sums |= {"low": np.linspace(0.0, 0.9, 5)} if "low" in sums else {}
    statistics = {**statistics_of(kind), **statistics_of(kind, "classes"), **statistics_of(kind, "pairs")}
    for weight, value in ((2.0**-6, 1.0), (2.0**9, 1.0), (1.0, 2.0**7), (2.0**3, 2.0**-5)):
        other = {name: of * factor(statistics, name, metric, weight, value) for name, of in sums.items()}
        expected = metric.bound(choice).of(sums) * weight**metric.weight_degree * value**metric.value_degree
        np.testing.assert_array_equal(metric.bound(choice).of(other), expected)


def factor(statistics: Mapping[str, Statistic], name: str, metric: Metric, weight: float, value: float) -> float:
    """How many times a sum is as large."""
    if metric.over == "bins":
        return float(weight ** OF_BINS.get(name, 1))
    if name in OF_BESIDES:
        return float(weight ** OF_BESIDES[name])
    return float(weight ** statistics[name].weight_degree * value ** statistics[name].value_degree)


def test_every_column_that_a_baseline_or_a_nowcast_adds_has_a_degree() -> None:
    assert OF_BASELINES.keys() == catalog.BASELINE_COLUMNS
    assert OF_NOWCASTS.keys() == {*NOWCAST}


@of_kinds
def test_mirrored_a_statistic_is_another_that_says_the_same_of_it(kind: str) -> None:
    statistics = statistics_of(kind)
    for name, statistic in statistics.items():
        if statistic.mirror not in (None, "itself"):
            assert statistics[str(statistic.mirror)].mirror == name


@of_kinds
@law
@given(data=st.data())
def test_an_example_that_cannot_be_used_is_counted_and_in_no_sum(kind: str, data: st.DataObject) -> None:
    of = data.draw(drawn(kind))
    columns = of.columns
    out = columns["unusable"] > 0.0
    kept = [e for e, unusable in zip(of.examples, out.tolist(), strict=True) if not unusable]
    of_left_out = {"unscored", "unscored_weight"}
    names = measures(kind).keys() - of_left_out
    assert sums_of(summed(of), names) == sums_of(summed(of.of(kept)), names)
    cells = [sums for key, sums in summed(of).items() if key[1] == -1 and key[4] == -1]
    assert sum(sums["unscored"] for sums in cells) == int(out.sum()) * 10**15
    assert not any(sums[name] for sums in summed(of.of(kept)).values() for name in of_left_out if sums.get(name))


GOOD_AND_BAD = {
    "binary": ([(0.0, 0.1), (1.0, 0.9), (1.0, 0.7)], [(0.0, 0.8), (1.0, 0.2), (1.0, 0.4)]),
    "regression": ([(2.0, 2.1), (5.0, 4.8), (7.0, 7.0)], [(2.0, 9.0), (5.0, 1.0), (7.0, 2.0)]),
    "multiclass": (
        [(0.0, [0.8, 0.1, 0.1]), (1.0, [0.1, 0.7, 0.2]), (2.0, [0.1, 0.1, 0.8])],
        [(0.0, [0.1, 0.2, 0.7]), (1.0, [0.8, 0.1, 0.1]), (2.0, [0.5, 0.3, 0.2])],
    ),
    "candidates": (
        [([1.0, 0.0, 0.0, 0.0], [0.7, 0.1, 0.1, 0.1]), ([0.0, 1.0, 0.0, 0.0], [0.1, 0.6, 0.2, 0.1])],
        [([1.0, 0.0, 0.0, 0.0], [0.1, 0.2, 0.4, 0.3]), ([0.0, 1.0, 0.0, 0.0], [0.4, 0.1, 0.3, 0.2])],
    ),
}


@of_kinds
def test_a_better_model_has_less_of_what_is_better_less_and_more_of_what_is_better_more(kind: str) -> None:
    scale = "probability" if KINDS[kind].logarithms else ""
    both = []
    for rows in GOOD_AND_BAD[kind]:
        of = Drawn(kind, scale, tuple(Example(*row, 1.0, CODES[0], 0) for row in rows))
        sums = {name: np.array([np.sum(s.of(of.columns))]) for name, s in columns_of(kind, OPTIONS).items()}
        both.append({**sums, **priced(kind, sums, columns_of(kind, OPTIONS), 1e-15)})
    good, bad = both
    for name, metric in published(kind, OPTIONS).items():
        if metric.better is not None:
            less, more = (good, bad) if metric.better == "less" else (bad, good)
            assert metric.of(less) <= metric.of(more), name
