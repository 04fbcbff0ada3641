"""What `docs/add-a-metric.md` shows is added to a copy of the catalogue, and works, whatever a metric is over."""

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.ledger.tables import declared
from jobs.settings import parse
from tests.udfs import test_examples, test_laws_of_kinds
from tests.udfs.references import binary, bins, candidates, classes, pairs
from tests.udfs.rows.binary import metrics_of_rows, rows_of
from tests.udfs.rows.bins import metrics_of_bins
from tests.udfs.rows.candidates import metrics, slate
from tests.udfs.rows.classes import class_rows, metrics_of_class_rows
from udfs import catalog
from udfs.exact.numerics import ratio
from udfs.examples.binary import binary_examples
from udfs.examples.pairs import pair_examples
from udfs.kinds import KINDS
from udfs.measure import Measure, Metric, Statistic, metric, statistic

DOCUMENT = Path(__file__).parents[1] / "docs" / "add-a-metric.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
FUNCTIONS = [block for block in BLOCKS if block.startswith("@")]
LINES = [block for block in BLOCKS if block.startswith('"')]
ADDED = {
    "brier_skill_score": "binary",
    "all_positive_share": "candidates",
    "class_share_error": "multiclass",
    "kolmogorov_smirnov": "binary",
    "higher_share": "binary",
}
REFERENCES: tuple[tuple[types.ModuleType, Mapping[str, Any]], ...] = (
    (binary, binary.REFERENCES),
    (candidates, candidates.REFERENCES),
    (classes, classes.CLASS_REFERENCES),
    (bins, bins.REFERENCES),
    (pairs, pairs.PAIR_REFERENCES),
)


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> dict[str, Measure]:
    """The measures that the document adds, by name; for a test they are in the catalogue."""
    found: dict[str, Measure] = {}
    for kind, block in zip(ADDED.values(), FUNCTIONS, strict=True):
        family = types.ModuleType("family")
        given = {"metric": metric, "statistic": statistic, "ratio": ratio, "np": np}
        exec(compile(block, DOCUMENT.name, "exec"), given, vars(family))
        monkeypatch.setitem(KINDS, kind, replace(KINDS[kind], families=(*KINDS[kind].families, family)))
        found |= {name: value for name, value in vars(family).items() if isinstance(value, Measure)}
    for kind in {*ADDED.values()}:
        for (type_, over), inputs in catalog.inputs_of(kind).items():
            catalog.check(catalog.collected(type_, KINDS[kind].families, over).values(), inputs)
    return found


def reference(name: str) -> Any:
    """The line of reference of one of them, as its file reads it."""
    number = list(ADDED).index(name)
    found: dict[str, Any] = eval("{" + LINES[number] + "}", vars(REFERENCES[number][0]))
    assert list(found) == [name]
    return found[name]


def of_rows() -> tuple[Any, Any]:
    rows = rows_of([0, 1, 0.25, 1, 0, 1], [0.1, 0.9, 0.4, 0.0, 1.0, 0.35], [1.0, 2.5, 0.125, 3.0, 0.0, 10.0])
    return metrics_of_rows(rows)["brier_skill_score"][0], reference("brier_skill_score")(binary.exact(rows))


def of_groups() -> tuple[Any, Any]:
    slates = [slate([1, 1], [0.5, 0.25], 3.0), slate([0, 1], [0.5, 0.25], 2.0), slate([1], [0.5], 0.5)]
    groups = candidates.groups(slates, "logit", 1e-15)
    return metrics(slates)["all_positive_share"][0], reference("all_positive_share")(groups, 0.0)


def of_classes() -> tuple[Any, Any]:
    rows = class_rows([0, 2, 1, 2], np.array([[5, 2, 1], [1, 1, 6], [4, 4, 0], [0, 3, 5]]) / 8.0, [1.0, 2.0, 0.5, 3.0])
    found = metrics_of_class_rows(rows)["class_share_error"][0]
    return found, reference("class_share_error")(classes.exact_classes(rows))


def of_bins() -> tuple[Any, Any]:
    rows = rows_of([0, 1, 0, 1, 1], [0.125, 0.25, 0.25, 0.5, 0.75], [1.0, 2.0, 4.0, 1.0, 0.5])
    return metrics_of_bins(rows)["kolmogorov_smirnov"], reference("kolmogorov_smirnov")(rows)


def of_pairs() -> tuple[Any, Any]:
    label, weight = [0, 1, 1, 0], [1.0, 2.0, 4.0, 1.0]
    both = [rows_of(label, score, weight) for score in ([0.25, 0.5, 0.75, 0.5], [0.125, 0.5, 0.875, 0.25])]
    _, examples = pair_examples(*(binary_examples(each.label, each.weight, each.score, each.scale) for each in both))
    statistics = catalog.statistics_of("binary", "pairs")
    sums = {name: np.array([statistic.of(examples).sum()]) for name, statistic in statistics.items()}
    found = catalog.published("binary", {}, "pairs")["higher_share"].of({**sums, "weight": np.array([8.0])})
    return found[0], reference("higher_share")(pairs.exact_pair(*both))


def test_each_kind_of_metric_costs_a_function_and_a_line(family: dict[str, Measure]) -> None:
    assert [name for name, measure in family.items() if isinstance(measure, Metric)] == list(ADDED)
    assert len(FUNCTIONS) == len(LINES) == len(ADDED)
    assert all(len(line.splitlines()) == 1 and len(line) <= 121 for line in LINES)
    assert [name for name, measure in family.items() if isinstance(measure, Statistic)] == [
        "all_positive_weight",
        "higher_weight",
    ]


@pytest.mark.usefixtures("family")
def test_they_are_in_the_catalogue_and_without_their_lines_would_be_missed() -> None:
    for (name, kind), (_, known) in zip(ADDED.items(), REFERENCES, strict=True):
        assert name not in known
        assert any(name in catalog.metrics_of(kind, over) for over in ("rows", "classes", "bins", "pairs"))


@pytest.mark.usefixtures("family")
@pytest.mark.parametrize("both", [of_rows, of_groups, of_classes, of_bins, of_pairs])
def test_an_added_metric_is_its_reference(both: Callable[[], tuple[Any, Any]]) -> None:
    found, expected = both()
    assert found == pytest.approx(float(expected), rel=1e-12)
    assert abs(expected) > 0.1


@pytest.mark.parametrize("name", ADDED)
def test_an_added_metric_obeys_the_laws_and_its_example(family: dict[str, Measure], name: str) -> None:
    added = family[name]
    assert isinstance(added, Metric)
    test_examples.test_the_example_of_a_metric_is_true(added)
    test_laws_of_kinds.test_a_metric_scales_with_weights_and_values_as_it_says(ADDED[name], added)


@pytest.mark.usefixtures("family")
def test_an_added_statistic_obeys_the_laws_and_is_a_column_of_the_tables() -> None:
    test_laws_of_kinds.test_rows_split_in_any_way_and_order_merge_to_the_same_sums(kind="candidates")
    test_laws_of_kinds.test_an_example_of_zero_weight_is_as_if_absent(kind="candidates")
    tables = declared(parse(CONFIGURATION))
    for table in ("statistics", "shard_statistics"):
        (column,) = [column for column in tables[table].columns if column.name == "all_positive_weight"]
        assert column.comment.startswith("Weight of groups of which every candidate is a positive")


@pytest.mark.usefixtures("family")
def test_an_added_metric_is_undefined_like_the_others() -> None:
    assert metrics_of_rows(rows_of([0, 0], [0.1, 0.2]))["brier_skill_score"][1] == "single_class"
    assert np.isnan(metrics_of_bins(rows_of([0, 0], [0.25, 0.5]))["kolmogorov_smirnov"])


CONFIGURATION = {
    "evaluation": "added",
    "impressions": {"source": {"format": "parquet", "path": "x"}, "columns": {"id": "i", "time": "t", "group": "g"}},
    "labels": {"y": {"column": "y", "values": "binary"}},
    "tasks": {"t": {"kind": "candidates", "label": "y"}},
    "models": {"m": {"t": {"score": "p"}}},
    "dimensions": [],
    "slices": [[]],
    "tables": {"path": "tables"},
}
