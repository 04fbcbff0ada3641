"""Laws of statistics over the whole catalogue, with ==: no tolerance, whatever the rows."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.udfs.rows.binary import (
    GROUPINGS,
    OPTIONS,
    RECIPES,
    SHARDS,
    Rows,
    Sums,
    by_key,
    merged,
    minus,
    plus,
    summarise,
    sums_of,
)
from udfs.catalog import columns_of, statistics_of
from udfs.exact import sums as exact
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import UNITS
from udfs.exact.kernels import softplus
from udfs.exact.sums import exact_sum
from udfs.measure import ITSELF
from udfs.scan import batch as batches
from udfs.scan.grains import CELLS, Grouping
from udfs.scan.partials import counts_in

# Each example runs the whole pass several times.
law = settings(max_examples=40)
COLUMNS = columns_of("binary", OPTIONS)
COUNTS = {name for name, statistic in statistics_of("binary").items() if statistic.counts}
NOTHING = dict.fromkeys(COLUMNS, 0)
TOTAL = len(GROUPINGS) - 1
MIRRORED = {
    name: name if statistic.mirror == ITSELF else statistics_of("binary")[statistic.mirror].column(OPTIONS)
    for name, statistic in COLUMNS.items()
    if statistic.mirror is not None
}


def summed(*parts: pa.RecordBatch) -> Sums:
    """The sums of one partition that gets these batches."""
    return by_key(summarise(), parts)


def by_shard(sums: Sums, pair: int) -> list[dict[str, int]]:
    """The total of each shard."""
    return [sums.get((pair, TOTAL, 0, shard), NOTHING) for shard in range(SHARDS)]


def added(parts: Sequence[dict[str, int]]) -> dict[str, int]:
    result = NOTHING
    for part in parts:
        result = plus(result, part)
    return result


def column(batch: pa.RecordBatch, name: str) -> FloatArray:
    found: FloatArray = batch[name].to_numpy()
    return found


def replaced(batch: pa.RecordBatch, name: str, values: FloatArray) -> pa.RecordBatch:
    return batch.set_column(batch.schema.get_field_index(name), name, pa.array(values))


@law
@given(batch=strategies.examples(), data=st.data())
def test_partitions_merge_to_the_same_sums_in_any_order_and_grouping(
    batch: pa.RecordBatch, data: st.DataObject
) -> None:
    place = np.array(data.draw(strategies.spread(batch.num_rows, range(4))), dtype=np.int64)
    parts = data.draw(st.permutations([summed(batch.filter(pa.array(place == part))) for part in range(4)]))
    expected = summed(batch)
    assert merged(parts) == expected
    assert merged([parts[0], merged([merged(parts[1:3]), parts[3]])]) == expected
    assert merged([merged(parts[2:]), {}, merged(parts[:2])]) == expected


@law
@given(batch=strategies.examples(), data=st.data())
def test_the_order_of_rows_does_not_matter(batch: pa.RecordBatch, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(batch.num_rows)))
    assert summed(batch.take(pa.array(order, pa.int64()))) == summed(batch)


@law
@given(batch=strategies.examples(), data=st.data(), block=st.integers(1, 5))
def test_the_size_of_batches_and_blocks_does_not_matter(batch: pa.RecordBatch, data: st.DataObject, block: int) -> None:
    parts, expected = data.draw(strategies.consecutive(batch)), summed(batch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK_ROWS", block)
        patch.setattr(exact, "BLOCK", block)
        assert summed(*parts) == expected


@law
@given(batch=strategies.examples())
def test_a_shard_subtracted_is_the_sum_without_it(batch: pa.RecordBatch) -> None:
    found = summed(batch)
    for shard in range(SHARDS):
        without = summed(batch.filter(pa.array(column(batch, "shard") != shard)))
        for pair in range(len(RECIPES)):
            shards = by_shard(found, pair)
            assert minus(added(shards), shards[shard]) == added(by_shard(without, pair))


@law
@given(batch=strategies.examples(), data=st.data())
def test_a_row_of_zero_weight_is_as_if_absent(batch: pa.RecordBatch, data: st.DataObject) -> None:
    absent = np.array(data.draw(strategies.spread(batch.num_rows, (False, True))), dtype=np.bool_)
    weightless = summed(replaced(batch, "weight", np.where(absent, 0.0, column(batch, "weight"))))
    without = summed(batch.filter(pa.array(~absent)))
    for key, values in weightless.items():
        expected = without.get(key, NOTHING)
        assert {name: values[name] for name in COLUMNS.keys() - COUNTS} == {
            name: expected[name] for name in COLUMNS.keys() - COUNTS
        }
    assert without.keys() <= weightless.keys()


@law
@given(batch=strategies.examples())
def test_a_row_that_cannot_be_used_is_counted_and_in_no_sum(batch: pa.RecordBatch) -> None:
    for number, recipe in enumerate(RECIPES):
        unusable = np.isnan(column(batch, recipe.scores[0])) | np.isnan(column(batch, "weight"))
        in_task = ~np.isnan(column(batch, "label"))
        found = added(by_shard(summed(batch), number))
        assert found["n"] == (in_task & ~unusable).sum() * UNITS
        assert found["unscored"] == (in_task & unusable).sum() * UNITS
        weight = column(batch, "weight")
        assert found["unscored_weight"] == exact_sum(weight[in_task & unusable & ~np.isnan(weight)])
        rest = added(by_shard(summed(batch.filter(pa.array(in_task & ~unusable))), number))
        assert found | {"unscored": 0, "unscored_weight": 0} == rest


@law
@given(batch=strategies.examples())
def test_slices_rolled_up_are_those_summed_row_by_row(batch: pa.RecordBatch) -> None:
    directly = tuple(Grouping(grouping.of_cell, grouping.slices) for grouping in GROUPINGS)
    assert by_key(summarise(groupings=directly), [batch]) == summed(batch)


@law
@given(batch=strategies.examples())
def test_the_cells_of_a_slice_add_up_to_its_shards(batch: pa.RecordBatch) -> None:
    found = summed(batch)
    for pair in range(len(RECIPES)):
        for number, grouping in enumerate(GROUPINGS):
            for key in range(grouping.slices):
                members = np.flatnonzero(grouping.of_cell == key).tolist()
                cells = [found.get((pair, CELLS, cell, -1), NOTHING) for cell in members]
                shards = [found.get((pair, number, key, shard), NOTHING) for shard in range(SHARDS)]
                assert added(cells) == added(shards)


@law
@given(batch=strategies.examples())
def test_counts_are_whole_and_every_row_is_counted_as_passed(batch: pa.RecordBatch) -> None:
    assert all(values[name] % UNITS == 0 for values in summed(batch).values() for name in COUNTS)
    assert counts_in(summarise()([batch])) == Counter({("passed", None): batch.num_rows})


@law
@given(batch=strategies.examples(), data=st.data())
def test_a_row_of_an_unknown_code_is_counted_and_in_no_sum(batch: pa.RecordBatch, data: st.DataObject) -> None:
    known = np.array(data.draw(strategies.spread(batch.num_rows, (False, True))), dtype=np.bool_)
    some = replaced(batch, "code", np.where(known, column(batch, "code"), 11))
    assert summed(some) == summed(batch.filter(pa.array(known)))
    expected = {("passed", None): known.size, ("unknown", None): int(known.size - known.sum())}
    assert counts_in(summarise()([some])) == Counter(expected)


@law
@given(batch=strategies.examples())
def test_rows_of_weight_1_weigh_as_many_as_they_are(batch: pa.RecordBatch) -> None:
    for values in summed(replaced(batch, "weight", np.ones(batch.num_rows))).values():
        assert values["weight"] == values["squared_weight"] == values["n"]


@law
@given(batch=strategies.examples(), label=st.sampled_from([0.0, 1.0]))
def test_mirrored_logits_and_labels_exchange_positives_and_negatives(batch: pa.RecordBatch, label: float) -> None:
    some = replaced(batch, "label", np.full(batch.num_rows, label))
    mirrored = replaced(replaced(some, "label", np.full(batch.num_rows, 1.0 - label)), "logit", -column(batch, "logit"))
    one, other = (added(by_shard(summed(each), 1)) for each in (some, mirrored))
    assert {name: other[mirror] for name, mirror in MIRRORED.items()} == {name: one[name] for name in MIRRORED}


@law
@given(drawn=strategies.rows(label=strategies.hard_labels, scales=st.just("logit")))
def test_the_loss_of_a_label_of_plus_or_minus_1_is_softplus(drawn: Rows) -> None:
    drawn = drawn.take(np.isfinite(drawn.score))
    sign = 2.0 * drawn.label - 1.0
    found = sums_of(drawn)
    assert found["positive_nll"] + found["negative_nll"] == exact_sum(drawn.weight * softplus(-sign * drawn.score))
