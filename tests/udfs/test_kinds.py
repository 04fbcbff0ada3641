"""A kind of task is one value: no other file names one, and a new one needs no other file."""

import ast
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.udfs.counts import COUNTS
from tests.udfs.rows.binary import CODES, GROUPINGS
from udfs import catalog
from udfs.exact.decimals import from_decimal, nearest
from udfs.kind import Kind
from udfs.kinds import KINDS, MULTICLASS
from udfs.measures.bins import areas
from udfs.pricing import evaluated, priced
from udfs.scan.batch import Summarise
from udfs.scan.combine import Combine
from udfs.scan.grains import CELLS
from udfs.scan.keyed import KEYS
from udfs.scan.partials import combined, unpacked
from udfs.scan.recipes import Recipe

ROOT = Path(__file__).parents[2]
# A label that is 0 or 1 is called binary too: there the word is one of the conventions that a label declares.
CONVENTIONS = (
    *("inputs/values.py", "settings/logs.py", "surfaces/first_rows/plausible.py", "audit/recount/values.py"),
    *("surfaces/init/logs/columns.py", "surfaces/init/roles/labels.py"),
)
# A type of Spark's SQL has that name as well.
OF_TYPES = "sql/language/dialects.py"
# What is recounted for an audit is computed by other means than the kinds have.
RECOUNTED = {"jobs/audit/recount/terms.py": {"binary", "regression", "multiclass"}}


def named(file: Path) -> set[str]:
    """The kinds that a file names by a text of its own."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and node.value in KINDS}


def test_no_other_file_names_a_kind() -> None:
    files = [file for folder in ("jobs", "udfs", ".ci") for file in (ROOT / folder).rglob("*.py")]
    found = {str(file.relative_to(ROOT)): named(file) for file in files}
    assert found.pop("udfs/kinds.py") == KINDS.keys()
    others = {file: names for file, names in found.items() if names}
    assert others == {f"jobs/{file}": {"binary"} for file in (*CONVENTIONS, OF_TYPES)} | RECOUNTED


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_a_kind_says_of_itself_is_in_its_families(kind: Kind) -> None:
    statistics = catalog.statistics_of(kind.name).keys()
    assert {*kind.loss_sums, *(name for hard in kind.hard for name in hard.weights)} <= statistics
    assert kind.positives is None or kind.positives in statistics
    assert {kind.loss, *kind.row_losses} <= catalog.metrics_of(kind.name).keys()
    assert kind.losses <= kind.columns


CLIP = 1e-3
LABEL = np.array([0.0, 1.0, 3.0, 2.0, np.nan, 5.0, 1.0, 0.0])
SCORE = np.array([0.5, 0.25, 2.0, 0.0, 1.0, np.nan, 4.0, 0.0])
WEIGHT = np.array([1.0, 2.0, 0.5, 1.5, 9.0, 7.0, 1.0, 3.0])
USED = np.array([0, 1, 2, 3, 6, 7])


@pytest.fixture
def fifth(monkeypatch: pytest.MonkeyPatch) -> Kind:
    """A kind of task that there is for one test."""
    monkeypatch.setitem(KINDS, COUNTS.name, COUNTS)
    return COUNTS


def summed(kind: Kind) -> pa.Table:
    """The sums of the rows of one task, added as a run adds them."""
    recipe = Recipe(kind.name, ("label",), "weight", ("score",), ("probability",))
    statistics = {kind.name: catalog.columns_of(kind.name, {})}
    summary = Summarise(
        (recipe,), statistics, {}, "strict", CODES, np.arange(CODES.size), CODES.size, groupings=GROUPINGS, shards=2
    )
    size = LABEL.size
    batch = pa.record_batch(
        {
            "code": CODES[np.arange(size) % CODES.size],
            "shard": (np.arange(size) % 2).astype(np.int32),
            "label": LABEL,
            "weight": WEIGHT,
            "score": SCORE,
        }
    )
    parts = [rows for half in (batch.slice(0, 3), batch.slice(3)) for rows in summary([half])]
    added = Combine(summary.schema, tuple(KEYS.names))(parts)
    return combined(unpacked(added, summary.schema), KEYS.names)


def test_a_fifth_kind_runs_through_the_pass_the_merge_and_the_metrics(fifth: Kind) -> None:
    table = summed(fifth)
    total = table.filter(pc.equal(table["grouping"], len(GROUPINGS) - 1))
    cells = table.filter(pc.equal(table["grouping"], CELLS))
    statistics = catalog.columns_of(fifth.name, {})
    sums = {}
    for name, each in statistics.items():
        of = [rows[name].to_pylist() if each.counts else from_decimal(rows[name]).tolist() for rows in (total, cells)]
        assert sum(of[0]) == sum(of[1])
        sums[name] = np.array([float(sum(of[0]))]) if each.counts else nearest([sum(of[0])])
    assert (sums["n"][0], sums["unscored"][0]) == (USED.size, 1.0)
    prices = priced(fifth.name, sums, statistics, CLIP)
    (loss,), (reason,) = evaluated(catalog.published(fifth.name, {})["count_loss"], prices)
    terms = [
        w * ((0.0 if s == 0.0 else s) - (y * math.log(s or CLIP) if y else 0.0))
        for y, s, w in zip(LABEL[USED], SCORE[USED], WEIGHT[USED], strict=True)
    ]
    assert reason is None
    assert loss == pytest.approx(math.fsum(terms) / WEIGHT[USED].sum(), rel=1e-12)


def test_binned_classes_are_refused() -> None:
    with pytest.raises(TypeError, match="multiclass: score bins are of one score"):
        replace(MULTICLASS, families=(*MULTICLASS.families, areas))
