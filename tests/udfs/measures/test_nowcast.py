"""Nowcasts: references, and what they are where it is known which positives are still to come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from tests import strategies
from tests.udfs.references.binary import exact, value_and_bound
from tests.udfs.references.nowcast import REFERENCES, nowcast_of
from tests.udfs.rows.binary import Rows, metrics_of_rows, rows_of
from udfs.catalog import metrics_of
from udfs.measures.nowcast import NOWCAST

one = st.floats(2.0**-6, 1.25)
shares = st.fixed_dictionaries({name: one for name in NOWCAST})


def alike(share: float) -> dict[str, float]:
    """The same share of each sum."""
    return dict.fromkeys(NOWCAST, share)


def test_every_nowcast_has_a_reference() -> None:
    assert set(REFERENCES) == set(metrics_of("binary", "nowcast"))


@given(rows=strategies.rows(), share=shares)
def test_nowcasts_are_their_references(rows: Rows, share: dict[str, float]) -> None:
    e, found = exact(rows), nowcast_of(rows, share)
    for name, reference in REFERENCES.items():
        value, reason = found[f"{name}[nowcast]"]
        expected, bound = value_and_bound(reference(share), e)
        if expected is not None and not mp.isinf(bound):
            assert reason is None and abs(value - expected) <= bound, name


@given(rows=strategies.rows(label=strategies.hard_labels))
def test_where_all_have_arrived_a_nowcast_is_the_metric(rows: Rows) -> None:
    found, own = nowcast_of(rows, alike(1.0)), metrics_of_rows(rows)
    for name in ("log_loss", "predicted_over_actual"):
        assert repr(found[f"{name}[nowcast]"]) == repr(own[name]), name


@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_of_late_positives_that_score_like_early_ones_it_is_the_final_number(scale: str) -> None:
    """Of every final positive three rows alike, of which one has arrived: also of hard scores, and by weight."""
    score = np.array([0.3, 0.02, 0.9, 1.0, 0.6, 0.0]) if scale == "probability" else np.array([-1, -4, 2, 30.0, 0, -9])
    positive, weight = np.array([1, 1, 1, 1, 0, 0]), np.array([1.0, 0.5, 2.0, 1.0, 40.0, 3.0])
    times = np.where(positive == 1, 3, 1)
    first = np.concatenate([np.arange(n) == 0 for n in times])
    final = rows_of(np.repeat(positive, times), np.repeat(score, times), np.repeat(weight, times), scale)
    seen = rows_of(np.repeat(positive, times) * first, final.score, final.weight, scale)
    found, truth, naive = nowcast_of(seen, alike(1.0 / 3.0)), metrics_of_rows(final), metrics_of_rows(seen)
    for name in REFERENCES:
        assert found[f"{name}[nowcast]"][0] == pytest.approx(truth[name][0], rel=1e-12)
        assert naive[name][0] != pytest.approx(truth[name][0], rel=0.1)


def test_more_positives_than_there_is_weight_are_no_rate() -> None:
    rows = rows_of([1.0, 0.0], [0.5, 0.5])
    assert nowcast_of(rows, alike(0.4))["normalized_entropy[nowcast]"][1] == "single_class"
