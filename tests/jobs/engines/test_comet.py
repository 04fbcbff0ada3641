"""An accelerator is taken where it can be had, and says why where it cannot; it changes no bit."""

import ast
import platform
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs.engines import comet, jars
from jobs.engines.pins import PAIRS, Pair
from jobs.errors import ConfigurationError, EngineError

PAIR = PAIRS[0]
TABLES = ("statistics", "shard_statistics", "score_bins", "metrics")
JOBS = Path(comet.__file__).parents[1]
DESCRIBED = (ast.Module, ast.ClassDef, ast.FunctionDef)
INEXACT = {"exp", "expm1", "ln", "log", "log1p", "log2", "log10", "pow", "power", "sinh", "cosh", "tanh"}


@pytest.fixture
def fitting(monkeypatch):
    """A machine that Comet runs on, whatever this one is, with its jars."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(comet, "memory", lambda: comet.BESIDE + comet.pool())
    monkeypatch.setattr(jars, "comet_jars", lambda pair, ivy, fetch: (Path("/jars/comet.jar"), Path("/jars/scala.jar")))
    return monkeypatch


def test_an_unknown_one_is_refused_with_what_was_meant():
    with pytest.raises(
        ConfigurationError, match="found 'commet', expected one of auto, comet, none; did you mean 'comet'"
    ):
        comet.known_accelerator("commet", "spark")


def test_it_accelerates_apache_spark_alone():
    assert comet.known_accelerator("auto", "sail") == "auto"
    with pytest.raises(ConfigurationError, match="'comet' with --engine sail, expected auto or none"):
        comet.known_accelerator("comet", "sail")


@pytest.mark.parametrize("accelerator", ["auto", "comet"])
def test_it_is_taken_where_it_is(fitting, accelerator):
    settings = comet.chosen(accelerator, PAIR).settings
    assert settings.items() >= comet.SETTINGS.items()
    assert int(settings[comet.POOL]) == comet.pool()


def test_without_it_spark_is_as_it_was(fitting):
    assert comet.chosen("none", PAIR) == comet.Choice()
    assert comet.Choice().settings == {}


def test_by_itself_nothing_is_fetched(fitting):
    asked = []
    fitting.setattr(jars, "comet_jars", lambda pair, ivy, fetch: asked.append(fetch) or ())
    assert comet.chosen("auto", PAIR).reason == comet.NOT_HERE
    assert asked == [False]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"system": "Darwin", "machine": "arm64"}, "made for Linux on x86-64 and arm64, and this is Darwin on arm64"),
        ({"machine": "riscv64"}, "this is Linux on riscv64"),
        ({"memory": comet.BESIDE}, r"GiB off Java's heap, one for each core, beside 6 for the rest, and 6\.0 are here"),
        ({"flags": "fpu avx sse4_2"}, "needs a processor with AVX2"),
    ],
)
def test_a_machine_that_cannot_goes_without_or_says_so(fitting, tmp_path, what, reason):
    if "flags" in what:
        (tmp_path / "cpuinfo").write_text(f"flags\t\t: {what['flags']} \n")
        fitting.setattr(comet, "PROCESSOR", str(tmp_path / "cpuinfo"))
    fitting.setattr(platform, "system", lambda: what.get("system", "Linux"))
    fitting.setattr(platform, "machine", lambda: what.get("machine", "x86_64" if "flags" in what else "aarch64"))
    fitting.setattr(comet, "memory", lambda: what.get("memory", 2**50))
    choice = comet.chosen("auto", PAIR)
    assert choice.settings == {} and re.search(reason, choice.reason)
    with pytest.raises(EngineError, match=f"{reason}; run it without: --accelerator none"):
        comet.chosen("comet", PAIR)


def test_a_spark_that_has_none_goes_without(fitting):
    assert comet.chosen("auto", Pair("4.2.0", "4.4.0")).reason == "there is no Comet for Spark 4.2.0"


@pytest.mark.parametrize(
    ("loadable", "loaded", "fault"),
    [(False, True, "its classes are not there"), (True, False, "it was not loaded"), (True, True, None)],
)
def test_its_native_code_is_asked_whether_it_is_there(loadable, loaded, fault):
    comet_ = SimpleNamespace(NativeBase=SimpleNamespace(isLoaded=lambda: loaded))
    utils = SimpleNamespace(classIsLoadable=lambda name: loadable)
    spark = SimpleNamespace(util=SimpleNamespace(Utils=utils))
    jvm = SimpleNamespace(org=SimpleNamespace(apache=SimpleNamespace(comet=comet_, spark=spark)))
    assert comet.fault(jvm) == fault


def test_a_container_has_the_memory_that_it_was_given(monkeypatch, tmp_path):
    monkeypatch.setattr(comet, "LIMITS", (str(tmp_path / "none"), str(tmp_path / "memory.max")))
    (tmp_path / "memory.max").write_text("max\n")
    whole = comet.memory()
    (tmp_path / "memory.max").write_text(f"{2**20}\n")
    assert (whole > 2**20, comet.memory()) == (True, 2**20)


def test_nothing_that_makes_a_sum_asks_an_engine_for_a_logarithm():
    # Comet's differ from Spark's in the last bit. That of `groups` bounds what a sum can hold, and is in none.
    found = {path.relative_to(JOBS).as_posix(): sorted(asked(ast.parse(path.read_text()))) for path in rooms()}
    assert {path: names for path, names in found.items() if names} == {"examples/groups.py": ["log"]}


def rooms():
    """The files that make plans of a night."""
    folders = (JOBS / room for room in ("files", "inputs", "examples", "results", "ledger"))
    return [JOBS / "nightly.py", *(path for folder in folders for path in folder.rglob("*.py"))]


def asked(tree):
    """The functions of an engine, by `F` or in SQL, that no engine computes to the last bit as others do."""
    described = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, DESCRIBED)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "F":
            yield from {node.attr} & INEXACT
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in described:
            yield from (name for name in INEXACT if re.search(rf"\b{name}\s*\(", node.value))
