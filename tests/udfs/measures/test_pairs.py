"""The metrics of two models are their references, over the rows that both can score."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from mpmath import mp

from jobs.ledger.tables import OF_BOTH
from tests import strategies
from tests.udfs.references.binary import value_and_bound
from tests.udfs.references.pairs import PAIR_REFERENCES, exact_pair
from tests.udfs.rows.binary import GROUPINGS, rows_of
from tests.udfs.scan.test_two_models import sums_of
from udfs.catalog import metrics_of, published
from udfs.exact.decimals import from_decimal, nearest
from udfs.kinds import KINDS
from udfs.pricing import evaluated
from udfs.scan.keyed import BOTH

TOTAL = len(GROUPINGS) - 1


def test_every_metric_has_a_reference_and_every_reference_a_metric() -> None:
    for kind in KINDS.values():
        assert set(metrics_of(kind.name, "pairs")) == (set(PAIR_REFERENCES) if kind.pairs else set())


@settings(max_examples=40)
@given(batch=strategies.examples())
def test_metrics_are_their_references_whatever_the_rows(batch: pa.RecordBatch) -> None:
    columns = {name: batch[name].to_numpy(zero_copy_only=False) for name in batch.schema.names}
    both = ~np.isnan([columns[name] for name in ("label", "weight", "probability", "logit")]).any(axis=0)
    label, weight = (columns[name][both] for name in ("label", "weight"))
    e = exact_pair(*(rows_of(label, columns[scale][both], weight, scale) for scale in ("probability", "logit")))
    rows = sums_of([batch])
    rows = rows.filter(pc.and_(pc.equal(rows["part"], BOTH), pc.equal(rows["grouping"], TOTAL)))
    assert sum(rows["n"].to_pylist()) == both.sum()
    doubles = {name: nearest([sum(from_decimal(rows[name]).tolist())]) for name in OF_BOTH if name != "n"}
    for name, metric in published("binary", {}, "pairs").items():
        (value,), (reason,) = evaluated(metric, doubles)
        expected, bound = value_and_bound(PAIR_REFERENCES[name], e)
        assert expected is not None or reason == "no_weight", name
        assert mp.isinf(bound) or (reason is None and abs(value - expected) <= bound), name
