"""What goes to the workers is as it is used: they know no reason, condition, rate or unit."""

from dataclasses import replace

import pytest

from jobs.examples.sent import sent
from jobs.inputs.scorings import scorings
from jobs.settings import parse
from tests.world import cases

LABELS = {name: {"column": name, "values": "binary"} for name in ("click", "buy")}
TASKS = {
    "ctr": {"label": "click"},
    "cvr": {"label": "buy", "given": "click"},
    "ctcvr": {"label": "buy", "score": {"product": ["ctr", "cvr"]}},
}
COLUMNS = {
    "click": [1, 0, 0, 1, 0],
    "buy": [1, 0, 1, 0, 0],
    "w": [2.0, 3.0, None, 4.0, 5.0],
    "rate": [None, 0.25, 0.5, 0.5, None],
    "p": [0.5, 0.25, 0.5, 2.0, 0.5],
    "q": [0.5, 0.5, 0.5, 0.5, float("nan")],
}


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    """For each task what it sends: its name and its values, of the first two tasks in units of 1 and of 4."""
    mapping = {"weight": "w", "sampling_rate": "rate"}
    models = {"m": {"ctr": {"score": "p"}, "cvr": {"score": "q"}}}
    sections = {"labels": LABELS, "tasks": TASKS, "models": models}
    config = cases.of_columns(tmp_path_factory.mktemp("sent"), COLUMNS, mapping, **sections)
    frame, every = cases.mapped(spark, config), scorings(parse(config))
    types = dict(frame.dtypes)
    parts = {s.task: sent(s, types) for s in every}
    parts["in 4"] = sent(replace(every[0], weight_unit=4.0), types)
    columns = {name: column for each in parts.values() for name, column in each.columns.items()}
    table = frame.select(*(column.alias(name) for name, column in columns.items())).toArrow()
    return {
        (task, part): [(name, table[name].to_pylist()) for name, _ in getattr(each, part)]
        for task, each in parts.items()
        for part in ("labels", "weight", "scores")
    }


def values(of):
    return [each for _, each in of]


def test_a_label_is_null_outside_of_the_task(found):
    assert values(found["ctr", "labels"]) == [[1.0, 0.0, 0.0, 1.0, 0.0]]
    assert values(found["cvr", "labels"]) == [[1.0, None, None, 0.0, None]]
    assert values(found["ctcvr", "labels"]) == [[1.0, 0.0, 1.0, 0.0, 0.0]]


def test_a_sampled_negative_weighs_what_it_stands_for(found):
    # Of positives no rate is asked; a negative without one has no weight.
    assert values(found["ctr", "weight"]) == [[2.0, 12.0, None, 4.0, None]]
    assert values(found["ctcvr", "weight"]) == [[2.0, 12.0, None, 8.0, None]]
    assert values(found["in 4", "weight"]) == [[0.5, 3.0, None, 1.0, None]]


def test_a_score_with_a_reason_is_null_and_so_is_one_of_a_label_that_cannot_be(found):
    p, q = [0.5, 0.25, 0.5, None, 0.5], [0.5, 0.5, 0.5, 0.5, None]
    assert values(found["ctr", "scores"]) == [p]
    assert values(found["cvr", "scores"]) == [q]
    assert values(found["ctcvr", "scores"]) == [[0.5, 0.25, None, None, 0.5], q]


def test_equal_columns_are_sent_once(found):
    names = {key: [name for name, _ in of] for key, of in found.items()}
    assert names["ctcvr", "scores"][1:] == names["cvr", "scores"]
    assert names["cvr", "weight"] == names["ctcvr", "weight"] != names["ctr", "weight"]
    assert names["in 4", "labels"] == names["ctr", "labels"]
    assert len({*names["ctr", "weight"], *names["ctcvr", "weight"], *names["in 4", "weight"]}) == 3
