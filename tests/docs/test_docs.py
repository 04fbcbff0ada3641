"""The documents are what the code says: `metrics.md` is made from it, and what `seeds.md` names is there."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from pkgutil import resolve_name

import pytest

from jobs.results import finish
from jobs.settings.sections import Loss
from udfs import catalog
from udfs.measure import OVER, Measure, Metric
from udfs.measures.peers import PEERS, peer_columns, peer_metrics

ROOT = Path(__file__).parents[2]
METRICS, SEEDS = (ROOT / "docs" / name for name in ("metrics.md", "seeds.md"))
MEASURES = {
    kind: [
        measure
        for of in (catalog.statistics_of, catalog.metrics_of)
        for over in OVER
        for measure in of(kind, over).values()
    ]
    for kind in catalog.KINDS
}
EVERY = [measure for measures in MEASURES.values() for measure in measures]
# Reasons that have to do with the rows of a slice and not with the metric.
OF_SLICES = {"no_weight", "not_recorded", "too_few_rows", "infinite"}

# As `python .ci/metrics.py` does it, but for the code of this checkout, whatever is installed.
GENERATE = "import sys; sys.path[:0] = ['.ci', '.']; import metrics; metrics.main()"


def shown(measure: Measure) -> str:
    """The name as documented: of a metric with its option or baseline, of a statistic with the braces around it."""
    return measure.name + (re.sub("[{}]", "", measure.suffix) if isinstance(measure, Metric) else measure.suffix)


def known_names() -> set[str]:
    """All names of metrics, statistics and options that a document may use."""
    options = {f"loss.{name}" for name in Loss.model_fields}
    names = {name for measure in EVERY for name in (measure.name, shown(measure))}
    return names | options | peer_metrics(PEERS).keys() | peer_columns(PEERS).keys()


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse(next((ROOT / "tests" / "udfs").rglob(file)).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@cache
def reference_cases() -> set[str]:
    file = ROOT / "tests" / "reference" / "reference_values.json"
    return {case["id"] for case in json.loads(file.read_text(encoding="utf-8"))["cases"]}


def exists(name: str) -> bool:
    """Whether what is named in backticks is there: a test, a module or its function, a file, or a name of ours."""
    if test := re.fullmatch(r"(test_\w+\.py)::(test_\w+)(?:\[(.+)\])?", name):
        file, function, case = test.groups()
        return function in functions_of(file) and (case is None or case in reference_cases())
    if name.startswith("udfs."):
        try:
            resolve_name(name)
        except (ImportError, AttributeError):
            return False
        return True
    return name in known_names() or (ROOT / name).exists() or (SEEDS.parent / name).exists()


def sections(text: str) -> set[str]:
    """The anchors of a document, as GitHub makes them of headings, and those written out."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return set(re.findall(r'<a id="([^"]+)">', text)) | {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles
    }


def test_the_metrics_are_as_the_generator_writes_them(tmp_path: Path) -> None:
    target = tmp_path / "metrics.md"
    subprocess.run([sys.executable, "-c", GENERATE, str(target)], cwd=ROOT, check=True)
    assert target.read_text(encoding="utf-8") == METRICS.read_text(encoding="utf-8"), "out of date: make docs"


@pytest.mark.parametrize("kind", catalog.KINDS)
def test_every_measure_is_documented_with_its_definition_and_unit(kind: str) -> None:
    text = METRICS.read_text(encoding="utf-8")
    for measure in MEASURES[kind]:
        assert f"`{shown(measure)}`" in text
        for paragraph in measure.definition.split("\n\n"):
            assert " ".join(paragraph.split()) in text.replace("\\|", "|")
        entry = rf"^#### `{re.escape(shown(measure))}`\n(?:\n.+\n)+?\nUnit: {re.escape(measure.unit)};"
        assert not isinstance(measure, Metric) or re.search(entry, text, re.MULTILINE), measure.name


def test_the_example_of_the_joint_loss_is_true() -> None:
    text = METRICS.read_text(encoding="utf-8").split("#### `joint_loss`")[1]
    told = re.search(r"losses of (\S+) and (\S+) with the weights (\S+) and (\S+) make (\S+)\.", text)
    assert told is not None
    *losses, a, b, joint = map(float, told.groups())
    rows = {task: {"value": loss, "reason": None} for task, loss in zip("ab", losses, strict=True)}
    assert finish._joint_row("both", {"a": a, "b": b}, rows)["value"] == joint


def test_every_peer_is_documented() -> None:
    text = METRICS.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in {*PEERS, *peer_columns(PEERS), *peer_metrics(PEERS)})
    assert all(peer.note in text for peer in PEERS.values())
    for name, metric in peer_metrics(PEERS).items():
        assert f"| `{name}` |" in text and f"| `{metric.example.splitlines()[0].removeprefix('>>> ')}` = " in text


def test_every_reason_has_a_meaning_and_is_given_where_it_is_declared() -> None:
    text = METRICS.read_text(encoding="utf-8")
    metrics = [measure for measure in EVERY if isinstance(measure, Metric)]
    for reason in {metric.undefined for metric in metrics} | OF_SLICES:
        assert re.search(rf"^\| `{reason}` \| .+ \|$", text, re.MULTILINE), reason
    for metric in metrics:
        if metric.undefined not in OF_SLICES | {"single_class"}:
            entry = text.split(f"#### `{shown(metric)}`\n")[1:]
            assert any(f"NULL for `{metric.undefined}`" in each.split("####")[0] for each in entry), metric.name


@pytest.mark.parametrize("document", [METRICS, SEEDS], ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert {link[1:] for link in links if link.startswith("#")} <= sections(text)
    assert all((document.parent / link).exists() for link in links if not link.startswith("#"))


def test_all_that_is_named_exists() -> None:
    named = set(re.findall(r"`([^`\n]+)`", SEEDS.read_text(encoding="utf-8"))) - {"[…]"}
    assert len(named) > 80
    assert [name for name in sorted(named) if not exists(name)] == []


def test_what_does_not_exist_is_found() -> None:
    assert exists("udfs.measures.binary.log_loss")
    assert not exists("udfs.measures.binary.log_los")
    assert not exists("udfs.nothing")
    assert not exists("test_seed_documents.py::test_nothing")
    assert not exists("test_reference_values.py::test_a_trusted_value_is_met[nothing]")
    assert not exists("precision@t")


def test_every_formula_and_every_error_has_its_row() -> None:
    rows = re.findall(r"^\| ([fE]\d+) \|", SEEDS.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [*(f"f{i}" for i in range(1, 16)), *(f"E{i}" for i in range(1, 25))]


def test_the_readme_leads_to_both() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/metrics.md)" in text
    assert "](docs/seeds.md)" in text
