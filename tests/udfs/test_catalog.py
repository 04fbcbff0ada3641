"""Every metric is what its reference says, and the catalogue is sound."""

import types
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp
from sklearn import metrics as sklearn_metrics

from jobs.settings.relations import KEY_COLUMNS
from tests import strategies
from tests.udfs.references.binary import REFERENCES, exact, value_and_bound
from tests.udfs.rows.binary import OPTIONS, Rows, metrics_of_rows, rows_of
from udfs import catalog
from udfs.catalog import columns_of, metrics_of, published, statistics_of
from udfs.exact.arrays import FloatArray
from udfs.kinds import KINDS
from udfs.measure import Measure, metric, statistic
from udfs.pricing import evaluated

METRICS, STATISTICS = metrics_of("binary"), statistics_of("binary")
MEASURES = [*STATISTICS.values(), *METRICS.values()]
options = st.fixed_dictionaries(
    {
        "alpha": st.sampled_from([1.0, 0.1, 5.0]),
        "gamma": st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.7]),
        "clip": st.sampled_from([0.0, 1e-300, 1e-15, 1e-7]),
    }
)


def some_rows(scale: str, seed: int = 3) -> Rows:
    """Two hundred rows with soft labels, weights and hard scores, on either scale."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1.0, 2.0, 200)
    label = np.where(rng.random(200) < 0.9, rng.random(200) < 0.3, rng.random(200))
    score = logit if scale == "logit" else 1.0 / (1.0 + np.exp(-logit))
    score[:6] = [-np.inf, np.inf, 30.0, -700.0, -np.inf, np.inf] if scale == "logit" else [0, 1, 1e-30, 0.5, 0, 1]
    return rows_of(label, score, rng.exponential(3.0, 200), scale)


def names(measure: Measure) -> str:
    return measure.name


def test_every_metric_has_a_reference_and_every_reference_a_metric() -> None:
    assert set(REFERENCES) == set(METRICS)


@pytest.mark.parametrize("scale", ["probability", "logit"])
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_its_reference(name: str, scale: str) -> None:
    rows = some_rows(scale)
    found, reason = metrics_of_rows(rows)[name]
    expected, bound = value_and_bound(REFERENCES[name], exact(rows))
    assert reason is None
    assert expected is not None
    assert abs(found - expected) <= bound < 1e-11 * abs(expected)


@given(rows=strategies.rows(), options=options)
def test_metrics_are_their_references_whatever_the_rows(rows: Rows, options: dict[str, float]) -> None:
    e = exact(rows, options)
    for name, (found, reason) in metrics_of_rows(rows, options).items():
        expected, bound = value_and_bound(REFERENCES[name], e)
        if expected is None:
            assert reason in ("single_class", "infinite"), name
        elif mp.isinf(expected):
            assert reason == "infinite", name
        else:
            assert mp.isinf(bound) or (reason is None and abs(found - expected) <= bound), name


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("log_loss", sklearn_metrics.log_loss),
        ("brier_score", sklearn_metrics.brier_score_loss),
        ("relative_information_gain", sklearn_metrics.d2_log_loss_score),
    ],
)
def test_metrics_equal_those_of_scikit_learn(name: str, reference: Callable[..., float]) -> None:
    rng = np.random.default_rng(0)
    score, weight = rng.beta(1, 20, 5000), rng.exponential(2.0, 5000)
    label = (rng.random(5000) < score).astype(np.float64)
    expected = reference(label, score, sample_weight=weight)
    assert metrics_of_rows(rows_of(label, score, weight))[name][0] == pytest.approx(expected, rel=1e-12)


def test_no_weight_is_no_metric() -> None:
    for rows in (rows_of([], []), rows_of([0, 1], [0.5, 0.0], [0.0, 0.0]), rows_of([np.nan], [0.5])):
        assert {reason for _, reason in metrics_of_rows(rows).values()} == {"no_weight"}


@pytest.mark.parametrize("missing", STATISTICS)
def test_what_was_not_recorded_is_no_metric(missing: str) -> None:
    sums = {name: np.array([0.5]) for name in STATISTICS} | {missing: np.array([np.nan])}
    sums |= {f"{name}_g2": sums[name] for name in ("positive_focal", "negative_focal")}
    for each, found in zip(METRICS.values(), published("binary", OPTIONS).values(), strict=True):
        values, reasons = evaluated(found, sums)
        assert (reasons == ["not_recorded"]) == (missing in each.inputs), each.name
        assert np.isnan(values[0]) or missing not in each.inputs, each.name


@pytest.mark.parametrize("measure", MEASURES, ids=names)
def test_every_measure_is_documented(measure: Measure) -> None:
    first = measure.definition.splitlines()[0]
    assert first.endswith(".")
    assert 15 < len(first) <= 160
    assert measure.unit


def test_no_name_is_used_twice() -> None:
    assert not STATISTICS.keys() & METRICS.keys()
    assert not (STATISTICS.keys() | METRICS.keys()) & set(KEY_COLUMNS)


@given(gammas=st.lists(st.floats(0, 50), min_size=2, max_size=2, unique=True))
@example(gammas=[2.0, 2.0000001])
def test_another_option_is_another_statistic(gammas: list[float]) -> None:
    one, other = (set(columns_of("binary", {"gamma": gamma})) for gamma in gammas)
    assert len(one ^ other) == 4
    assert all(name.isidentifier() for name in one)


@pytest.mark.parametrize(
    ("gamma", "column"), [(2.0, "positive_focal_g2"), (0.5, "positive_focal_g0_5"), (1e-7, "positive_focal_g1em07")]
)
def test_an_option_is_spelled_in_the_column(gamma: float, column: str) -> None:
    assert STATISTICS["positive_focal"].column({"gamma": gamma}) == column


def unknown_column(label: FloatArray, wieght: FloatArray) -> FloatArray:
    """A statistic with a misspelt input."""
    return label * wieght


def unknown_option(weight: FloatArray, *, temperature: float) -> FloatArray:
    """A statistic with an option that `loss:` does not have."""
    return weight * temperature


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unknown_column, "unknown_column: unknown parameter 'wieght'; there are: complement, complement_loss, label, "),
        (unknown_option, "unknown_option: unknown parameter 'temperature'; there are: alpha, calibration_bins, "),
    ],
)
def test_an_unknown_parameter_is_an_error_that_lists_what_exists(
    function: Callable[..., FloatArray], message: str
) -> None:
    with pytest.raises(TypeError) as error:
        catalog.check([statistic(unit="1")(function)], KINDS["binary"].columns)
    assert str(error.value).startswith(message)


def test_a_metric_of_an_unknown_statistic_is_an_error() -> None:
    with pytest.raises(TypeError, match="unknown_column: unknown parameter 'label'; there are: absolute_error"):
        catalog.check([metric(unit="1")(unknown_column)], STATISTICS)


def test_two_measures_of_one_name_are_an_error() -> None:
    family = types.ModuleType("family")
    family.again = statistic(unit="weight")(STATISTICS["weight"].function)  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="two of the catalogue are called 'weight': rename one"):
        catalog.collected(type(STATISTICS["weight"]), (*KINDS["binary"].families, family))
