"""What is secret is told nobody: not by errors, not by tables, not by alerts; and data steers no terminal."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from jobs.engines import connect, failures
from jobs.errors import ConfigurationError, ContractError, Problem
from jobs.safe_text import printable_lines, redacted
from jobs.settings import load
from tests.world import child
from tests.world.night import DAY, document, parquet, saved

SECRET = "hunter2"
HOSTILE = "DE\x1b[2J\x9b31m\u202e\r[red]<script>"
ADDRESS = f"https://ann:{SECRET}@logs.example/day"


def refused(file: Path, *overrides: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(file, overrides)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (f"impressions.source.path={ADDRESS}", "impressions.source.path: found an address with a password or a token"),
        (f"tables.path=s3a://key:{SECRET}@tables", "tables.path: found an address with a password or a token"),
        (f"tables.path=wasbs://c@a.example/t?sv=1&sig={SECRET}", "tables.path: found an address with a password"),
        (f"impressions.source.options={{fs.s3a.secret.key: {SECRET}}}", "found an option that looks like a secret"),
        (f"alerts={{webhook: 'https://hooks.example/{SECRET}'}}", "alerts.webhook: found another text"),
        ("shards={salt: '${oc.env:DATABASE_PASSWORD}'}", "shards.salt: found a variable that looks like a secret"),
        ("shards={salt: '${x:${oc.env:TEAM_WEBHOOK}}'}", "shards.salt: found a variable that looks like a secret"),
        (f"tasks.ctr.kind='{ADDRESS}'", "tasks.ctr.kind: found an address with a password or a token"),
        (f"limits.values={{'{ADDRESS}': 1}}", 'limits.values["a key"]: found an address with a password or a token'),
        (f"tables.path.[=[{SECRET}", "override 'tables.path.[=…'"),
        (f"labels.click.values={'x' * 70}{ADDRESS}", "labels.click.values: found an address"),
    ],
)
def test_a_secret_in_the_configuration_is_refused_and_not_quoted(
    override: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", SECRET)
    monkeypatch.setenv("TEAM_WEBHOOK", f"https://hooks.example/{SECRET}")
    said = refused(saved(document(tmp_path), tmp_path / "a.yaml"), override)
    assert told in said
    assert SECRET not in said


def test_an_engines_message_is_told_without_secrets_and_without_control() -> None:
    error = RuntimeError(f"cannot open {ADDRESS}: {HOSTILE}")
    for said in (failures.told(error, whole=True), failures.told(error, whole=False), failures.stack(error)):
        assert SECRET not in said
        assert all(line.isprintable() for line in said.split("\n"))
    wrong = ContractError(f"at {ADDRESS}", [Problem(ADDRESS, HOSTILE, "nothing")])
    wrong.add_note(f"of {HOSTILE}")
    said = failures.told(wrong, whole=True)
    assert SECRET not in said and len(said.split("\n")) == 2
    assert all(line.isprintable() for line in said.split("\n"))


def test_the_address_of_a_server_is_told_without_its_token() -> None:
    address = f"sc://127.0.0.1:1/;token={SECRET};use_ssl=x;user_id=a"
    with pytest.raises(Exception) as caught:
        connect.opened(address, {})
    assert SECRET not in failures.told(caught.value, whole=True)


def test_redaction_ends_soon_and_leaves_the_rest() -> None:
    for long in ("://" + ":" * 200_000, "?" + "key" * 70_000, "?key=" * 50_000, "://a:" * 50_000):
        assert len(redacted(long)) < 600_000
    plain = "country=DE, key=a: s3a://logs/a@b/c:d abfss://logs@account.example/x 12:30 ?day=1"
    assert redacted(plain) == printable_lines(plain) == plain


def everything(folder: Path) -> str:
    """All that lies in a folder: files as they are, and tables as they read."""
    files = [path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()]
    tables = {path.parent for path in folder.rglob("_delta_log")}
    return "\n".join([*files, *(str(DeltaTable(path).to_pyarrow_table().to_pylist()) for path in tables)])


def test_a_night_writes_no_secret_anywhere_and_data_steers_no_terminal(tmp_path: Path) -> None:
    ids = np.arange(600)
    rows = pa.table(
        {
            "click": pa.array((ids % 4 == 0).astype("int64")),
            "p": pa.array((ids % 19 + 1) / 21),
            "country": pa.array([(HOSTILE, "FR")[i % 2] for i in ids]),
        }
    )
    parquet(tmp_path / "impressions", rows)
    sections = {"dimensions": ["country"], "slices": [[], ["country"]], "alerts": {"webhook": "TEAM_WEBHOOK"}}
    file = saved(document(tmp_path, **sections), tmp_path / "a.yaml")
    secrets = {
        "TEAM_WEBHOOK": f"http://ann:{SECRET}@127.0.0.1:9/{SECRET}",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "LOSSLEDGER_ROOTS": str(tmp_path),
    }
    options = ("--date", DAY.isoformat(), "--engine", "sail")
    good = child.ended(*child.COMMAND, "run", file, *options, **secrets)
    assert good.code == 0, good.err
    bad = child.ended(*child.COMMAND, "run", file, *options, "--set", "models.m.ctr.score=nothing", **secrets)
    assert bad.code == 2, bad.err
    assert "address 1 in TEAM_WEBHOOK did not take the alert" in bad.err
    query = "SELECT DISTINCT country FROM ledger ORDER BY country"
    asked = child.ended(*child.COMMAND, "sql", file, query, "--json", **secrets)
    assert [row["country"] for row in asked.told] == [HOSTILE, "FR"]
    shown = child.ended(*child.COMMAND, "sql", file, query, **secrets)
    for each in (good, bad, asked, shown):
        assert SECRET not in each.out + each.err
        assert all(line.isprintable() for line in (each.out + each.err).split("\n"))
    assert r"DE\x1b[2J\x9b31m\u202e\r[red]<script>" in good.out and r"\x1b[2J" in shown.out
    written = everything(tmp_path)
    assert "run_id" in written and SECRET not in written
    elsewhere = child.ended(*child.COMMAND, "run", file, *options, **(secrets | {"LOSSLEDGER_ROOTS": "/data s3a://x"}))
    assert elsewhere.code == 2
    # What was found is cut where it is long, as a temporary folder may be.
    assert "tables.path: found '/" in elsewhere.err
    assert ", expected a path under one of /data, s3a://x" in elsewhere.err
