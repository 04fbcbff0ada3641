"""The planted cross is first in the list, what nobody planted is not in it; SliceLine's published scores."""

from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from jobs.judgement.slices.crosses import cells, crosses
from jobs.judgement.slices.rates import calibration_side, loss_side, sliceline_score
from jobs.judgement.slices.worst import Search, worst
from tests.jobs.judgement.sides import VALUES, day, summed

AUDITED = ["n", "weight", "positive_weight", "score_sum", "score_variance"]
LOSSES = ["n", "weight", "loss", "squared_nll"]


def loss(sums):
    return loss_side(sums["loss"], sums["weight"], (sums["squared_nll"], sums["loss"], sums["weight"]))


def found(tables, statistics, rate, **search):
    given = cells(tables, list(VALUES), statistics)
    return worst(given, crosses(given), rate, Search(**search)).worst


@pytest.mark.parametrize("seed", range(5))
def test_an_over_prediction_in_one_cross_is_first(seed):
    listed = found([day(seed, over=1.5)], AUDITED, calibration_side, both_ways=True)
    assert listed[0].slice == "country=BR,device=android"
    assert listed[0].before is None and listed[0].z > 5.0 and listed[0].harm > 0.0
    assert len(listed) <= 2


def test_a_cross_that_became_worse_between_two_days_is_first():
    listed = found([day(1), day(2, over=4.0)], LOSSES, loss)
    assert listed[0].slice == "country=BR,device=android"
    assert listed[0].difference == listed[0].now - listed[0].before > 0.0
    assert listed[0].harm == listed[0].difference * listed[0].weight
    assert listed[0].over_parents > 0.0 and listed[0].score is not None
    assert [each.slice for each in found([day(2, over=4.0), day(1)], LOSSES, loss)] == [], "better is no harm"


def test_the_order_of_cells_changes_no_bit():
    days = [day(1), day(2, over=4.0)]
    shuffled = [each.take(np.random.default_rng(3).permutation(each.num_rows)) for each in days]
    assert found(days, LOSSES, loss) == found(shuffled, LOSSES, loss) != []


def test_a_model_that_is_worse_in_one_cross_is_told_beside_the_other():
    """Two models on the same rows: the sides are the models."""
    listed = found([day(6), day(6, over=4.0)], LOSSES, loss)
    assert listed[0].slice == "country=BR,device=android"


def test_one_cause_for_all_is_told_as_the_total():
    listed = found([day(3, over=1.5, cause={})], AUDITED, calibration_side, both_ways=True)
    assert listed[0].slice == "" and listed[0].over_parents == listed[0].difference


def test_two_causes_are_two_crosses():
    """Two samples added, each with a cause of its own: in the sum both are half as strong."""
    both = [day(4, over=2.0), day(5, over=2.0, cause={"country": "FR", "hour": "03"})]
    listed = found([pa.concat_tables(both)], AUDITED, calibration_side, both_ways=True)
    assert {each.slice for each in listed[:2]} == {"country=BR,device=android", "country=FR,hour=03"}


def test_nothing_planted_is_nothing_found():
    listed = [found([day(seed)], AUDITED, calibration_side, both_ways=True) for seed in range(10, 22)]
    assert sum(bool(each) for each in listed) <= 2


@pytest.mark.parametrize("seed", range(3))
def test_few_positives_are_no_discovery(seed):
    """3 expected in each of 20,000 advertisers: the 11 that one of them has are 4.6 σ, and chance."""
    positives = np.random.default_rng(seed).poisson(3.0, 20_000).astype(np.float64)
    assert (positives.max() - 3.0) / np.sqrt(3.0) > 4.5
    each = np.arange(positives.size)
    sums = {"weight": 1000.0, "positive_weight": positives, "score_sum": 3.0, "score_variance": 3.0 * 0.997}
    table = pa.table(
        {
            "advertiser": [f"{i:05}" for i in each],
            "n": [1000] * positives.size,
            **{name: summed(np.broadcast_to(value, each.shape), each, each.size) for name, value in sums.items()},
        }
    )
    given = cells([table], ["advertiser"], AUDITED)
    assert worst(given, crosses(given), calibration_side, Search(both_ways=True)) == ([], 20_001, None)


def test_nothing_to_judge_has_a_reason():
    given = cells([day(0)], list(VALUES), AUDITED)
    assert worst(given, crosses(given), calibration_side, Search(least_rows=10**6)) == ([], 0, "too_few_rows")
    none = cells([day(0).slice(0, 0)], list(VALUES), AUDITED)
    assert worst(none, crosses(none), calibration_side, Search()) == ([], 0, "no_rows")


def test_what_was_not_recorded_is_not_judged():
    given = day(1, over=1.5)
    at = given.column_names.index("score_variance")
    given = given.set_column(at, given.schema.field(at), pa.nulls(given.num_rows, given.schema.field(at).type))
    own = cells([given], list(VALUES), AUDITED)
    assert worst(own, crosses(own), calibration_side, Search()) == ([], 0, "not_recorded")


def test_the_published_scores_of_sliceline():
    features = np.array([[1, 1, 1, 1, 1, 1, 2, 2], [1, 1, 1, 1, 2, 2, 1, 1], range(1, 9), [3, 3, 3, 1, 3, 1, 2, 1]])
    errors = [1, 1, 1, 1, 0, 0, 0, 0]
    table = pa.table({f"f{i}": [str(v) for v in row] for i, row in enumerate(features)})
    table = table.append_column("n", pa.array([1] * 8)).append_column("e", pa.array(errors))
    every = crosses(cells([table], ["f0", "f1", "f2", "f3"], ["n", "e"]), depth=2)
    score = sliceline_score(every.nearest("e")[0], every.nearest("n")[0], (4.0, 8.0), 0.95)
    order = np.lexsort((np.arange(score.size), -score))
    assert [every.text(i) for i in order[:2]] == ["f0=1,f1=1", "f1=1,f3=3"]
    assert score[order[:2]].round(7).tolist() == [0.9, 0.8666667]


# The best four slices of at least ten rows, by the authors' algorithm as PyPI's sliceline 0.3.0 has it.
SLICELINE = {
    0: [("a=1,b=2", 1.1521195545889353), ("a=1,b=2,c=2", 0.5188101801628513), ("a=1,b=2,c=1", 0.4905479191788946)],
    2: [("a=1,b=2,c=2", 1.1611984691882768), ("a=1,b=2", 0.8468715195355921), ("b=2,c=2", 0.30502069972018075)],
    5: [("a=1,b=2", 1.6730826041033104), ("a=1,b=2,c=2", 1.6028889725593325), ("a=1,b=2,d=5", 1.180460034307235)],
}


@pytest.mark.parametrize("seed", SLICELINE)
def test_the_best_of_random_tables_are_those_of_sliceline(seed):
    rng = np.random.default_rng(seed)
    features = {name: rng.integers(0, size, 400) + 1 for name, size in zip("abcd", (3, 4, 2, 5), strict=True)}
    errors = rng.exponential(1.0, 400) * (1 + 2 * ((features["a"] == 1) & (features["b"] == 2)))
    table = pa.table({name: [str(v) for v in values] for name, values in features.items()})
    table = table.append_column("n", pa.array([1] * 400)).append_column("e", summed(errors, np.arange(400), 400))
    every = crosses(cells([table], list("abcd"), ["n", "e"]))
    size, error = every.nearest("n")[0], every.nearest("e")[0]
    score = np.where(size >= 10, sliceline_score(error, size, (error[0], size[0]), 0.95), -np.inf)
    best = np.argsort(-score)[:3]
    assert [(every.text(i), pytest.approx(score[i], rel=1e-12)) for i in best] == SLICELINE[seed]


def test_every_combination_is_scored():
    """No search: the best of the crosses is the best of all there are."""
    given = day(7)
    every = crosses(cells([given], list(VALUES), ["n"]))
    expected = 1
    for depth in (1, 2, 3):
        for names in product(VALUES, repeat=depth):
            if list(names) == sorted(set(names)):
                expected += len({tuple(row) for row in zip(*(given[n].to_pylist() for n in names), strict=True)})
    assert len(every.codes) == expected
