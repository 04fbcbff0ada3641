"""What `docs/add-a-metric.md` shows is added to a copy of the catalogue, and works."""

import re
import types
from dataclasses import replace
from pathlib import Path

import pytest

from tests.udfs.references import binary as references
from tests.udfs.references.binary import Reference, exact, value_and_bound
from tests.udfs.rows.binary import Rows, merged, metrics_from, metrics_of_rows, rows_of, sums_of
from udfs import catalog
from udfs.kinds import BINARY, KINDS
from udfs.measures import binary

DOCUMENT = Path(__file__).parents[1] / "docs" / "add-a-metric.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
FUNCTIONS = [block for block in BLOCKS if block.startswith("@")]
LINES = [block for block in BLOCKS if block.startswith('"')]
ROWS = (
    rows_of([0, 1, 0.25, 1, 0, 1], [0.1, 0.9, 0.4, 0.0, 1.0, 0.35], [1.0, 2.5, 0.125, 3.0, 0.0, 10.0]),
    rows_of([0, 1, 0.25, 1], [-3.0, 0.5, 700.0, -40.0], [1.0, 2.5, 0.125, 3.0], "logit"),
)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> dict[str, Reference]:
    """The references of the metrics that the document adds; for a test they are in the catalogue."""
    family = types.ModuleType("family")
    for block in FUNCTIONS:
        exec(compile(block, DOCUMENT.name, "exec"), {**vars(binary)}, vars(family))
    monkeypatch.setitem(KINDS, BINARY.name, replace(BINARY, families=(*BINARY.families, family)))
    catalog.check(catalog.metrics_of("binary").values(), catalog.statistics_of("binary"))
    found: dict[str, Reference] = eval("{" + "".join(LINES) + "}", vars(references))
    return found


def test_the_document_adds_two_metrics_by_a_line_of_reference_each(added: dict[str, Reference]) -> None:
    assert len(FUNCTIONS) == len(LINES) == 2
    assert list(added) == ["brier_skill_score", "positive_brier_score"]
    assert all(len(line.splitlines()) == 1 for line in LINES)


def test_a_metric_without_its_line_would_be_missed(added: dict[str, Reference]) -> None:
    assert catalog.metrics_of("binary").keys() - references.REFERENCES.keys() == added.keys()


@pytest.mark.parametrize("rows", ROWS, ids=lambda rows: rows.scale)
@pytest.mark.parametrize("name", ["brier_skill_score", "positive_brier_score"])
def test_an_added_metric_is_its_reference(added: dict[str, Reference], name: str, rows: Rows) -> None:
    found, reason = metrics_of_rows(rows)[name]
    expected, bound = value_and_bound(added[name], exact(rows))
    assert reason is None
    assert expected is not None
    assert abs(found - expected) <= bound < 1e-12


@pytest.mark.usefixtures("added")
def test_an_added_metric_merges_and_is_undefined_like_the_others() -> None:
    rows = ROWS[0]
    parts = [{(0, 0, 0, 0): sums_of(rows.take(part))} for part in ([0, 4, 2], [], [5, 3, 1])]
    assert metrics_from(merged(parts)[0, 0, 0, 0]) == metrics_of_rows(rows)
    found = metrics_of_rows(rows_of([0, 0], [0.1, 0.2]))
    assert found["brier_skill_score"][1] == found["positive_brier_score"][1] == "single_class"
