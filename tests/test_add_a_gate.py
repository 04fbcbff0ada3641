"""What `docs/add-a-gate.md` shows is added to a copy of the requirements, and gates are judged by it."""

import math
import re
from pathlib import Path

import pytest
import yaml

from jobs.errors import ConfigurationError
from jobs.judgement.gates import judged
from jobs.settings import parse
from jobs.settings.judgement import requirements

DOCUMENT = Path(__file__).parents[1] / "docs" / "add-a-gate.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
(FUNCTION,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
(GATE,) = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SCORES = {model: {"ctr": {"score": column}} for model, column in (("new", "p"), ("old", "q"))}
CONFIG = {
    "evaluation": "added",
    "impressions": {"source": {"format": "parquet", "path": "x"}, "duplicates": "none"},
    "labels": {"click": {"column": "click", "values": "binary"}},
    "tasks": {"ctr": {"label": "click"}},
    "models": SCORES,
    "comparisons": {"release": {"candidate": "new", "baseline": "old"}},
    "tables": {"path": "x"},
}


def parsed(gates):
    return parse({**CONFIG, "gates": gates}).gates


@pytest.fixture
def added(monkeypatch):
    """The gate of the document, whose requirement is there for a test."""
    known = dict(requirements.REQUIREMENTS)
    exec(compile(FUNCTION, DOCUMENT.name, "exec"), {"requirement": requirements.requirement, "math": math})
    (name,) = requirements.REQUIREMENTS.keys() - known.keys()
    monkeypatch.setitem(requirements.REQUIREMENTS, name, requirements.REQUIREMENTS.pop(name))
    return parsed(yaml.safe_load(GATE))["pays_off"]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.04, -0.02, "passed"), (-0.02, 0.005, "undecided"), (-0.009, 0.0, "failed"), (None, None, "not_judged")],
)
def test_an_added_requirement_is_judged_by_the_interval(added, low, high, verdict):
    ends = {"relative_difference": -0.01, "relative_low": low, "relative_high": high, "ci_reason": "too_few_shards"}
    told = judged(added, {"candidate": "new", "baseline": "old", **ends}, quiet=None, sign=-1)
    assert told.verdict == verdict
    assert told.sentence.startswith(f"{verdict.replace('_', ' ')}: the relative gain of new over old in log_loss")


def test_an_added_requirement_asks_for_its_margin(added):
    with pytest.raises(ConfigurationError, match=r"require without margin, expected the key margin"):
        parsed({"pays_off": {**added.model_dump(exclude_none=True), "margin": None}})


def test_without_its_function_it_is_told_before_any_work():
    with pytest.raises(ConfigurationError, match=r"found 'clearly_better', expected one of better, not_worse"):
        parsed(yaml.safe_load(GATE))
