"""Two nights through the whole job: what is compared is in the tables, and comes out of them again."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.errors import InputMissingError
from jobs.judgement.nights import compared_again
from jobs.settings import parse
from tests.world.night import DAY, document, evaluated, parquet, table

NEXT = DAY + timedelta(days=1)


def logs(seed):
    """Users with several impressions, a model that knows something, and one that has no score for some."""
    draw = np.random.default_rng(seed)
    user = draw.integers(0, 200, 2000)
    truth = 1.0 / (1.0 + np.exp(-(draw.normal(size=200)[user] - 1.0)))
    known = np.clip(truth + draw.normal(scale=0.05, size=user.size), 0.01, 0.99)
    return {
        "click": (draw.random(user.size) < truth).astype(np.int64),
        "user": user,
        "known": pa.array(known, mask=draw.random(user.size) < 0.01),
        "p": np.full(user.size, 0.3),
        "country": np.array(["DE", "FR"])[user % 2],
    }


def config(folder, rows):
    source = {"format": "parquet", "path": str(parquet(folder / "impressions", rows))}
    return document(
        folder,
        impressions={"source": source, "columns": {"unit": "user"}, "duplicates": "none"},
        models={"new": {"ctr": {"score": "known", "required": False}}, "old": {"ctr": {"score": "p"}}},
        comparisons={"release": {"candidate": "new", "baseline": "old"}},
        dimensions=["country"],
        slices=[[], ["country"]],
        tables={"path": str(folder.parent / "tables")},
    )


def test_what_is_compared_is_in_the_tables_and_comes_out_of_them_again(spark, tmp_path):
    first, second = (config(tmp_path / str(seed), logs(seed)) for seed in (1, 2))
    outcome = evaluated(spark, first)
    evaluated(spark, second, NEXT)
    assert outcome.comparisons.num_rows == table(first, "comparisons").num_rows > 0
    apart = table(first, "unpaired_statistics")
    assert set(zip(apart["model"].to_pylist(), apart["other"].to_pylist(), strict=True)) == {("old", "new")}
    for day, settings in ((DAY, parse(first)), (NEXT, parse(second))):
        again = compared_again(spark, settings, day, settings.age_hours)
        written = table(second, "comparisons", day)
        shown = ["slice", "metric", "difference", "ci_low", "running_low", "running_since", "p_adjusted", "ci_reason"]
        of_both = (each.select(shown).sort_by([(name, "ascending") for name in shown[:2]]) for each in (again, written))
        ours, theirs = (each.to_pylist() for each in of_both)
        assert ours == theirs
    loss = written.filter(pc.equal(written["metric"], "log_loss")).to_pylist()
    assert {row["running_since"] for row in loss} == {DAY}
    assert all(row["difference"] < 0.0 for row in loss)
    assert all(row["only_baseline"] > 0 == row["only_candidate"] for row in loss)
    unasked = parse({**second, "comparisons": {"other": {"candidate": "old", "baseline": "new"}}})
    with pytest.raises(InputMissingError, match="comparison other of task ctr is not in the tables"):
        compared_again(spark, unasked, NEXT, unasked.age_hours)
