"""A name has one definition: what decides a number is in its name, or may not change while the name stands."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.errors import ContractError
from jobs.ledger import runs, unnamed
from jobs.settings import parse
from tests.world import days
from udfs import catalog
from udfs.measure import OVER


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (
            {"alpha": 5.0},
            "loss.alpha: found 5.0, expected 1.0, .*: weighted_log_loss, weighted_log_loss_balanced would",
        ),
        ({"gamma": 1.0}, "loss.gamma: found 1.0, expected 2.0, .*: focal_loss would"),
        ({"kernel": "native"}, 'loss.kernel: found "native", expected "strict"'),
    ],
)
def test_an_option_that_is_in_no_name_is_a_definition(loss, told):
    document = days.configured(Path("x"))
    before = json.dumps(runs.definitions(parse(document)))
    with pytest.raises(ContractError, match=told) as caught:
        runs.check_definitions(parse({**document, "loss": loss}), [before])
    told = str(caught.value)
    assert told.endswith(" or rename the evaluation: a new definition takes a new name")
    # The kernel is in the sums themselves.
    assert ("make those days again (" in told) == ("kernel" not in loss)


def test_an_option_that_was_not_recorded_yet_is_free():
    settings = parse(days.configured(Path("of_no_consequence")))
    before = runs.definitions(settings)
    other = parse({**settings.document(), "loss": {"gamma": 1.0}})
    for older in ({k: v for k, v in before.items() if k != "options"}, {**before, "options": {"loss.alpha": 1.0}}):
        runs.check_definitions(other, [json.dumps(older)])


def test_options_of_runs_that_did_not_record_them_are_those_of_their_configuration():
    settings = parse(days.configured(Path("of_no_consequence")))
    before, config = runs.definitions(settings), settings.document()
    unrecorded = json.dumps({name: meant for name, meant in before.items() if name != "options"})
    del config["impressions"]["duplicates"]  # as if there had been no choice
    done = pa.table({"definitions": [json.dumps(before), unrecorded], "config": ["{}", json.dumps(config)]})
    recorded = runs.recorded(done)
    assert len(recorded) == 2
    runs.check_definitions(settings, recorded)
    for each in recorded:
        with pytest.raises(ContractError, match=r"loss.gamma: found 1.0, expected 2.0"):
            runs.check_definitions(parse({**settings.document(), "loss": {"gamma": 1.0}}), [each])


OF_KINDS = {
    "binary": {"bins": {"slices": [[]], "thresholds": [0.5]}, "baselines": {"reference": {"t": 0.1}}},
    "candidates": {"impressions": {"source": {"format": "parquet", "path": "x"}, "columns": {"id": "i", "group": "g"}}},
}


@pytest.mark.parametrize("kind", catalog.KINDS)
def test_every_option_of_every_measure_is_in_its_name_or_in_the_definitions(kind):
    label = {"column": "y", "values": "binary"}
    if kind == "multiclass":
        label = {"column": "y", "values": "classes", "classes": ["a", "b"]}
    score = {"score": ["p", "q"]} if kind == "multiclass" else {"score": "p"}
    model, task = {"m": {"t": score}}, {"t": {"kind": kind, "label": "y"}}
    parts = {"labels": {"y": label}, "tasks": task, "models": model, **OF_KINDS.get(kind, {})}
    settings = parse({**days.configured(Path("x")), "dimensions": [], "slices": [[]], **parts})
    recorded = runs.definitions(settings)["options"].keys()
    places = {**unnamed.OF_LOSS, **unnamed.OF_BINS}
    for over in OVER:
        for metric in catalog.metrics_of(kind, over).values():
            read = [catalog.statistics_of(kind)[name] for name in metric.inputs if name in catalog.statistics_of(kind)]
            for option in {*metric.options, *(option for statistic in read for option in statistic.options)}:
                assert f"{{{option}}}" in metric.suffix or places[option] in recorded, (metric.name, option)
    for statistic in catalog.statistics_of(kind).values():
        assert all(f"{{{option}}}" in statistic.suffix for option in statistic.options)
    besides = {"binary": "baselines.reference.t", "candidates": "limits.group_rows"}
    assert besides.get(kind, "impressions.duplicates") in recorded
    assert all(unnamed.dependent(place) for place in recorded)


BINS = {"calibration_bins": 20, "bits": 16}


@pytest.mark.parametrize("option", BINS)
def test_other_bins_are_another_definition_where_bins_are_kept(option):
    kept, none = ({**days.configured(Path("x")), "bins": {"slices": slices}} for slices in ([[]], []))
    other = {**kept, "bins": {**kept["bins"], option: BINS[option]}}
    before = [json.dumps(runs.definitions(parse(each))) for each in (kept, none)]
    runs.check_definitions(parse(other), before[1:])
    with pytest.raises(ContractError, match=f"bins.{option}: found {BINS[option]}, expected 1"):
        runs.check_definitions(parse(other), before[:1])


def test_new_ranks_thresholds_and_another_clip_are_no_new_definition():
    document = {**days.configured(Path("x")), "bins": {"slices": [[]]}}
    more = {**document, "bins": {"slices": [[]], "thresholds": [0.5]}, "loss": {"k": [3], "clip": 1e-9}}
    runs.check_definitions(parse(more), [json.dumps(runs.definitions(parse(document)))])


def test_to_go_without_ids_is_to_find_no_duplicates():
    with_ids = {**days.configured(Path("x")), "labels": {"seen": {"column": "seen", "values": "binary"}}}
    with_ids |= {"tasks": {"seen": {"label": "seen"}}, "models": {"m": {"seen": {"score": "p"}}}}
    shown = with_ids["impressions"]
    without = {**with_ids, "impressions": {**shown, "columns": {**shown["columns"], "id": None}}}
    before = [json.dumps(runs.definitions(parse(with_ids)))]
    with pytest.raises(ContractError, match=r'impressions\.duplicates: found "none", expected "remove"'):
        runs.check_definitions(parse(without), before)
