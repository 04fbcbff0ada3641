"""Configurations that somebody wrote who means harm: of a small grammar, the same for a number."""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml

NAMES: Final = (
    *(
        "../../etc",
        "a'; DROP TABLE statistics; --",
        "x` = x OR `y",
        "${oc.env:HOME}",
        "a\x1b[2Jb",
        "\u202egnp.exe",
        "a\nb",
    ),
    *(
        "<script>alert(1)</script>",
        '=HYPERLINK("http://x")',
        "__class__",
        "__reduce__",
        "{0.__class__}",
        "%(x)s",
        "\x00",
        "",
    ),
    *(
        "x" * 5_000,
        "naïve",
        "ＣＴＲ",
        "con",
        "NULL",
        "~",
        "🏁" * 50,
        "\ud800",
        "ctr",
        "champion",
        "country",
        "🖕\u200d",
    ),
)
PATHS: Final = (
    *("s3a://logs/clicks/*", "deeper/impressions", "s3a://logs/../others", "s3a://logs-of-others/x", "a//b", "x.csv"),
    *("file:///etc/passwd", "/etc/shadow", "../../../../etc"),
    *("~root/.ssh/id_rsa", "/proc/self/environ", "/dev/zero", "/dev/stdin"),
    *("http://169.254.169.254/latest", "https://ann:hunter2@example.com/x"),
    *("s3a://key:hunter2@bucket/x", "hdfs://[::1", "//host/share"),
    *("/tmp/{a,../../etc}/*", "/**/*", "[a-", "jar:file:/x!/y", "data:text/csv,a"),
    *("file://host/../etc", "file:%2e%2e/x", "s3a://b/%2e%2e/x"),
    *("/tmp/\x00x", "parquet.`/etc`", "delta.`/tmp/x`", "$(touch OWNED)"),
    *("`touch OWNED`", "|touch OWNED", "a b;touch OWNED"),
)  # fmt: skip
NUMBERS: Final = (
    *(
        "1e999",
        "-1e999",
        ".nan",
        ".inf",
        "-.inf",
        "1" * 400,
        "0x" + "f" * 300,
        "0b1",
        "0o17",
        "1_000",
        "190:20:30",
        "-0",
        "1e-400",
    ),
    *("9223372036854775808", "1.5", "0", "-1", "true", "~", "2026-02-30", "99999999999d", "-1h", "1h30m", "0.0000001d"),
)
TAGS: Final = (
    *("!!python/object/apply:os.system ['touch OWNED']"),
    *("!!python/object:os.stat_result {}", "!!python/name:os.system ''"),
    *("!!python/module:os ''", "!!python/object/new:subprocess.Popen [[touch, OWNED]]"),
    *("!<tag:yaml.org,2002:python/tuple> [1]"),
    *("!!binary AAAA", "!!set {a, b}", "!!omap [a: 1]", "!include /etc/passwd"),
    *("!ENV ${HOME}", "!!int x", "!!float {}", "!!timestamp x"),
    *("!!python/object/apply:eval [\"open('OWNED','w')\"]"),
    *("!!null x", "!!str [1]", "!!merge x", "! x", "!!pairs [a: 1]"),
)  # fmt: skip
REFERENCES: Final = (
    *("${oc.env:AWS_SECRET_ACCESS_KEY}", "${oc.env:LOSSLEDGER_WEBHOOK,x}"),
    *("${oc.env:HOME}", "${oc.env:NO,${oc.env:PATH}}"),
    *("${oc.decode:!!python/name:os.system x}", "${oc.decode:${oc.decode:'[1'}}"),
    *("${oc.decode:'*a'}", "${.}", "${..}", "${models}"),
    *("${tables.path}${tables.path}", "${evaluation", "}", "\\${x}"),
    *("${oc.create:x}", "${oc.env:}", "${}", "${a.b[0].c}", "???"),
)  # fmt: skip
EXPANDING: Final = (
    "x0: &x0 [a]\n" + "".join(f"x{k}: &x{k} [{', '.join([f'*x{k - 1}'] * 9)}]\n" for k in range(1, 12)),
    "y0: aaaaaaaaaa\n" + "".join(f'y{k}: "{f"${{y{k - 1}}}" * 9}"\n' for k in range(1, 12)),
    "z: &z {<<: *z}\n",
    "z: &z {a: 1}\nzz: {<<: [*z, *z], <<: *z}\n",
    "d: " + "[" * 3_000 + "]" * 3_000 + "\n",
    "d: " + "{a: " * 3_000 + "}" * 3_000 + "\n",
    "".join(f"k{k}: {k}\n" for k in range(2_000)),
    "--- 1\n--- 2\n",
    "%YAML 9.9\n---\n",
    "%TAG ! tag:yaml.org,2002:python/object/apply:\n---\nx: !os.system [touch OWNED]\n",
    "? [a]\n: b\n",
    "\t- x\n",
    "&a *a\n",
)
Text = Callable[[random.Random], str]


def _quoted(texts: tuple[str, ...]) -> Text:
    def one(chance: random.Random) -> str:
        text = chance.choice(texts)
        escaped = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else _code(c) for c in text)
        return f'"{escaped}"' if chance.random() < 0.8 else text

    return one


def _code(c: str) -> str:
    return f"\\U{ord(c):08x}"


def _plain(texts: tuple[str, ...]) -> Text:
    return lambda chance: chance.choice(texts)


def _nested(chance: random.Random) -> str:
    inner = value(chance)
    return chance.choice(
        (f"[{inner}]", f"{{{chance.choice(('path', 'x', '<<', 'source'))}: {inner}}}", f"[{inner}, {inner}]")
    )


VALUES: Final[tuple[Text, ...]] = (
    *(_quoted(NAMES), _quoted(PATHS), _quoted(REFERENCES)),
    *(_plain(NUMBERS), _plain(TAGS), _nested),
)


def value(chance: random.Random) -> str:
    """One hostile value as the text of YAML."""
    return chance.choice(VALUES)(chance)


def texts(document: dict[str, Any], seed: int, count: int) -> Iterator[bytes]:
    """So many files: a valid configuration of which one to three things are not, at any place; some are no text."""
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        yield _one(document, chance)


def _one(document: dict[str, Any], chance: random.Random) -> bytes:
    changed: Any = document
    marks = [f"MARK{k}" for k in range(chance.choice((1, 1, 1, 2, 3)))]
    for mark in marks:
        changed = _with(changed, mark, chance)
    text = yaml.safe_dump(changed, sort_keys=False, allow_unicode=True, width=10_000)
    for mark in marks:
        # Where a text was, most often another text is, which may well be a valid one.
        text = text.replace(f"{mark}TEXT", chance.choice(VALUES[:2])(chance)).replace(mark, value(chance))
    if chance.random() < 0.1:
        text = chance.choice((text + chance.choice(EXPANDING), chance.choice(EXPANDING) + text))
    raw = text.encode("utf-8", "surrogatepass")
    return _damaged(raw, chance) if chance.random() < 0.1 else raw


def _with(node: Any, mark: str, chance: random.Random) -> Any:
    """A copy with a mark at a place that chance finds: for a value, for a key, or beside the others."""
    if isinstance(node, dict) and node and chance.random() < 0.9:
        key = chance.choice(list(node))
        if chance.random() < 0.08:
            return {(mark if each == key else each): child for each, child in node.items()}
        if chance.random() < 0.05:
            return {**node, mark: 1}
        return {**node, key: _with(node[key], mark, chance)}
    if isinstance(node, list) and node and chance.random() < 0.8:
        rank = chance.randrange(len(node))
        return [*node[:rank], _with(node[rank], mark, chance), *node[rank + 1 :]]
    return f"{mark}TEXT" if isinstance(node, str) and chance.random() < 0.8 else mark


def _damaged(raw: bytes, chance: random.Random) -> bytes:
    """Some bytes lost, turned or repeated."""
    at, length = chance.randrange(len(raw)), chance.randrange(1, 200)
    other = bytes(chance.randrange(256) for _ in range(chance.randrange(8)))
    return chance.choice(
        (raw[:at], raw[:at] + other + raw[at + length :], raw[:at] + raw[at : at + length] * 20 + raw[at:])
    )
