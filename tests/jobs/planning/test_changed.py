"""Which changes of a configuration take rows, and for which the sums that there are will do."""

import json
from pathlib import Path

import pytest

from jobs.planning.changed import needing_rows
from jobs.settings import parse
from tests.world import refreshed

BASE = refreshed.evaluation(Path("x"), **refreshed.OLD)
BINS = BASE["bins"]
PAIR = {"candidate": "candidate", "baseline": "champion"}


def set_at(document, place, value):
    """The document with another value at a place, or without it."""
    first, *rest = place
    inner = set_at(document.get(first) or {}, rest, value) if rest else value
    return {**document, first: inner}


def lacking(before, now, unscored=frozenset({("ctr", "third"), ("cvr", "champion")})):
    settings = parse(before)
    recorded = json.dumps(settings.document(), sort_keys=True)
    return needing_rows(parse(now), recorded, settings.fingerprint(), unscored)


FREE = {
    "clip": (("loss", "clip"), 1e-6),
    "alpha": (("loss", "alpha"), 7.0),
    "fewest rows": (("limits", "min_rows"), 99),
    "how many are allowed": (("limits", "cells"), 999),
    "how many may be rejected": (("limits", "rejected_share"), 0.01),
    "gates": (("gates",), {}),
    "changes": (("changes",), {}),
    "joint": (("joint",), {"both": {"ctr": 1.0, "cvr": 1.0}}),
    "reference": (("baselines", "reference"), {"ctr": 0.1}),
    "no comparison": (("comparisons",), {}),
    "a comparison turned round, by another name, of one task": (
        ("comparisons",),
        {"other": {"candidate": "champion", "baseline": "candidate", "tasks": ["cvr"]}},
    ),
    "shortfall": (("labels", "conversion", "shortfall"), 0.5),
    "a rate that has fallen": (("labels", "conversion", "level_since"), "2026-11-01"),
    "lateness": (("labels", "conversion", "lateness"), "1h"),
    "completeness": (("labels", "conversion", "complete"), {"tail": 0.0}),
    "no need of a model": (("models", "champion", "ctr", "required"), False),
    "ages": (("ages",), ["0h", "24h", "72h"]),
    "alerts": (("alerts",), {"file": "alerts.jsonl"}),
    "the place of the tables": (("tables", "path"), "elsewhere"),
    "a threshold that is an edge": (("bins", "thresholds"), [0.5]),
    "fewer ranks": (("loss", "k"), [1]),
}
ROWS = {
    "slices": (("slices",), [[]], "slices"),
    "dimensions": (("dimensions",), ["country", "device"], "dimensions"),
    "shards": (("shards", "count"), 8, "shards.count"),
    "zone": (("day", "timezone"), "Asia/Tokyo", "day.timezone"),
    "kernel": (("loss", "kernel"), "native", "loss.kernel"),
    "folded values": (("limits", "values"), {"country": 1}, "limits.values.country"),
    "finer bins": (("bins", "bits"), 13, "bins.bits"),
    "bins by shard": (("bins", "shards"), True, "bins.shards"),
    "bins of slices": (("bins", "slices"), [[], ["country"]], "bins.slices"),
    "a threshold inside of a bin": (("bins", "thresholds"), [0.33], "other edges of score bins"),
    "bins of calibration": (("bins", "calibration_bins"), 7, "other edges of score bins"),
    "focal exponent": (("loss", "gamma"), 5.0, "the statistic positive_focal_g5"),
    "more ranks": (("loss", "k"), [1, 5, 10, 20], "the statistic "),
    "peers": (("compatibility",), ["torchrec"], "the statistic "),
    "window": (("labels", "conversion", "window"), "2d", "labels.conversion.window"),
    "weight": (("tasks", "ctr", "weight"), "bid", "tasks.ctr.weight"),
    "score": (("models", "champion", "ctr", "score"), "z", "models.champion.ctr.score"),
    "source": (("impressions", "source", "path"), "elsewhere", "impressions.source.path"),
    "duplicates": (("impressions", "duplicates"), "none", "impressions.duplicates"),
    "distances of other scores": (
        ("comparisons", "scores"),
        {**PAIR, "tasks": ["ctr", "cvr"], "pair_statistics": True},
        "how far scores of cvr are apart",
    ),
    "a model": (("models", "third"), {"ctr": {"score": "p"}}, "models.third"),
}


@pytest.mark.parametrize("what", FREE)
def test_what_is_made_of_sums_takes_no_rows(what):
    place, value = FREE[what]
    now = set_at(BASE, place, value)
    assert parse(now).fingerprint() != parse(BASE).fingerprint()
    assert lacking(BASE, now) == ()


@pytest.mark.parametrize("what", ROWS)
def test_what_sums_rest_on_takes_rows_and_is_named(what):
    place, value, told = ROWS[what]
    found = lacking(BASE, set_at(BASE, place, value))
    assert any(told in each for each in found), found
    # There is no way back either, unless more was summed than is asked for.
    if place[0] not in ("loss", "comparisons", "compatibility") or what == "kernel":
        assert lacking(set_at(BASE, place, value), BASE) != ()


def test_a_comparison_of_models_that_were_not_compared_takes_rows():
    third = set_at(BASE, ("models", "third"), {"ctr": {"score": "p"}, "cvr": {"score": "p"}})
    now = set_at(third, ("comparisons", "next"), {"candidate": "third", "baseline": "champion"})
    assert lacking(third, now) == tuple(
        f"which rows only one of third and champion can score (comparisons.next: {task})" for task in ("ctr", "cvr")
    )
    # Where both have scored every row, none is of one alone.
    assert lacking(third, now, frozenset({("ctr", "candidate")})) == ()


def test_values_that_were_compared_row_by_row_may_have_another_unit():
    pair = {**PAIR, "tasks": ["amount"], "pair_statistics": True}
    before = set_at(BASE, ("comparisons", "values"), pair)
    assert lacking(before, BASE) == ("values of amount in another unit",)


def test_the_order_of_labels_decides_which_copy_is_kept():
    turned = {**BASE, "labels": dict(reversed(BASE["labels"].items()))}
    assert lacking(BASE, turned) == ("the order of labels",)


def test_a_configuration_that_is_no_longer_valid_says_nothing():
    settings = parse(BASE)
    document = {**settings.document(), "of another time": 1}
    assert needing_rows(settings, json.dumps(document), "other") == ("what was valid then and is not now",)
