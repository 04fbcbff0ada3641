"""The audit against the rows themselves, and its edges."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import poisson

from jobs.judgement.slices.audit import DETECTABLE, STATISTICS, audited, two_sided, unskewed
from jobs.judgement.slices.calibration import field_errors
from jobs.judgement.slices.crosses import cells, crosses
from tests.jobs.judgement.sides import VALUES, day, summed


def audit_of(table, dimensions, **options):
    found = crosses(cells([table], dimensions, list(STATISTICS)))
    return found, audited(found, **options)


def test_z_of_right_scores_is_standard_normal():
    z = np.concatenate([audit_of(day(seed, size=20_000), ["country", "device"])[1].z for seed in range(20)])
    assert abs(z.mean()) < 0.3 and 0.8 < z.std() < 1.2


def test_the_published_example():
    p, y = np.array([0.1, 0.9, 0.21, 0.9, 0.5]), np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    terms = {
        "weight": np.ones(5),
        "positive_weight": y,
        "score_sum": p,
        "score_variance": p * (1 - p),
        "spiegelhalter_sum": (y - p) * (1 - 2 * p),
        "spiegelhalter_variance": (1 - 2 * p) ** 2 * p * (1 - p),
    }
    one = np.zeros(5, dtype=np.int64)
    table = pa.table({"all": ["x"], "n": [5], **{name: summed(term, one, 1) for name, term in terms.items()}})
    _, audit = audit_of(table, ["all"], least_positives=0.0)
    assert audit.spiegelhalter[0] == pytest.approx(-0.7566972, abs=5e-8)
    assert audit.z[0] == pytest.approx((y - p).sum() / np.sqrt((p * (1 - p)).sum()), rel=1e-12)
    assert audit.error[0] == pytest.approx((p - y).sum() / 5, rel=1e-12)
    assert audit.detectable[0] == pytest.approx(DETECTABLE * np.sqrt((p * (1 - p)).sum()) / 5, rel=1e-12)


def test_reasons():
    table = day(1, size=500)
    found, audit = audit_of(table, list(VALUES), least_rows=30, least_positives=0.0)
    few = found.nearest("n")[0] < 30
    assert [reason == "too_few_rows" for reason in audit.reasons] == few.tolist()
    assert np.array_equal(np.isnan(audit.z), few) and np.array_equal(np.isnan(audit.p), few)
    many = audited(found)
    rare = np.maximum(found.nearest("positive_weight")[0], found.nearest("score_sum")[0]) < 8.0
    assert {many.reasons[i] for i in np.flatnonzero(rare)} <= {"too_few_positives", "no_variance"}
    assert many.reasons[0] is None
    at = table.column_names.index("score_sum")
    lost = table.set_column(at, table.schema.field(at), pa.nulls(table.num_rows, table.schema.field(at).type))
    assert set(audit_of(lost, list(VALUES))[1].reasons) == {"not_recorded"}


def test_p_of_few_positives_is_about_that_of_poisson():
    """4 expected, 12 seen: 0.0009 by Poisson, where a normal z of 4 has 0.00006."""
    z, skewness = np.array([4.0]), np.array([0.5])
    assert two_sided(unskewed(z, skewness))[0] / 2.0 == pytest.approx(poisson.sf(11, 4.0), rel=0.5)
    assert unskewed(np.array([-1.9]), skewness)[0] < -1.9, "to see too few of few is rarer than normal"
    assert unskewed(np.array([-9.0]), skewness)[0] == -np.sqrt(8.0)


def test_inflation_is_of_variances():
    plain, inflated = (audit_of(day(1), ["country"], inflation=each)[1] for each in (1.0, 4.0))
    assert np.allclose(inflated.z * 2.0, plain.z) and np.allclose(inflated.detectable, 2.0 * plain.detectable)


def test_the_error_of_a_field():
    table = day(1, over=1.5)
    found = crosses(cells([table], list(VALUES), list(STATISTICS)))
    errors = field_errors(found)
    rows = table.to_pydict()
    by_country = {}
    for country, y, p in zip(rows["country"], rows["positive_weight"], rows["score_sum"], strict=True):
        by_country[country] = by_country.get(country, 0) + y - p
    expected = sum(abs(each) for each in by_country.values()) / sum(rows["positive_weight"])
    assert errors["country"] == pytest.approx(float(expected), rel=1e-12)
    assert errors["country"] > errors["placement"]
