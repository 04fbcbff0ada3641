"""The questions of the cookbook have answers, the same on each engine as on DuckDB, and what tables and logs say."""

import json
import re
import subprocess
import sys
from collections import Counter

import pyarrow as pa
import pytest

from jobs.sql.engines import duck
from jobs.sql.query import answered
from tests.world import asked as world
from tests.world.asked import NOWCAST, OLD, WRONG, YOUNG, stages
from tests.world.child import ROOT
from tests.world.on_sail import made

sys.path.append(str(ROOT / ".ci"))
from cookbook import SOURCE, questions

QUESTIONS = {question.number: question for question in questions(SOURCE.read_text(encoding="utf-8"))}
CHECKS = {}


@pytest.fixture(scope="module")
def asked(spark, tmp_path_factory):
    return made(world.asked, spark, tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def connection():
    with duck.connected() as opened:
        yield opened


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_question_has_the_same_answer_everywhere_and_it_is_right(spark, connection, asked, number):
    ours = answered(spark, asked.settings, QUESTIONS[number].sql)
    theirs = answered(connection, asked.settings, QUESTIONS[number].sql)
    assert theirs.column_names == ours.column_names
    assert theirs.to_pylist() == ours.to_pylist()
    assert ours.num_rows
    CHECKS[number](ours.to_pylist(), asked)


def test_every_question_is_checked():
    assert list(QUESTIONS) == list(CHECKS) == list(range(1, len(QUESTIONS) + 1))
    assert len(QUESTIONS) >= 20


def test_the_page_is_made_of_the_file(tmp_path):
    target = tmp_path / "cookbook.md"
    subprocess.run([sys.executable, ".ci/cookbook.py", str(target)], cwd=ROOT, check=True)
    page = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
    assert target.read_text(encoding="utf-8") == page, "out of date: make docs"
    assert page.count("```sql") == len(QUESTIONS)
    assert "](docs/cookbook.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


README = re.findall(
    r'^lossledger sql conf/nightly\.yaml "(SELECT .+?)"', (ROOT / "README.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize("text", README)
def test_what_the_readme_asks_is_answered(spark, connection, asked, text):
    ours, theirs = (answered(session, asked.settings, text) for session in (spark, connection))
    assert ours.num_rows == theirs.num_rows > 0
    assert ours.column_names == theirs.column_names


def checks(number):
    def kept(check):
        CHECKS[number] = check
        return check

    return kept


def totals(asked, metric, *, final=False):
    """The values of a metric of all rows by day, task and model, at the newest age; or the final ones."""
    found = {}
    for day, age in sorted(asked.runs()):
        for (task, model, text), row in asked.metrics(metric, day, age).items():
            if text == "" and row["value"] is not None and (row["is_final"] or not final):
                found[day, task, model] = round(row["value"], 6)
    return found


def keyed(rows, column):
    return {(row["event_date"], row["task"], row["model"]): row[column] for row in rows}


def near(expected):
    """Exact but for the last of six digits, which may be rounded up or down where a tie is near."""
    return pytest.approx(expected, rel=0, abs=1.1e-6)


@checks(1)
def _(rows, asked):
    found = {
        (row["task"], row["model"], f"country={row['country']},device={row['device']}"): row["normalized_entropy"]
        for row in rows
        if row["task"] == "cvr"
    }
    of_run = asked.metrics("normalized_entropy", asked.days[0], OLD)
    defined = {key: value for key, value in found.items() if value is not None}
    assert defined == near({key: round(of_run[key]["value"], 6) for key in defined})
    assert {of_run[key]["value"] for key in found.keys() - defined.keys()} <= {None}
    assert {row["task"] for row in rows} == {"ctr", "ctr_by_bid", "cvr", "viewability"}


@checks(2)
def _(rows, asked):
    for metric in ("log_loss", "normalized_entropy", "base_rate", "mean_score"):
        assert keyed(rows, metric) == near(totals(asked, metric))
    young = {(row["event_date"], row["is_final"]) for row in rows if row["task"] == "cvr"}
    assert young == {(day, day == asked.days[0]) for day in asked.days}


@checks(3)
def _(rows, asked):
    before, today = (asked.metrics("normalized_entropy", day, YOUNG) for day in asked.days[1:])
    both = [key for key in today if key in before and None not in (today[key]["value"], before[key]["value"])]
    harms = [(today[k]["value"] - before[k]["value"]) * today[k]["weight"] for k in both if today[k]["is_final"]]
    assert [row["harm"] for row in rows] == sorted(harms, reverse=True)[:20]


@checks(4)
def _(rows, asked):
    assert {(row["model"], row["other_model"]) for row in rows} == {("candidate", "champion")}
    known = asked.metrics("log_loss", asked.days[2], YOUNG)
    for row in (row for row in rows if row["event_date"] == asked.days[2]):
        ours, other = (known[row["task"], row[name], row["slice"]]["value"] for name in ("model", "other_model"))
        assert (row["log_loss"], row["other_log_loss"]) == (ours, other)
        assert row["gain"] == (None if None in (ours, other) else (other - ours) / other)


@checks(5)
def _(rows, asked):
    for row in rows:
        metric = asked.metrics("normalized_entropy", row["event_date"], row["age_hours"])
        known = metric[row["task"], row["model"], ""]
        assert (row["normalized_entropy"], row["n"]) == (known["value"], known["n"])
        assert (row["normalized_entropy_low"], row["normalized_entropy_high"]) == (known["ci_low"], known["ci_high"])
    (young,) = {
        (row["is_final"], row["normalized_entropy_nowcast"], row["predicted_over_actual_nowcast"])
        for row in rows
        if (row["task"], row["event_date"]) == ("cvr", asked.days[2])
    }
    assert young == (False, NOWCAST["normalized_entropy"], NOWCAST["predicted_over_actual"])


@checks(6)
def _(rows, asked):
    counted = Counter()
    for row in rows:
        counted[row["event_date"], row["task"], row["model"]] += row["n"]
    scored = {
        (day, task, model): row["n"]
        for day, age in sorted(asked.runs())
        for (task, model, text), row in asked.metrics("log_loss", day, age).items()
        if text == ""
    }
    assert counted == scored
    assert {row["part"] for row in rows} <= set(range(1, 11))
    champion = [
        row for row in rows if (row["task"], row["model"], row["event_date"]) == ("ctr", "champion", asked.days[0])
    ]
    scores = [row["mean_score"] for row in champion]
    assert scores == sorted(scores) and len(scores) == 10
    sizes = [row["n"] for row in champion]
    assert max(sizes) < 1.5 * min(sizes)


@checks(7)
def _(rows, asked):
    for pair in {(row["task"], row["model"]) for row in rows}:
        own = [row for row in rows if (row["task"], row["model"]) == pair]
        assert sum(row["share_of_weight"] for row in own) == pytest.approx(1.0, abs=1e-4)
        assert sum(row["share_of_loss"] for row in own) == pytest.approx(1.0, abs=1e-4)
    n = sum(row["n"] for row in rows if (row["task"], row["model"]) == ("ctr", "champion"))
    assert n == sum(day.n["ctr / champion"] for day in asked.truths.days)


@checks(8)
def _(rows, asked):
    of_champion = [row for row in rows if (row["task"], row["model"]) == ("ctr", "champion")]
    assert f"country={of_champion[0]['country']},device={of_champion[0]['device']}" == WRONG
    assert all(row["too_many"] == near(row["expected"] - row["positives"]) for row in rows)
    assert [row["too_many"] for row in rows] == sorted((row["too_many"] for row in rows), reverse=True)


@checks(9)
def _(rows, asked):
    first = {key: value for key, value in totals(asked, "log_loss").items() if key[0] == asked.days[0]}
    found = {key: value for key, value in keyed(rows, "log_loss").items() if key[0] == asked.days[0]}
    assert found == near(first)
    last = [row for row in rows if row["event_date"] == asked.days[2] and row["task"] == "ctr"]
    expected = {model: sum(day.n[f"ctr / {model}"] for day in asked.truths.days) for model in ("champion", "candidate")}
    assert {row["model"]: row["n"] for row in last} == expected
    assert {row["days"] for row in last} == {3}


@checks(10)
def _(rows, asked):
    found = {(row["event_date"], row["age_hours"]): row for row in rows}
    assert found.keys() == asked.runs().keys()
    failed = Counter((r["event_date"], r["age_hours"]) for r in asked.rows("gate_results") if r["fails"])
    assert {key: row["gates_failed"] for key, row in found.items()} == {key: failed[key] for key in found}
    assert found[asked.days[2], YOUNG]["status"] == "red"
    assert rows[0]["event_date"] == asked.days[2]


@checks(11)
def _(rows, asked):
    assert {(row["state"], row["in_doubt"], row["ties_out"]) for row in rows} == {("done", False, True)}
    by_day = {day.date: day.rows for day in asked.truths.days}
    for row in rows:
        expected = by_day[str(row["event_date"])]
        names = ("read", "outside", "rejected", "duplicate", "scored")
        assert {name: row[f"rows_{name}"] for name in names} == {name: expected[name] for name in names}


@checks(12)
def _(rows, asked):
    second = asked.days[1]
    assert rows == [{"age_hours": OLD, "first_day": second, "last_day": second}]


@checks(13)
def _(rows, asked):
    wrong = [row for row in rows if (row["country"], row["device"]) == ("BR", "android")]
    assert (wrong[0]["event_date"], wrong[0]["verdict"], wrong[0]["fails"]) == (asked.days[2], "failed", True)
    assert "passed" not in {row["verdict"] for row in rows}
    assert all(row["sentence"] for row in rows)


@checks(14)
def _(rows, asked):
    now = [row for row in rows if row["difference"] is not None and row["within"] is not None]
    assert {row["event_date"] for row in now} == {*asked.days[1:]}
    for row in now:
        assert row["within"] + row["mix"] + row["interaction"] == pytest.approx(row["difference"], abs=1e-12)
    for row in rows:
        value = asked.metrics("base_rate", row["event_date"], YOUNG)
        assert row["event_date"] == asked.days[0] or row["base_rate"] == value[row["task"], row["model"], ""]["value"]


@checks(15)
def _(rows, asked):
    keys = ("source", "task", "model", "reason")
    for day, age in asked.runs():
        found = {
            tuple(row[key] for key in keys): row["stored_rows"]
            for row in rows
            if (row["event_date"], row["age_hours"]) == (day, age)
        }
        (truth,) = [each for each in asked.truths.days if each.date == str(day)]
        planted = {tuple(row[key] for key in keys): row["rows"] for row in truth.reasons}
        # Of those conversions that a young night does not know, some are bad.
        early = [key for key in planted if key[0] == "conversion" and age == YOUNG]
        assert {key: n for key, n in found.items() if key not in early} == {
            key: n for key, n in planted.items() if key not in early
        }


@checks(16)
def _(rows, asked):
    assert all(row["rejected_share"] == near(row["rows_rejected"] / row["rows_read"]) for row in rows)
    young = [row for row in rows if row["age_hours"] == YOUNG]
    rejected, read = (sum(row[f"rows_{name}"] for row in young[1:]) for name in ("rejected", "read"))
    assert young[0]["on_other_days"] == near(rejected / read)


@checks(17)
def _(rows, asked):
    for row in rows:
        events = json.loads(row["label_events"])["click"]
        assert (row["inside"], row["before"], row["after"]) == (events["inside"], events["before"], events["after"])
        assert row["orphans"] == events["orphan"]
        assert events["inside"] > 0


@checks(18)
def _(rows, asked):
    arrived = {(r["label"], r["event_date"], r["age_hours"], r["slice"]): r for r in asked.rows("label_arrival")}
    for row in rows:
        known = arrived[row["label"], row["event_date"], row["age_hours"], row["slice"]]
        assert (row["positives"], row["verdict"]) == (known["positives"], known["verdict"])
    assert {row["label"] for row in rows if row["slice"] == ""} == {"click", "conversion"}


@checks(19)
def _(rows, asked):
    arrived = {(r["label"], r["event_date"], r["age_hours"], r["slice"]): r for r in asked.rows("label_arrival")}
    for row in rows:
        known = arrived[row["label"], row["event_date"], row["age_hours"], f"country={row['country']}"]
        assert (row["positives"], row["share"], row["reason"]) == (known["positives"], known["share"], known["reason"])
    assert {row["country"] for row in rows} == {r["country"] for r in asked.rows("statistics")}
    assert {row["label"] for row in rows} == {"click", "conversion"}


@checks(20)
def _(rows, asked):
    last = [row for row in rows if (row["event_date"], row["task"], row["model"]) == (asked.days[2], "ctr", "champion")]
    assert last[0]["place"] == 1
    assert (WRONG, asked.days[2]) in {(row["slice"], row["first_bad_day"]) for row in last}
    assert [row["harm"] for row in last] == sorted((row["harm"] for row in last), reverse=True)


@checks(21)
def _(rows, asked):
    found = {(row["event_date"], row["model"], row["country"], row["device"], row["first_bad_day"]) for row in rows}
    assert (asked.days[2], "champion", "BR", "android", asked.days[2]) in found
    assert None not in {row["first_bad_day"] for row in rows}


@checks(22)
def _(rows, asked):
    assert {row["country"] for row in rows} == {r["country"] for r in asked.rows("statistics")}
    assert all(row["difference"] is None or row["difference"] == row["now"] - row["before"] for row in rows)


@checks(23)
def _(rows, asked):
    (wrong,) = [
        row
        for row in rows
        if (row["event_date"], row["task"], row["model"], row["country"], row["device"])
        == (asked.days[2], "ctr", "champion", "BR", "android")
    ]
    assert wrong["ci_low"] > 1.25
    assert sum(row["country"] is None and row["device"] is None for row in rows) > 0


@checks(24)
def _(rows, asked):
    told = {"worse": lambda row: row["ci_low"] > 0, "better": lambda row: row["ci_high"] < 0}
    for row in rows:
        if row["candidate_is"] in told:
            assert told[row["candidate_is"]](row)
    total = [row for row in rows if row["task"] == "ctr" and row["slice"] == ""]
    assert {row["candidate_is"] for row in total} == {"better"}


@checks(25)
def _(rows, asked):
    known = {
        (r["event_date"], r["age_hours"], r["task"], r["metric"]): r
        for r in asked.rows("comparisons")
        if not r["slice"]
    }
    for row in rows:
        age = OLD if row["event_date"] == asked.days[0] else YOUNG
        assert row["running_value"] == known[row["event_date"], age, row["task"], row["metric"]]["running_value"]
    assert {row["running_since"] for row in rows if row["event_date"] == asked.days[2]} == {asked.days[0]}


@checks(26)
def _(rows, asked):
    for row in rows:
        every = row["n"] + row["only_candidate"] + row["only_baseline"]
        assert row["share_lost"] == (None if not every else near(row["only_baseline"] / every))
    assert sum(row["only_baseline"] for row in rows) > 0


@checks(27)
def _(rows, asked):
    newest = {(day, max(age for of, age in asked.runs() if of == day)) for day in asked.days}
    assert {(row["event_date"], row["age_hours"]) for row in rows} >= newest
    runs = {row["run_id"]: row for row in asked.runs().values()}
    for row in rows:
        known = runs[row["run_id"]]
        assert (row["code_hash"], row["config_hash"]) == (known["code_hash"], known["config_hash"])
        assert json.loads(row["inputs"]).keys() == {"impressions", "labels.click", "labels.conversion"}


@checks(28)
def _(rows, asked):
    runs = {row["run_id"]: stages(row) for row in asked.runs().values()}
    assert len(rows) == len(runs)
    for row in rows:
        seconds = runs[row["run_id"]]
        assert all(row[name] == seconds[name] for name in ("label", "summarise", "finish", "judge"))
        assert row["rows_per_second"] > 0


@checks(29)
def _(rows, asked):
    assert {row["agrees"] for row in rows} == {True}
    assert {key: round(value, 6) for key, value in keyed(rows, "published").items()} == near(totals(asked, "log_loss"))


@checks(30)
def _(rows, asked):
    assert {row["agrees"] for row in rows} == {True}
    assert len(rows) == len(asked.runs()) * 8
    assert pa.array([row["n"] for row in rows]).null_count == 0
