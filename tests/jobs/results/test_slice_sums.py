"""The rows of `metrics`: what is defined has a value, all else a reason, and few rows are no number."""

from pathlib import Path

import numpy as np

from jobs.results.slice_sums import KEYS, SliceSums, rows_of
from jobs.settings import parse
from tests.world.night import document

LEAST = 100


def test_fewer_rows_than_the_least_are_no_number_but_a_reason():
    settings = parse(document(Path("of_no_consequence"), limits={"min_rows": LEAST}))
    n = np.array([LEAST - 1.0, LEAST, LEAST + 1.0, 0.0])
    sums = SliceSums(
        "binary",
        [("ctr", "m", f"country={i}") for i in range(4)],
        {"n": n, "weight": n, "positive_weight": n / 2.0},
    )
    rows = rows_of(sums, settings, np.full(4, 0.5), [None, None, "single_class", "no_weight"], ("log_loss", "nats"))
    found = rows.select([*KEYS, "metric", "value", "reason", "n"]).to_pylist()
    assert [(row["value"], row["reason"]) for row in found] == [
        (None, "too_few_rows"),
        (0.5, None),
        (None, "single_class"),
        (None, "too_few_rows"),
    ]
    assert [row["n"] for row in found] == n.tolist()
