"""Shards, slices, models, tasks and bins that come and go: what days on both sides say of each other."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.errors import ContractError
from jobs.judgement.nights import compared_again
from jobs.judgement.slices.ledger import Ledger
from jobs.judgement.worst import Asked, worst_of
from jobs.settings import parse
from jobs.sql.query import answered
from tests.world import duck_db, evolving
from tests.world.evolving import DAYS, NEW, OLD, configured, continued
from tests.world.night import table

SAIL = pytest.mark.only_engine("sail")
ROWS = ["task", "model", "slice", "metric", "against"]
VALUES = ["before", "now", "difference", "within", "mix", "interaction", "harm", "n", "weight", "reason"]
INTERVAL = ["ci_low", "ci_high", "stderr", "p", "ci_reason"]
RUNNING = ["task", "slice", "metric", "running_value", "running_low", "running_high", "running_since"]


@pytest.fixture(scope="module")
def first(spark, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("evolving")
    evolving.written(folder)
    evolving.evaluated(spark, folder, OLD)
    return folder


@pytest.fixture(scope="module")
def went_on(spark, first, tmp_path_factory):
    """The tables of the first two days, and the last two by other sections; each is made once."""
    made = {}

    def of(**sections):
        key = repr(sections)
        if key not in made:
            folder = tmp_path_factory.mktemp("on")
            outcomes = continued(spark, first, folder, **sections)
            made[key] = {**configured(first, NEW[-1], folder / "tables", **sections)}, outcomes
        return made[key]

    return of


@pytest.fixture(scope="module")
def always(spark, first, tmp_path_factory):
    """All four days by the sections; each is made once."""
    made = {}

    def of(**sections):
        key = repr(sections)
        if key not in made:
            tables = tmp_path_factory.mktemp("always") / "tables"
            for day in DAYS:
                evolving.nightly.evaluate(spark, parse(configured(first, day, tables, **sections)), day)
            made[key] = configured(first, NEW[-1], tables, **sections)
        return made[key]

    return of


def listed(config, name: str, day: date, columns: list[str]) -> pa.Table:
    rows = table(config, name, day).select(columns)
    keys = [column for column in columns if column in (*ROWS, "running_since")]
    return rows.sort_by([(key, "ascending") for key in keys])


@SAIL
@pytest.mark.parametrize(
    ("count", "common"), [(16, {"shards": {"count": 16}}), (64, {}), (48, {"shards": {"count": 16}})]
)
def test_days_of_other_shards_pair_by_those_in_common(went_on, always, count, common):
    """Bit for bit as if all days had had so many shards."""
    config, outcomes = went_on(shards={"count": count})
    expected = always(**common)
    assert table(config, "shard_statistics", OLD[0]) == table(always(), "shard_statistics", OLD[0])
    assert listed(config, "changes", NEW[0], ROWS + VALUES + INTERVAL) == listed(
        expected, "changes", NEW[0], ROWS + VALUES + INTERVAL
    )
    for day in NEW:
        found = listed(config, "comparisons", day, RUNNING)
        assert found == listed(expected, "comparisons", day, RUNNING)
        assert set(found.filter(pc.equal(found["metric"], "log_loss"))["running_since"].to_pylist()) == {OLD[0]}
    if count == 16:
        for name in ("metrics", "gate_results"):
            assert table(config, name, NEW[1]) == table(expected, name, NEW[1])
    (told,) = (warning for warning in outcomes[NEW[0]].warnings if warning.startswith("shards"))
    assert told.startswith(f"shards are now {count}, on earlier days 32:")
    assert not any(warning.startswith("shards") for warning in outcomes[NEW[1]].warnings)


@SAIL
@pytest.mark.parametrize("shards", [{"count": 24}, {"count": 32, "salt": "anew"}])
def test_days_of_shards_with_too_few_in_common_have_values_and_no_interval(went_on, always, shards):
    config, _ = went_on(shards=shards)
    usual = listed(always(), "changes", NEW[0], ROWS + VALUES)
    assert listed(config, "changes", NEW[0], ROWS + VALUES) == usual
    rows = table(config, "changes", NEW[0]).to_pylist()
    assert {row["ci_reason"] for row in rows} == {"other_shards"}
    assert {row[name] for row in rows for name in ("ci_low", "ci_high", "stderr", "p", "p_adjusted")} == {None}
    # The day after has a day of its own shards before it.
    since = [(row["against"], row["ci_reason"]) for row in table(config, "changes", NEW[1]).to_pylist()]
    assert set(since) == {("1d", None), ("2d", "other_shards")}
    found = listed(config, "comparisons", NEW[1], RUNNING)
    assert set(found.filter(pc.equal(found["metric"], "log_loss"))["running_since"].to_pylist()) == {NEW[0]}
    (steady,) = table(config, "gate_results", NEW[0]).to_pylist()
    assert steady["verdict"] == "not_judged"
    assert "other_shards" in steady["sentence"]


@SAIL
@pytest.mark.parametrize("shards", [{"count": 16}, {"count": 64}, {"count": 24}])
def test_a_day_of_other_shards_is_judged_again_as_it_was(spark, went_on, always, shards):
    config, _ = went_on(shards=shards)
    settings, usual = parse(config), parse(always())
    shown = ["task", "slice", "metric", "difference", "ci_low", "ci_high", *RUNNING[3:]]
    for day in OLD:
        again = compared_again(spark, settings, day, 0).select(shown).to_pylist()
        written = table(config, "comparisons", day).select(shown).to_pylist()
        assert sorted(again, key=str) == sorted(written, key=str)
        of_day = [
            worst_of(Ledger(spark, each, day, 0), Asked(calibration=True, models=None)) for each in (settings, usual)
        ]
        assert of_day[0] == of_day[1]
    between = worst_of(Ledger(spark, settings, NEW[0], 0), Asked())
    assert [row["judged"] for row in between] == [
        row["judged"] for row in worst_of(Ledger(spark, usual, NEW[0], 0), Asked())
    ]


@SAIL
def test_a_day_is_run_again_by_other_shards(spark, first, went_on, tmp_path):
    """Its runs noted both: those of its rows count."""
    evolving.shutil.copytree(first / "tables", tmp_path / "tables")
    config = configured(first, OLD[1], tmp_path / "tables", shards={"count": 24})
    evolving.nightly.evaluate(spark, parse(config), OLD[1])
    evolving.nightly.evaluate(spark, parse(configured(first, OLD[1], tmp_path / "tables")), OLD[1])
    evolving.nightly.evaluate(spark, parse(configured(first, NEW[0], tmp_path / "tables")), NEW[0])
    usual, _ = went_on()
    now = configured(first, NEW[0], tmp_path / "tables")
    for name in ("changes", "comparisons"):
        assert table(now, name, NEW[0]) == table(usual, name, NEW[0])


SLICES = [[], ["country"], ["country", "device"]]


@SAIL
def test_a_slice_that_is_declared_later_is_made_of_the_cells_of_days_before(went_on, always):
    sections = {"slices": [*SLICES, ["device"]]}
    config, outcomes = went_on(**sections)
    expected = always(**sections)
    assert listed(config, "changes", NEW[0], ROWS + VALUES) == listed(expected, "changes", NEW[0], ROWS + VALUES)
    rows = table(config, "changes", NEW[0]).to_pylist()
    reasons = {(row["slice"].startswith("device="), row["ci_reason"]) for row in rows}
    assert reasons == {(True, "cells_not_by_shard"), (False, None)}
    assert all(
        row["ci_low"] is None and row["p_adjusted"] is None for row in rows if row["slice"].startswith("device=")
    )
    assert {row["ci_reason"] for row in table(config, "changes", NEW[1]).to_pylist() if row["against"] == "1d"} == {
        None
    }
    (told,) = (warning for warning in outcomes[NEW[0]].warnings if warning.startswith("new: "))
    assert told.startswith(
        "new: slices by device; not recorded on 2 earlier days (2026-03-18 to 2026-03-19). To record"
    )


@SAIL
def test_a_slice_that_is_no_longer_declared_is_held_against_nothing(went_on, always):
    config, _ = went_on(slices=[[]], bins={"slices": []})
    rows = table(config, "changes", NEW[0])
    assert set(rows["slice"].to_pylist()) == {""}
    usual = table(always(), "changes", NEW[0])
    shown = [*ROWS, *VALUES, *INTERVAL]
    assert rows.select(shown) == usual.filter(pc.equal(usual["slice"], "")).select(shown)


@SAIL
def test_slices_that_come_and_go_are_all_in_the_views(spark, went_on):
    for sections in ({"slices": [*SLICES, ["device"]]}, {"slices": [[]], "bins": {"slices": []}}):
        settings = parse(went_on(**sections)[0])
        text = "SELECT event_date, COUNT(DISTINCT slice) AS slices FROM slice_metrics GROUP BY event_date"
        found = {row["event_date"]: row["slices"] for row in answered(spark, settings, text).to_pylist()}
        of_new = 1 if len(sections) > 1 else 1 + 2 + 6 + 3
        assert found == {**dict.fromkeys(OLD, 1 + 2 + 6), **dict.fromkeys(NEW, of_new)}
        with duck_db.connected(settings) as connection:
            assert dict(connection.execute(text).fetchall()) == found


MODELS = {"champion": {"ctr": {"score": "p"}}, "candidate": {"ctr": {"score": "q"}}}


@SAIL
def test_a_model_that_is_added_and_one_that_is_retired(spark, went_on, always):
    added, outcomes = went_on(
        models={**MODELS, "newest": {"ctr": {"score": "q"}}},
        comparisons={
            "release": {"candidate": "candidate", "baseline": "champion"},
            "next": {"candidate": "newest", "baseline": "champion"},
        },
    )
    rows = table(added, "changes", NEW[0]).to_pylist()
    assert {(row["model"], row["reason"], row["ci_reason"]) for row in rows} == {
        ("newest", "not_recorded", "not_recorded"),
        ("champion", None, None),
        ("candidate", None, None),
    }
    assert all(row["now"] is not None for row in rows)
    later = table(added, "changes", NEW[1]).to_pylist()
    assert {(row["against"], row["reason"]) for row in later if row["model"] == "newest"} == {
        ("1d", None),
        ("2d", "not_recorded"),
    }
    running = table(added, "comparisons", NEW[1]).to_pylist()
    since = {row["comparison"]: row["running_since"] for row in running if row["metric"] == "log_loss"}
    assert since == {"release": OLD[0], "next": NEW[0]}
    assert any("task / model ctr / newest" in warning for warning in outcomes[NEW[0]].warnings)
    retired, outcomes = went_on(models={"champion": MODELS["champion"]}, comparisons={})
    own = table(retired, "changes", NEW[0])
    usual = table(always(), "changes", NEW[0])
    assert own == usual.filter(pc.equal(usual["model"], "champion"))
    assert any("no longer recorded" in w and "task / model ctr / candidate" in w for w in outcomes[NEW[0]].warnings)
    settings = parse(retired)
    text = "SELECT event_date, COUNT(DISTINCT model) AS models FROM ledger GROUP BY event_date"
    found = {row["event_date"]: row["models"] for row in answered(spark, settings, text).to_pylist()}
    assert found == {**dict.fromkeys(OLD, 2), **dict.fromkeys(NEW, 1)}


TASKS = {
    "ctr": {"label": "click"},
    "cvr": {"label": "buy", "given": "click"},
    "spend": {"kind": "regression", "label": "spent"},
}
LABELS = {
    "click": {"column": "click", "values": "binary"},
    "buy": {"column": "buy", "values": "binary"},
    "spent": {"column": "spent", "values": "number"},
}


@SAIL
def test_a_task_that_is_added_and_one_that_is_retired(spark, went_on, always):
    of_both = {name: {**of, "cvr": of["ctr"], "spend": of["ctr"]} for name, of in MODELS.items()}
    added, _ = went_on(tasks=TASKS, labels=LABELS, models=of_both)
    rows = table(added, "changes", NEW[0]).to_pylist()
    assert {(row["task"], row["reason"]) for row in rows} == {
        ("ctr", None),
        ("cvr", "not_recorded"),
        ("spend", "not_recorded"),
    }
    own = table(added, "changes", NEW[0])
    assert own.filter(pc.equal(own["task"], "ctr")) == table(always(), "changes", NEW[0])
    settings = parse(added)
    text = "SELECT event_date, task, SUM(nll) / SUM(weight) AS loss FROM ledger WHERE model = 'champion' GROUP BY 1, 2"
    found = {(row["event_date"], row["task"]) for row in answered(spark, settings, text).to_pylist()}
    assert found == {*((day, "ctr") for day in DAYS), *((day, "cvr") for day in NEW)}
    with duck_db.connected(settings) as connection:
        assert {tuple(row[:2]) for row in connection.execute(text).fetchall()} == found
        label = "SELECT SUM(label_sum) FROM statistics WHERE model = 'champion' AND task = 'spend'"
        spent = sum(evolving.logs(day)["spent"].sum() for day in NEW)
        assert float(connection.execute(label).fetchone()[0]) == pytest.approx(spent, rel=1e-12)
    # Retired again, its days stay, and the columns that only it has are NULL from then on.
    tables = Path(added["tables"]["path"])
    again = {**always(), "tables": {"path": str(tables)}, "impressions": added["impressions"]}
    evolving.nightly.evaluate(spark, parse(again), NEW[1])
    assert set(table(again, "statistics", NEW[0])["task"].to_pylist()) == {*TASKS}
    assert set(table(again, "statistics", NEW[1])["task"].to_pylist()) == {"ctr"}
    assert table(again, "changes", NEW[1]) == table(always(), "changes", NEW[1])


@SAIL
def test_score_bins_that_change(spark, went_on, always):
    more = {"slices": [[], ["country"]], "bits": 15, "thresholds": [0.5], "shards": True}
    config, outcomes = went_on(bins=more)
    expected = always(bins=more)
    skill = ["calibration", "discrimination", "uncertainty", "half_width"]
    rows = table(config, "changes", NEW[0]).to_pylist()
    told = {(row["slice"], row["metric"]): [row[name] for name in skill] for row in rows if row["model"] == "champion"}
    assert None not in told["", "log_loss"]
    assert told["country=DE", "log_loss"] == [None] * 4
    usual = {
        (row["slice"], row["metric"]): row
        for row in table(always(), "changes", NEW[0]).to_pylist()
        if row["model"] == "champion"
    }
    assert told["", "log_loss"][2] == usual["", "log_loss"]["uncertainty"]
    metrics = [table(each, "metrics", NEW[0]) for each in (config, expected)]
    assert metrics[0] == metrics[1]
    assert any("score bins by country" in warning for warning in outcomes[NEW[0]].warnings)
    none, _ = went_on(bins={"slices": []})
    assert table(none, "score_bins", OLD[0]).num_rows > 0
    rows = table(none, "changes", NEW[0]).to_pylist()
    assert {row["calibration"] for row in rows} == {None}


@SAIL
@pytest.mark.parametrize("option", [{"bits": 16}, {"bits": 15, "calibration_bins": 20}])
def test_bins_that_would_change_a_number_under_its_name_are_refused(spark, first, option):
    config = configured(first, NEW[0], bins={"slices": [[]], **option})
    with pytest.raises(
        ContractError, match=r"bins\.\w+: found \d+, expected \d+, as in the tables that exist"
    ) as caught:
        evolving.nightly.evaluate(spark, parse(config), NEW[0])
    assert caught.value.exit_code == 2
