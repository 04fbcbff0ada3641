"""What the pass keeps of two models: sums over the rows that one of them can not score, and both scores of the rest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.ledger.tables import OF_BOTH
from tests import strategies
from tests.udfs.rows.binary import CODES, GROUPINGS, RECIPES, SHARDS, summarise
from tests.udfs.rows.kinds import CLASSES, OPTIONS, merged, rows_of
from udfs.catalog import columns_of, statistics_of
from udfs.exact.kernels import STRICT
from udfs.examples.bins import Binning
from udfs.scan.batch import Summarise
from udfs.scan.grains import CELLS
from udfs.scan.keyed import BOTH, KEYS, NO_OTHER, WHOLE
from udfs.scan.partials import subtracted, unpacked
from udfs.scan.recipes import Recipe

law = settings(max_examples=25)
BINNED = (replace(GROUPINGS[0], binned=SHARDS), *GROUPINGS[1:3], replace(GROUPINGS[3], binned=0))
BINS = [replace(recipe, binning=Binning(*recipe.scales, bits=9)) for recipe in RECIPES]
RUN = replace(summarise(BINS, groupings=BINNED), unpaired=((0, 1), (1, 0)), paired=((0, 1),), of_both=OF_BOTH)
NAMES = [[f"{model} {k}" for k in range(CLASSES)] for model in "ab"]
OF_CLASSES = replace(
    RUN,
    recipes=tuple(Recipe("multiclass", ("label",), None, tuple(of), ("probability",) * CLASSES) for of in NAMES),
    statistics={"multiclass": columns_of("multiclass", OPTIONS)},
    by_class=statistics_of("multiclass", "classes"),
    paired=(),
)


def sums_of(batches: Sequence[pa.RecordBatch], run: Summarise = RUN) -> pa.Table:
    """The sums of a task that has these batches."""
    return unpacked(run(batches), run.schema)


@st.composite
def of_classes(draw: st.DrawFn) -> pa.RecordBatch:
    """Rows with the scores of two models, some of them missing."""
    rows = draw(st.lists(st.tuples(*[rows_of("multiclass", "probability", nan=True)] * 2), max_size=8))
    code = draw(st.lists(st.sampled_from(CODES.tolist()), min_size=len(rows), max_size=len(rows)))
    scores = {name: [row[m][1][k] for row in rows] for m, of in enumerate(NAMES) for k, name in enumerate(of)}
    columns = {"label": [row[0][0] for row in rows], **scores}
    return pa.record_batch(
        {
            "code": pa.array(code, pa.int64()),
            "shard": pa.array(np.arange(len(rows)) % SHARDS, pa.int32()),
            **{name: pa.array(values, pa.float64()) for name, values in columns.items()},
        }
    )


@law
@given(data=st.data())
def test_rows_split_in_any_way_and_order_merge_to_the_same_sums_of_two(data: st.DataObject) -> None:
    batch = data.draw(strategies.examples())
    place = np.array(data.draw(strategies.spread(batch.num_rows, range(3))), dtype=np.int64)
    order = np.array(data.draw(st.permutations(range(batch.num_rows))), dtype=np.int64)
    parts = [sums_of([batch.take(pa.array(order[place[order] == part]))]) for part in range(3)]
    assert merged(parts) == merged(parts[::-1]) == merged([sums_of([batch])])


def left(sums: pa.Table, pair: int, other: int) -> pa.Table:
    """The sums of a pair over the rows that the other one can score too, without those that are of no rows."""
    own = sums.filter(pc.and_(pc.equal(sums["pair"], pair), pc.not_equal(sums["grouping"], CELLS)))
    own = own.filter(pc.not_equal(own["part"], BOTH))
    whole, apart = (own.filter(pc.equal(own["other"], each)) for each in (NO_OTHER, other))
    keys = KEYS.names[:-1]
    found = subtracted(whole.drop_columns("other"), apart.drop_columns("other"), keys)
    names = [name for name in found.column_names if name not in (*keys, "unscored", "unscored_weight")]
    sizes = np.abs([[int(x or 0) for x in found[name].to_pylist()] for name in names if name not in keys]).sum(axis=0)
    return found.filter(pa.array(sizes > 0)).select([*keys, *names]).sort_by([(name, "ascending") for name in keys])


def scored(batch: pa.RecordBatch, run: Summarise) -> np.ndarray:
    """Which rows each model can score, (models, rows)."""
    table = pa.Table.from_batches([batch])
    return np.array([recipe.examples(table, STRICT)["scored"] > 0.0 for recipe in run.recipes])


@law
@given(binary=strategies.examples(), multiclass=of_classes())
def test_what_is_kept_apart_leaves_both_with_the_rows_that_both_can_score(
    binary: pa.RecordBatch, multiclass: pa.RecordBatch
) -> None:
    for batch, run in ((binary, RUN), (multiclass, OF_CLASSES)):
        both = scored(batch, run).all(axis=0)
        sums, shared = (sums_of([each], run) for each in (batch, batch.filter(pa.array(both))))
        for pair, other in run.unpaired:
            assert left(sums, pair, other).equals(left(shared, pair, other))
        apart = sums.filter(pc.and_(pc.not_equal(sums["other"], NO_OTHER), pc.not_equal(sums["part"], BOTH)))
        n = apart.filter(pc.and_(pc.equal(apart["part"], WHOLE), pc.equal(apart["grouping"], 3)))["n"].to_pylist()
        assert sum(n) == sum((of & ~both).sum() for of in scored(batch, run))
        of_both = [each.filter(pc.equal(each["part"], BOTH)) for each in (sums, shared)]
        assert merged(of_both[:1]) == merged(of_both[1:])


@law
@given(batch=strategies.examples())
def test_without_a_comparison_no_column_and_no_row_is_sent_and_with_one_all_others_stay(batch: pa.RecordBatch) -> None:
    alone = replace(RUN, unpaired=(), paired=())
    assert alone.schema.names == summarise().schema.names
    of_one, of_two = (sums_of([batch], run) for run in (alone, RUN))
    assert set(of_one["other"].to_pylist()) <= {NO_OTHER}
    assert of_two.filter(pc.equal(of_two["other"], NO_OTHER)).select(of_one.column_names).equals(of_one)
