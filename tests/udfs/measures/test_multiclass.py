"""The metrics of multi-class tasks are their references, and the catalogue of them is sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from jobs.settings.relations import KEY_COLUMNS
from tests import class_strategies
from tests.udfs.references.binary import value_and_bound
from tests.udfs.references.classes import CLASS_REFERENCES, exact_classes
from tests.udfs.rows.binary import OPTIONS, metrics_of_rows, rows_of
from tests.udfs.rows.classes import (
    CLASS_OPTIONS,
    ClassRows,
    class_metrics_from,
    class_rows,
    class_sums,
    metrics_of_class_rows,
    sums_by_class,
)
from udfs.catalog import columns_of, metrics_of, published, statistics_of
from udfs.kinds import KINDS
from udfs.measure import OVER, Measure
from udfs.pricing import evaluated, evaluated_of_parts

PUBLISHED = published("multiclass", CLASS_OPTIONS)
OF_CLASSES = published("multiclass", CLASS_OPTIONS, "classes")
MEASURES = [
    measure
    for of_kind in (statistics_of, metrics_of)
    for over in OVER
    for measure in of_kind("multiclass", over).values()
]


def test_every_metric_has_a_reference_and_every_reference_a_metric() -> None:
    assert CLASS_REFERENCES.keys() == PUBLISHED.keys() | OF_CLASSES.keys()


def test_no_name_is_used_twice() -> None:
    names = [measure.name for measure in MEASURES]
    assert len(set(names)) == len(names)
    assert not set(names) & {*KEY_COLUMNS, "class"}


@given(rows=class_strategies.class_rows(), clip=st.sampled_from([0.0, 1e-300, 1e-15, 1e-7]))
def test_metrics_are_their_references_whatever_the_rows(rows: ClassRows, clip: float) -> None:
    options = {**CLASS_OPTIONS, "clip": clip}
    e = exact_classes(rows, options)
    for name, (found, reason) in metrics_of_class_rows(rows, options).items():
        expected, bound = value_and_bound(CLASS_REFERENCES[name], e)
        if expected is None:
            assert reason in ("single_class", "infinite"), name
        elif mp.isinf(expected):
            assert reason == "infinite", name
        else:
            assert mp.isinf(bound) or (reason is None and abs(found - expected) <= bound), name


@pytest.mark.parametrize("scale", ["probability", "logit"])
@pytest.mark.parametrize("soft", [False, True], ids=["classes", "shares"])
def test_a_metric_of_many_rows_is_its_reference_to_11_digits(scale: str, soft: bool) -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(0.0, 3.0, (200, 3))
    logits[:4] = [[-np.inf, 0, 1], [0, np.inf, 1], [-700, 2, 30], [1, 1, 1]]
    scores = logits if scale == "logit" else rng.dirichlet([0.3, 1.0, 2.0], 200)
    if scale == "probability":
        scores[:3] = [[0, 0.25, 0.75], [0, 1, 0], [1e-300, 0.5, 0.5]]
    label = rng.dirichlet([1, 1, 1], 200) if soft else np.arange(200) % 3
    rows = class_rows(label, scores, rng.exponential(3.0, 200), scale)
    e = exact_classes(rows)
    for name, (found, reason) in metrics_of_class_rows(rows).items():
        expected, bound = value_and_bound(CLASS_REFERENCES[name], e)
        assert reason is None
        assert abs(found - expected) <= bound < 1e-11 * abs(expected), name


def test_the_divergence_of_shares_from_themselves_is_0_and_the_class_shares_have_no_gain() -> None:
    label = np.repeat(np.arange(3), [1, 2, 5])
    rows = class_rows(label, np.tile([1 / 8, 2 / 8, 5 / 8], (8, 1)))
    found = metrics_of_class_rows(rows)
    assert found["kl_calibration"] == (0.0, None)
    assert found["normalized_entropy"][0] == pytest.approx(1.0, rel=1e-15)
    assert found["relative_information_gain"][0] == pytest.approx(0.0, abs=1e-15)


def test_no_weight_is_no_metric_and_one_class_has_no_normalized_entropy() -> None:
    for rows in (
        class_rows([], np.empty((0, 3))),
        class_rows([1], [[0.5, 0.0, 0.5]], [0.0]),
        class_rows([np.nan], [[0.2, 0.3, 0.5]]),
    ):
        assert {reason for _, reason in metrics_of_class_rows(rows).values()} == {"no_weight"}
    found = metrics_of_class_rows(class_rows([1, 1], [[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]]))
    assert {name for name, (_, reason) in found.items() if reason == "single_class"} == {
        "normalized_entropy",
        "relative_information_gain",
    }
    assert found["label_entropy"] == (0.0, None)


@pytest.mark.parametrize("missing", [*columns_of("multiclass", CLASS_OPTIONS), *statistics_of("multiclass", "classes")])
def test_what_was_not_recorded_is_no_metric(missing: str) -> None:
    sums = {name: np.array([0.5]) for name in columns_of("multiclass", CLASS_OPTIONS)}
    classes = {name: np.array([0.25, 0.25]) for name in statistics_of("multiclass", "classes")}
    for group, nothing in ((sums, np.array([np.nan])), (classes, np.array([0.25, np.nan]))):
        if missing in group:
            group[missing] = nothing
    for metric in PUBLISHED.values():
        assert (evaluated(metric, sums)[1] == ["not_recorded"]) == (missing in metric.inputs)
    of_slice = {name: float(values[0]) for name, values in sums.items()}
    for metric in OF_CLASSES.values():
        assert (evaluated_of_parts(metric, classes, of_slice)[1] == "not_recorded") == (missing in metric.inputs)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_every_measure_is_documented(measure: Measure) -> None:
    first = measure.definition.splitlines()[0]
    assert first.endswith(".")
    assert 15 < len(first) <= 160
    assert measure.unit


def test_hard_scores_are_priced_at_finish_by_the_clip() -> None:
    rows = class_rows([0, 1, 2, 2], [[0.0, 0.5, 0.5], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25], [1, 0, 0]], [2, 3, 1, 0])
    sums = class_sums(rows)
    assert (sums["hard_wrong_weight"], sums["hard_right_weight"]) == (2 * 10**15, 3 * 10**15)
    assert sums["class_nll"] == round(np.log(4) * 10**15)
    for clip in (1e-15, 1e-7):
        found = class_metrics_from(sums, sums_by_class(rows), {**CLASS_OPTIONS, "clip": clip})
        assert found["log_loss_total"][0] == pytest.approx(
            np.log(4) - 2 * np.log(clip) - 3 * np.log1p(-clip), rel=1e-14
        )
    found = metrics_of_class_rows(rows, {**CLASS_OPTIONS, "clip": 0.0})
    priced = {name for name, s in statistics_of("multiclass").items() if KINDS["multiclass"].losses & set(s.inputs)}
    assert priced == {"class_nll", "class_squared_nll"}
    assert {name for name, (_, reason) in found.items() if reason == "infinite"} == {
        name for name, metric in (PUBLISHED | OF_CLASSES).items() if priced & set(metric.inputs)
    }


def test_the_soft_label_of_a_hard_row_is_split() -> None:
    sums = class_sums(class_rows([[0.25, 0.75, 0.0]], [[0.0, 1.0, 0.0]], [8.0]))
    assert (sums["hard_wrong_weight"], sums["hard_right_weight"]) == (2 * 10**15, 6 * 10**15)
    assert sums["class_nll"] == 0


def test_a_column_and_a_metric_name_their_k() -> None:
    assert {name for name in columns_of("multiclass", {"k": (1.0, 5.0)}) if "_at_" in name} == {
        "top_correct_weight_at_1",
        "top_correct_weight_at_5",
    }
    assert PUBLISHED["top_k_accuracy@2"].inputs == ("top_correct_weight_at_2", "weight")
    assert metrics_of_rows(rows_of([0, 1], [0.5, 0.5]), OPTIONS).keys() & PUBLISHED.keys() == {
        "log_loss",
        "log_loss_total",
        "brier_score",
        "effective_sample_size",
    }
