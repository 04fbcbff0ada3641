"""How far the scores of two models are apart, over the rows that both can score: as the raw rows say it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.errors import RuntimeFailure
from jobs.judgement.comparisons import compared
from jobs.judgement.estimates import Known
from jobs.settings import parse
from tests.jobs.judgement.day import DAY, row, tables
from tests.jobs.judgement.forecasts import CONFIG, games
from tests.jobs.judgement.test_comparisons import SMALL, TOTAL, without

LOGIT = {"score": "logit", "scale": "logit"}
APART = {"comparisons": {"knowing": {**CONFIG["comparisons"]["knowing"], "pair_statistics": True}}}


@pytest.fixture(scope="module")
def rows(data_dir):
    return games(data_dir)


@pytest.fixture(scope="module")
def far(rows):
    """Tables with how far scores are apart, of which the baseline's are logits, and some are missing."""
    settings = parse({**SMALL, **APART, "models": {**SMALL["models"], "rate": {"home": LOGIT}}})
    some = {**rows, "logit": np.log(rows["rate"] / (1.0 - rows["rate"]))}
    return settings, tables(settings, without(some, logit=np.arange(rows["won"].size) % 7 == 2), parts=3)


@pytest.mark.parametrize(
    ("metric", "power"), [("mean_squared_score_difference", 2), ("mean_absolute_score_difference", 1)]
)
def test_how_far_scores_are_apart_is_told_with_its_interval_and_without_sides(rows, far, metric, power):
    of = row(far[1]["comparisons"], **TOTAL, metric=metric)
    kept = np.arange(rows["won"].size) % 7 != 2
    gap = np.where(kept, np.abs(rows["forecast"] - rows["rate"]) ** power, 0.0)
    shards = np.unique(rows["shard"])
    left = [rows["shard"] != shard for shard in shards]
    values = np.array([gap[others].sum() / kept[others].sum() for others in left])
    assert of["difference"] == pytest.approx(gap.sum() / kept.sum(), rel=1e-12)
    spread = np.sqrt((len(shards) - 1) / len(shards) * np.square(values - values.mean()).sum())
    assert of["stderr"] == pytest.approx(spread, rel=1e-9)
    assert of["ci_low"] < of["difference"] < of["ci_high"]
    assert (of["n"], of["only_candidate"]) == (kept.sum(), (~kept).sum())
    sides = (
        "candidate_value",
        "baseline_value",
        "relative_difference",
        "p",
        "p_adjusted",
        "detectable",
        "running_value",
    )
    assert [of[name] for name in (*sides, "reason", "ci_reason")] == [None] * 9


def test_how_far_scores_are_apart_is_asked_for_and_changes_nothing_else(rows, far):
    found, asked = far[1]["comparisons"], parse({**far[0].document(), "comparisons": SMALL["comparisons"]})
    some = {**rows, "logit": np.log(rows["rate"] / (1.0 - rows["rate"]))}
    unasked = tables(asked, without(some, logit=np.arange(rows["won"].size) % 7 == 2))
    names = [name for name in found["metric"].to_pylist() if not name.endswith("score_difference")]
    others = found.filter(pc.is_in(found["metric"], pa.array(names)))
    assert others.equals(unasked["comparisons"])
    assert {name: table for name, table in far[1].items() if name not in ("pair_statistics", "comparisons")} == {
        name: table for name, table in unasked.items() if name != "comparisons"
    }


def test_scores_of_other_rows_are_refused_and_those_not_kept_are_a_reason(far):
    settings, found = far
    lost = {**found, "pair_statistics": found["pair_statistics"].slice(1)}
    with pytest.raises(
        RuntimeFailure, match=r"comparisons.knowing: .* not of the rows that both can score at slice ''"
    ):
        compared(Known(lost, settings, {}), DAY, {})
    old = {name: table for name, table in found.items() if name != "pair_statistics"}
    of = row(compared(Known(old, settings, {}), DAY, {}), **TOTAL, metric="mean_squared_score_difference")
    assert (of["reason"], of["ci_reason"], of["difference"]) == ("not_recorded", "not_recorded", None)
