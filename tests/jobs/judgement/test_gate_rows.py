"""The gates of a whole night: every slice that is asked for, the table, the exit code, and judging the day again."""

import numpy as np
import pytest

from jobs.judgement import gate_rows
from jobs.judgement.gate_rows import Evidence
from jobs.settings import parse
from tests.jobs.judgement import day
from tests.world import child, days
from tests.world.night import document

ROWS = 20_000


@pytest.fixture(scope="module")
def rows():
    """Many users in ten shards and more; of one country the model predicts twice too much."""
    draws = np.random.default_rng(7)
    country = np.where(draws.random(ROWS) < 0.3, "FR", "DE")
    p = draws.uniform(0.05, 0.35, ROWS)
    clicked = draws.random(ROWS) < np.where(country == "FR", p / 2.0, p)
    shard = draws.integers(0, 32, ROWS)
    return {"click": clicked.astype(float), "p": p, "country": country, "shard": shard}


def judged(tmp_path, rows, quiet=None, **gates):
    settings = parse(document(tmp_path, dimensions=["country"], slices=[[], ["country"]], gates=gates))
    tables = day.tables(settings, rows)
    found = gate_rows.results(settings, Evidence.of(tables, settings, quiet))
    return {(result.gate, result.slice): result for result in found}


HONEST = {"task": "ctr", "model": "m", "metric": "predicted_over_actual", "within": [0.8, 1.25]}


def test_a_gate_is_judged_in_every_slice_that_it_asks_for(tmp_path, rows):
    found = judged(tmp_path, rows, honest={**HONEST, "slices": [[], ["country"]]})
    verdicts = {text: (result.judged.verdict, result.fails) for (_, text), result in found.items()}
    assert verdicts == {
        "": ("passed", False),
        "country=DE": ("passed", False),
        "country=FR": ("failed", True),
    }


def test_what_is_undecided_or_not_judged_fails_where_the_gate_says_so(tmp_path, rows):
    narrow = {**HONEST, "within": [1.14, 1.18]}
    found = judged(tmp_path, rows, allowed=narrow, strict={**narrow, "undecided": "fail"})
    assert [(r.judged.verdict, r.fails) for r in found.values()] == [("undecided", False), ("undecided", True)]
    late = judged(tmp_path, rows, "labels are late", allowed=HONEST, strict={**HONEST, "not_judged": "fail"})
    assert [(r.judged.verdict, r.fails) for r in late.values()] == [("not_judged", False), ("not_judged", True)]


def test_a_gate_of_rows_needs_no_metric(tmp_path, rows):
    found = judged(tmp_path, rows, enough={"task": "ctr", "model": "m", "rows": ROWS, "slices": [[], ["country"]]})
    assert [result.judged.verdict for result in found.values()] == ["passed", "failed", "failed"]


def test_a_night_whose_gate_fails_is_exit_1_with_all_numbers_written(tmp_path):
    small = days.small_day(tmp_path)
    task, model = next((task, model) for model, scores in small["models"].items() for task in scores)
    of = {"task": task, "model": model}
    gates = {"many": {**of, "rows": 10**9}, "some": {**of, "rows": 1}}
    alerts = {"file": str(tmp_path / "alerts.jsonl"), "nights": 1, "of_last": 1}
    config = days.saved({**small, "gates": gates, "alerts": alerts}, tmp_path / "gated.yaml")
    run = child.ended(*child.COMMAND, "run", config, "--date", days.DAY, "--engine", "sail", "--json")
    assert (run.code, run.told["exit_code"]) == (1, 1)
    verdicts = {row["gate"]: row["verdict"] for row in run.told["gates"]}
    assert verdicts == {"many": "failed", "some": "passed"}
    assert "gate many fails (tonight)" in (tmp_path / "alerts.jsonl").read_text(encoding="utf-8")
    again = child.ended(*child.COMMAND, "gate", config, "--date", days.DAY, "--json")
    assert (again.code, again.told) == (1, {"exit_code": 1, "gates": run.told["gates"]})
    nowhere = child.ended(*child.COMMAND, "gate", config, "--date", "2020-01-01", "--json")
    assert (nowhere.code, "no row of 2020-01-01" in nowhere.told["error"]) == (2, True)
