"""What is computed again from rows: values, terms with 50 digits, events held against impressions."""

import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from mpmath import mp, mpf

from jobs.audit.proofs.keys import KEYS
from jobs.audit.recount import terms, values
from jobs.audit.recount.impressions import spelled
from jobs.audit.recount.reading import UnreadableError
from jobs.examples.cells import encoded
from jobs.ledger import tables
from jobs.settings import LabelColumn, TimeColumn, parse
from tests.world.audited import configured
from udfs.catalog import statistics_of
from udfs.kind import Arrays
from udfs.kinds import KINDS

SCORES = [0.0, 1.0, 5e-324, 1e-300, 0.25, 0.5, 1 - 2**-53, 1e-9]
LOGITS = [-math.inf, math.inf, 0.0, -745.2, 745.2, 40.0, -3.25]


def test_every_table_that_a_run_replaces_has_a_key(tmp_path):
    declared = tables.declared(parse(configured(tmp_path)))
    known = {*KEYS, "runs", "rejects"}
    assert declared.keys() <= known
    assert known >= set(tables.OPTIONAL)


def held(kind, example, arrays):
    """Every term of an example beside what the night makes of the same row."""
    columns = KINDS[kind].examples(arrays)
    with mp.workdps(terms.DIGITS):
        found = dict([*terms.counts(example.weight, example.scores is not None), *terms.TERMS[kind](example)])
    options = {"gamma": 2.0}
    for name, term in found.items():
        statistic = statistics_of(kind)[name]
        statistic = statistic.bound({k: options[k] for k in statistic.options}) if statistic.options else statistic
        ours = float(statistic.of(columns)[0])
        off = terms.SLACK * (abs(term) + example.beside(statistic.weight_degree, statistic.value_degree))
        assert abs(mpf(ours) - term) <= off + mpf("0.5e-15"), (name, ours, term)
    return found


@pytest.mark.parametrize("label", [0.0, 1.0, 0.3])
@pytest.mark.parametrize(("score", "scale"), [*((s, "probability") for s in SCORES), *((z, "logit") for z in LOGITS)])
def test_terms_of_a_binary_row_are_those_of_the_night(label, score, scale):
    example = terms.Example("binary", label, 2.5, (score,), (scale,), None, 2.0)
    arrays = Arrays((np.array([label]),), np.array([2.5]), (np.array([score]),), (scale,))
    found = held("binary", example, arrays)
    missing = {name for name, s in statistics_of("binary").items()} - {*found, "unscored", "unscored_weight"}
    assert missing == set(), "every sum of a binary task is computed again"


@pytest.mark.parametrize(("score", "scale"), [(0.2, "probability"), (0.0, "probability"), (1.5, "logit")])
def test_terms_of_scores_that_are_moved_back(score, scale):
    example = terms.Example("binary", 1.0, 1.0, (score,), (scale,), 0.1, 2.0)
    held("binary", example, Arrays((np.ones(1),), np.ones(1), (np.array([score]),), (scale,), rate=0.1))


@pytest.mark.parametrize("scores", [(0.5, 0.25), (0.0, 0.5), (1.0, 1.0), (1e-200, 1e-200), (1 - 2**-53, 1.0)])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_terms_of_a_product(scores, label):
    scales = ("probability", "probability")
    arrays = Arrays((np.array([label]),), np.ones(1), tuple(np.array([s]) for s in scores), scales)
    held("binary", terms.Example("binary", label, 1.0, scores, scales, None, 2.0), arrays)


def test_terms_of_a_value():
    arrays = Arrays((np.array([5.5]),), np.array([0.1]), (np.array([-2.25]),), ("probability",))
    held("regression", terms.Example("regression", 5.5, 0.1, (-2.25,), ("probability",), None, 2.0), arrays)


@pytest.mark.parametrize("label", [1.0, (0.5, 0.25, 0.25)])
@pytest.mark.parametrize(("scores", "scale"), [((0.2, 0.7, 0.1), "probability"), ((-1.0, 3.0, -math.inf), "logit")])
def test_terms_of_classes(label, scores, scale):
    labels = (np.array([label]),) if isinstance(label, float) else tuple(np.array([share]) for share in label)
    arrays = Arrays(labels, np.array([1.5]), tuple(np.array([s]) for s in scores), (scale,))
    held("multiclass", terms.Example("multiclass", label, 1.5, scores, (scale,), None, 2.0), arrays)


def test_a_row_without_a_score_counts_as_unscored_alone():
    found = dict(terms.counts(2.0, scored=False))
    assert found == {"n": 0, "unscored": 1, "unscored_weight": 2}


@pytest.mark.parametrize("value", [None, "", "a=b", "x,y", "100%", "(other)", "(", "日本", "DE"])
def test_dimensions_are_spelled_as_in_the_tables(value):
    assert spelled(value, None) == encoded(value)


def test_a_time_without_a_zone_is_of_the_declared_one():
    berlin = pa.array([1_773_792_000_000_000], pa.timestamp("us"))
    assert values.moments(berlin, TimeColumn(column="t"), "Europe/Berlin").to_pylist() == [1_773_788_400_000_000]
    seconds = pa.array([1_773_792_000, None])
    assert values.moments(seconds, TimeColumn(column="t", unit="s"), "UTC").to_pylist() == [1_773_792_000_000_000, None]


def test_text_that_is_no_number_is_none():
    assert [values.number(raw) for raw in ("1.5", " 2e1 ", "1d", "", None, Decimal("0.1"), True)] == [
        *(1.5, 20.0, None, None, None, 0.1, 1.0)
    ]


def test_labels_that_are_none_reject_their_row():
    binary, soft = (LabelColumn(column="c", values=each) for each in ("binary", "soft"))
    classes = LabelColumn(column="c", values="classes", classes=("news", "sport"))
    assert [values.label(raw, binary) for raw in (1, "true", 0.5, None, "x")] == [1.0, 1.0, None, None, None]
    assert [values.label(raw, soft) for raw in (0.5, 1.5, math.nan)] == [0.5, None, None]
    assert [values.label(raw, classes) for raw in ("sport", "x", 0, [0.5, 0.5], [0.5, 0.6])] == [
        *(1.0, None, 0.0, (0.5, 0.5), None)
    ]


def test_what_engines_spell_in_their_own_way_is_not_guessed():
    with pytest.raises(UnreadableError, match="a float as text"):
        values.text(1.5)
