"""What an evaluation goes without is told with the place that would bring it."""

from jobs.settings import load
from jobs.surfaces.absent_metrics import absent
from tests.world.child import ROOT

NIGHTLY = ROOT / "conf" / "nightly.yaml"


def test_the_example_goes_without_other_kinds_thresholds_and_rates() -> None:
    found = absent(load(NIGHTLY))
    assert [each.reason for each in found] == [
        "tasks has none of kind regression",
        "tasks has none of kind multiclass",
        "tasks has none of kind candidates",
        "bins.thresholds is empty",
        "baselines.reference has no rate of ctr, ctr_by_bid, cvr, ctcvr",
    ]
    assert found[3].names == ("precision", "recall", "f1")
    assert "grouped_auc" in found[2].names
    assert "log_loss" not in found[1].names


def test_what_is_declared_is_not_missed() -> None:
    overrides = ["bins.thresholds=[0.5]", "baselines.reference={ctr: 0.1, ctr_by_bid: 0.1, cvr: 0.1, ctcvr: 0.1}"]
    assert [each.reason for each in absent(load(NIGHTLY, overrides))] == [
        f"tasks has none of kind {kind}" for kind in ("regression", "multiclass", "candidates")
    ]
    assert absent(load(NIGHTLY, ["bins.slices=[]"]))[3].names[:2] == ("auc", "auc_half_width")
    assert str(absent(load(NIGHTLY, ["impressions.columns.group=null"]))[2]).endswith(
        "impressions.columns.group is not mapped"
    )
