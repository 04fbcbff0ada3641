"""A configuration of any kind is read or refused with its place, in a moment: never another error, never no end."""

import copy
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.errors import ConfigurationError
from jobs.settings import load, parse
from jobs.settings.interpolation import resolved
from jobs.settings.yaml_file import read
from jobs.settings.yaml_text import plain
from tests.world.child import ROOT

SMALL = """\
evaluation: e
impressions: {source: {format: parquet, path: imp}}
labels: {y: {column: y, values: binary}}
tasks: {t: {label: y}}
models: {m: {t: {score: p}}}
tables: {path: tables}
"""
EVERY_KIND: dict[str, Any] = {
    "labels": {
        "outcome": {"column": "result", "values": "classes", "classes": ["home", "draw"]},
        "price": {"column": "price", "values": "number"},
    },
    "tasks": {
        "seen": {"label": "click", "propensity": {"column": "p", "cap": 10.0}},
        "outcome": {"kind": "multiclass", "label": "outcome"},
        "slate": {"kind": "candidates", "label": "click"},
        "revenue": {"kind": "regression", "label": "price"},
    },
    "models": {"other": {"outcome": {"score": ["a", "b"]}, "slate": {"score": "s"}, "revenue": {"score": "r"}}},
    "baselines": {"reference": {"ctr": 0.031, "cvr": "7d"}},
    "joint": {"esmm": {"ctr": 1.0, "ctcvr": 1.0}},
}
MOMENT = 2.0  # seconds of this process, as the machine may be busy


def whole() -> dict[str, Any]:
    """The shipped configuration, with each kind of task."""
    document: Any = read(ROOT / "conf" / "nightly.yaml")
    for section, more in EVERY_KIND.items():
        document[section] |= more
    document["models"]["champion"]["seen"] = {"score": "p", "negatives_rate": 0.1}
    return dict(document)


def places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*place, key))


WHOLE = whole()
PLACES = st.sampled_from(list(places(WHOLE))[1:])
WRONG = st.sampled_from(
    [
        *([], ["binary"], [[1]], [None], [{}], [["country"]], ("a",), {1, 2}, {}, {"a": 1}, {1: 2}, {None: [{}]}),
        *({"product": [["ctr"], "cvr"]}, {"product": {}}, {"column": ["a"]}, {"source": 1}, {"values": [1]}),
        *(0, 1, -1, 2**70, 1.5, float("nan"), float("inf"), True, None, "", "x" * 100_000, "null", "\ud800", "\x00"),
        *(dt.date(2026, 1, 1), dt.datetime(2026, 1, 1), b"x", object()),
    ]
)


def test_the_mutated_configuration_is_valid_at_first() -> None:
    assert set(parse(WHOLE).kinds) == {"binary", "regression", "multiclass", "candidates"}


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(PLACES, WRONG), min_size=1, max_size=3))
@example([(("tasks", "outcome", "kind"), ["binary"])])
@example([(("labels", "outcome", "values"), {"a": 1})])
@example([(("tasks", "ctr", "label"), "x" * 100_000)])
def test_a_wrong_type_anywhere_is_refused_with_its_place(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    document = copy.deepcopy(WHOLE)
    for place, value in changes:
        node = document
        try:
            for key in place[:-1]:
                node = node[key]
            node[place[-1]] = value
        except (TypeError, LookupError, AttributeError):
            continue  # an earlier change has taken the place away
    try:
        parse(document)
    except ConfigurationError as error:
        assert error.exit_code == 2 and error.problems
        assert max(map(len, str(error).splitlines())) < 5_000


def chained(links: int, form: str, reference: str) -> str:
    """A value, and links that each repeat the one before ten times."""
    lines = ["s0: " + form.format("xxxxxxxxxx")]
    lines += [f"s{k}: " + form.format(reference.format(k - 1)) for k in range(1, links)]
    return "\n".join(lines) + "\n"


TEXTS = chained(12, "{}", "${{s{0}}}" * 10)
ALIASES = "s0: &s0 [x]\n" + "".join(f"s{k}: &s{k} [{', '.join([f'*s{k - 1}'] * 10)}]\n" for k in range(1, 40))
BOMBS = {
    "texts": TEXTS,
    "texts, the last one first": "\n".join(reversed(TEXTS.splitlines())),
    "lists": chained(40, "[{}]", ", ".join(["'${{s{0}}}'"] * 10)),
    "a long chain": "\n".join(reversed(chained(5_000, "{}", "${{s{0}}}").splitlines())),
    "thousands of unknown keys": "".join(f"k{k}: {k}\n" for k in range(3_000)),
    "names of names": "s: " + "${" * 50_000 + "a" + "}" * 50_000,
    "many": "a: x\ns: " + "${a}" * 200_000,
    "aliases": ALIASES,
    "an alias of itself": "s: &s [*s]",
    "lists in lists": "s: " + "[" * 100_000 + "]" * 100_000,
    "mappings in mappings": "s: " + "{a: " * 100_000 + "1" + "}" * 100_000,
    "lists in lists, by lines": "s:\n  " + "- " * 100_000 + "1",
    "a list without its end": "s: " + "[" * 100_000,
    "many values": "s: [" + "1," * 400_000 + "1]",
    "a huge file": "#" + "x" * 20_000_000,
    "a huge number": "s: " + "1" * 900_000,
    "a huge number of minutes": "s: " + ":".join(["59"] * 20_000) + ".5",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_never_end_is_refused_in_a_moment(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(SMALL + BOMBS[name] + "\n")
    began = time.process_time()
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    assert time.process_time() - began < MOMENT
    assert [problem.place for problem in caught.value.problems]
    assert len(str(caught.value)) < 60_000


@pytest.mark.parametrize("name", ["lists in lists", "an alias of itself", "many values"])
def test_an_override_is_bounded_as_a_file_is(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(SMALL)
    with pytest.raises(ConfigurationError, match=r"override 'limits\.min_rows="):
        load(file, ["limits.min_rows=" + BOMBS[name].removeprefix("s: ")])
    with pytest.raises(ConfigurationError, match="found 5000 keys"):
        load(file, [".".join("a" * 5_000) + "=1"])
    with pytest.raises(ConfigurationError, match=r"s3: found interpolations that make more than"):
        load(file, [f"s{k}=" + f"${{s{k - 1}}}" * 40 for k in range(1, 9)] + ["s0=" + "x" * 100])


NOT_YAML = [
    (b"a: \xff\n", "a.yaml: found 'utf-8' codec can't decode byte 0xff in position 3"),
    ("a: ä".encode("latin-1"), "a.yaml: found 'utf-8' codec can't decode byte 0xe4"),
    (b"a: \x00", "the file: found unacceptable character #x0000: control characters are not allowed"),
    (b"a: 1\n---\nb: 2\n", "line 2, column 1: found another document, expected YAML"),
    (b"? [a]\n: 1\n", "line 1, column 3: found unhashable key, expected YAML"),
    (b"a: {b: 1, b: 2}", "line 1, column 11: found duplicate key b, expected YAML, each key once"),
    (b"a: ${a.b", "a: found ${ without its }, expected ${oc.env:NAME}, "),
    (b"a: ${oc.create:x}", "a: found '${oc.create:x}', expected ${oc.env:NAME}, "),
    (b"a: ${b}\nb: ${a}", "b: found '${a}', expected a value that does not contain this one"),
    (b"a: ${nowhere.x}", "a: found '${nowhere.x}', expected a key that is there; or "),
    (b"a: ${b}c\nb: [1]", "a: found a list of 1 within a text, expected text or a number"),
]


@pytest.mark.parametrize(("content", "told"), NOT_YAML)
def test_what_is_no_yaml_in_utf_8_is_told_with_its_place(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "a.yaml")
    assert told in str(caught.value.problems[0])


def test_what_an_interpolation_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWS", "7")
    monkeypatch.delenv("NONE", raising=False)
    document = {
        "rows": "${oc.decode:${oc.env:ROWS}}",
        "text": "${oc.env:ROWS}/${oc.env:NONE,x y}/${oc.env:NONE,'a,b'}/${oc.env:NONE,${oc.env:ROWS}}",
        "none": "${oc.env:NONE,null}",
        "whole": "${list}",
        "list": [1, "${.[0]}", "${rows}"],
        "sibling": {"a": "${.b}", "b": "${..list[0]}"},
        "escaped": "\\${rows} }",
    }
    assert resolved(document) == (
        {
            "rows": 7,
            "text": "7/x y/a,b/7",
            "none": None,
            "whole": [1, 1, 7],
            "list": [1, 1, 7],
            "sibling": {"a": 1, "b": 1},
            "escaped": "${rows} }",
        },
        [],
    )


def test_numbers_dates_and_merges_are_read_as_people_mean_them() -> None:
    text = "{a: 1e-15, b: 2026-11-20, c: 1_000, d: &d {x: 1}, e: {<<: *d, x: 2}, f: 1.0e-15, g: '1', h: -2E3}"
    assert plain(text)[0] == {
        **{"a": 1e-15, "b": "2026-11-20", "c": 1000, "d": {"x": 1}, "e": {"x": 2}, "f": 1e-15, "g": "1", "h": -2000.0}
    }


def test_overrides_merge_mappings_and_replace_all_else(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: {b: 1, c: [1, 2]}\nd: null\n")
    assert read(tmp_path / "a.yaml", ["a={b: 2}", "a.c[1]=x", "d.e.f=[3]"]) == {
        "a": {"b": 2, "c": [1, "x"]},
        "d": {"e": {"f": [3]}},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"a": [1]}))
    for override in ("a[1]=2", "a[x]=2", "a.b=2"):
        with pytest.raises(ConfigurationError, match="expected a place that can be set"):
            read(tmp_path / "a.yaml", [override])
