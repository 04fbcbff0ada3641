"""`docs/airflow.md` names the tasks and the Variables of the DAG, every one and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")
DAG = (ROOT / "dags" / "lossledger_nightly.py").read_text(encoding="utf-8")


def test_every_task_has_its_row_and_the_command_that_it_runs() -> None:
    verbs = dict(re.findall(r'class (\w+)\([^)]*\):(?:(?!\nclass ).)*?\n    verb = "(\w+)"', DAG, re.DOTALL))
    tasks = {task: verbs[kind] for kind, task in re.findall(r'(\w+)\(task_id="(\w+)"', DAG)}
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)[^`]*` \|", PAGE, re.MULTILINE))
    assert rows == tasks
    assert len(rows) == 6


def test_every_variable_is_told_and_none_that_there_is_not() -> None:
    read = set(re.findall(r'Variable\.get\(f?"(lossledger_[\w{}.]+)"', DAG))
    verbs = set(re.findall(r'^    verb = "(\w+)"', DAG, re.MULTILINE))
    expected = read - {"lossledger_{self.verb}"} | {f"lossledger_{verb}" for verb in verbs}
    section = PAGE.split("| Variable | what |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(lossledger_\w+)`", section)) == expected
