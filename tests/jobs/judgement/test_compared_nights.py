"""Two nights through the whole job: what is judged is in the tables, the same bits everywhere, and comes out again."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import roc_auc_score

from jobs.errors import InputMissingError
from jobs.judgement.nights import compared_again
from jobs.settings import parse
from tests.world import child
from tests.world.night import DAY, document, evaluated, parquet, saved, table

NEXT = DAY + timedelta(days=1)
JUDGED = (
    *("unpaired_statistics", "unpaired_bins", "pair_statistics"),
    *("metrics", "comparisons", "changes", "gate_results"),
)
GATES = {
    "better": {"comparison": "release", "task": "ctr", "metric": "log_loss", "require": "better"},
    "nowhere": {
        "comparison": "release",
        "task": "ctr",
        "metric": "normalized_entropy",
        "require": "not_worse",
        "margin": "1%",
        "slices": [[], ["country"]],
    },
    "steady": {"model": "new", "task": "ctr", "metric": "log_loss", "against": "1d", "at_most": "20%"},
    "honest": {"model": "new", "task": "ctr", "metric": "predicted_over_actual", "within": [0.9, 1.0]},
}


def logs(seed):
    """Users with several impressions, a model that knows something, and one that has no score for some."""
    draw = np.random.default_rng(seed)
    user = draw.integers(0, 200, 2000)
    truth = 1.0 / (1.0 + np.exp(-(draw.normal(size=200)[user] - 1.0)))
    known = np.clip(np.round(truth + draw.normal(scale=0.05, size=user.size), 2), 0.01, 0.99)
    return {
        # Values so large that their squares just fit, and scores that are as far apart as can be.
        "spent": np.full(user.size, 0.5),
        "far": np.where(user % 2, 1.0, -1.0) * 1.04e6,
        "near": np.where(user % 2, -1.0, 1.0) * 1.04e6,
        "click": (draw.random(user.size) < truth).astype(np.int64),
        "user": user,
        "known": pa.array(known, mask=(draw.random(user.size) < 0.02) & (user % 2 == 1)),
        "p": np.full(user.size, 0.3),
        "country": np.array(["DE", "FR"])[user % 2],
    }


def config(folder, tables):
    return document(
        folder,
        impressions={
            "source": {"format": "parquet", "path": str(folder)},
            "columns": {"unit": "user"},
            "duplicates": "none",
        },
        labels={"click": {"column": "click", "values": "binary"}, "spent": {"column": "spent", "values": "number"}},
        tasks={"ctr": {"label": "click"}, "spending": {"kind": "regression", "label": "spent"}},
        models={
            "new": {"ctr": {"score": "known", "required": False}, "spending": {"score": "far"}},
            "old": {"ctr": {"score": "p"}, "spending": {"score": "near"}},
        },
        comparisons={"release": {"candidate": "new", "baseline": "old", "pair_statistics": True}},
        changes={"against": ["1d"], "reference": NEXT.isoformat()},
        gates=GATES,
        dimensions=["country"],
        slices=[[], ["country"]],
        bins={"bits": 15, "shards": True, "slices": [["country"]]},
        tables={"path": str(tables)},
    )


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Where the rows of both nights are, those of the second one in 1, 7 and 64 files in other orders."""
    folder = tmp_path_factory.mktemp("nights")
    second = pa.table(logs(2))
    parquet(folder / "first", logs(1), files=3)
    for files in (1, 7, 64):
        order = np.random.default_rng(files).permutation(len(second))
        parquet(folder / f"second-{files}", second.take(order), files)
    return folder


@pytest.fixture(scope="module")
def first(spark, nights):
    """How the first night ended."""
    return evaluated(spark, config(nights / "first", nights / "tables"))


@pytest.fixture(scope="module")
def judgements(spark, first, nights):
    """What each run of the second night wrote, by how many files it read."""
    found = {}
    for files in (64, 7, 1):
        settings = config(nights / f"second-{files}", nights / "tables")
        evaluated(spark, settings, NEXT)
        found[files] = {name: table(settings, name, NEXT) for name in JUDGED}
    return found


def test_in_as_many_files_as_may_be_the_doubles_are_the_same(judgements):
    one = judgements[1]
    assert all(each.num_rows for each in one.values())
    assert set(one["gate_results"]["verdict"].to_pylist()) == {"passed", "undecided"}
    why = one["changes"].group_by(["against", "ci_reason"]).aggregate([]).to_pylist()
    # A day is not held against what it was before it was run again.
    assert sorted((of["against"], of["ci_reason"]) for of in why) == [("1d", None), ("reference", "no_day")]
    assert judgements[7] == one
    assert judgements[64] == one


@pytest.mark.only_engine("spark")
def test_sail_judges_with_the_same_doubles(judgements, nights):
    asked = {"first": DAY, "second-7": NEXT}
    files = {name: saved(config(nights / name, nights / "sail"), nights / f"{name}.yaml") for name in asked}
    child.succeeded(*child.on("sail", *(child.run(files[name], day) for name, day in asked.items())))
    settings = config(nights / "second-7", nights / "sail")
    assert {name: table(settings, name, NEXT) for name in JUDGED} == judgements[1]


def test_what_is_compared_is_in_the_tables_and_comes_out_of_them_again(spark, first, judgements, nights):
    second = config(nights / "second-1", nights / "tables")
    assert first.comparisons.num_rows == table(second, "comparisons").num_rows > 0
    apart = judgements[1]["unpaired_statistics"]
    assert set(zip(apart["model"].to_pylist(), apart["other"].to_pylist(), strict=True)) == {("old", "new")}
    assert (
        sum(judgements[1]["unpaired_bins"]["n"].to_pylist())
        == sum(apart.filter(pc.equal(apart["slice"], ""))["n"].to_pylist())
        > 0
    )
    settings = parse(second)
    for day in (DAY, NEXT):
        again = compared_again(spark, settings, day, settings.age_hours)
        written = table(second, "comparisons", day)
        shown = ["task", "slice", "metric", "difference", "ci_low", "running_low", "running_since", "p_adjusted"]
        of_both = (each.select(shown).sort_by([(name, "ascending") for name in shown[:3]]) for each in (again, written))
        ours, theirs = (each.to_pylist() for each in of_both)
        assert ours == theirs
    loss = written.filter(pc.equal(written["metric"], "log_loss")).to_pylist()
    assert {row["running_since"] for row in loss} == {DAY}
    loss = [row for row in loss if row["task"] == "ctr"]
    assert all(row["difference"] < 0.0 for row in loss)
    assert {row["slice"]: row["only_baseline"] > 0 == row["only_candidate"] for row in loss} == {
        **dict.fromkeys(("", "country=FR"), True),
        "country=DE": False,
    }
    areas = written.filter(pc.equal(written["metric"], "auc")).to_pylist()
    for area in areas:
        own = pa.table(logs(2)).filter(pc.is_valid(logs(2)["known"]))
        own = own.filter(pc.equal(own["country"], area["slice"][-2:]))
        of_rows = roc_auc_score(own["click"], own["known"]) - 0.5
        assert area["difference"] == pytest.approx(of_rows, rel=1e-12)
        assert 0.0 < area["ci_low"] < of_rows < area["ci_high"]
    assert [area["slice"] for area in areas] == ["country=DE", "country=FR"]
    far = written.filter(pc.equal(written["metric"], "mean_squared_score_difference")).to_pylist()
    spending = [row["difference"] for row in far if row["task"] == "spending"]
    assert spending == [pytest.approx(4.0 * 1.04e6**2, rel=1e-12)] * 3
    assert all(0.0 < row["difference"] < 0.2 for row in far if row["task"] == "ctr")
    unasked = parse({**second, "comparisons": {"other": {"candidate": "old", "baseline": "new"}}, "gates": {}})
    with pytest.raises(InputMissingError, match="comparison other of task ctr is not in the tables"):
        compared_again(spark, unasked, NEXT, unasked.age_hours)
