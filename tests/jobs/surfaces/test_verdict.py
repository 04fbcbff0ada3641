"""What a run says at its end where a task has no log loss, or the slices have no total."""

import pyarrow as pa

from jobs.surfaces import compared
from jobs.surfaces.verdict import _losses


def test_a_loss_that_has_no_column_has_a_line():
    price = {"task": "value", "model": "m", "mean_squared_error": 2.5, "intervals": {"mean_squared_error": [2.4, 2.6]}}
    both = {"task": "esmm", "model": "m", "joint_loss": "no_weight"}
    assert list(_losses([{"task": "ctr", "model": "m", "log_loss": 0.5}, price, both])) == [
        "value m: mean_squared_error 2.5 ±0.1",
        "esmm m: joint_loss no_weight",
    ]


def test_where_the_slices_have_no_total_it_is_said_where_the_numbers_are():
    (metrics,) = _losses([])
    assert metrics.endswith("see the view slice_metrics")
    rows = {"comparison": ["release"], "task": ["ctr"], "slice": ["country=DE"], "metric": ["log_loss"]}
    (line,) = compared.sentences(pa.table(rows))
    assert line.endswith("see the view slice_comparisons")
