"""Labels of every rule are found again from the rows of their logs: by impression or by click, with and without ids."""

from datetime import timedelta

import numpy as np
import pytest

from jobs.settings import parse
from jobs.storage.change import DayAtAge
from tests.world.attribution import END, HOUR, START, Row, Rule, written
from tests.world.audited import one, verdicts
from tests.world.night import evaluated

pytestmark = pytest.mark.only_engine("sail")
MINUTE = timedelta(minutes=1)
EVENTS = ("any", "first", "count", "sum")
RULES = [Rule(events, keyed) for events in EVENTS for keyed in ("impression", "post_click", "post_view")]


def logs(seed):
    """Impressions, some of them again; clicks and conversions, some of them copied, late, taken back, of nobody."""
    rng = np.random.default_rng(seed)
    shown = [(int(i) // 2, START + int(m) * MINUTE) for i, m in enumerate(rng.integers(0, 23 * 60, 120))]

    def rows(size, about, first):
        found = []
        for i in range(size):
            time = START + int(rng.integers(-60, 30 * 60)) * MINUTE
            gone = None if rng.random() < 0.8 else END + int(rng.integers(-20, 30)) * HOUR
            came = time + int(rng.integers(0, 40)) * HOUR
            found.append(Row(int(rng.choice(about)), time, first + i // 2 * 2, came, gone, float(rng.normal(2.0))))
        return found

    clicks = rows(200, np.arange(65), 1000)
    return shown, clicks, rows(300, np.array([row.event for row in clicks] + [5, 6, 7]), 5000)


def by_impression(night):
    """The same conversions, which are about impressions themselves."""
    shown, clicks, conversions = night
    return shown, clicks, [Row(row.about % 65, *list(vars(row).values())[1:]) for row in conversions]


@pytest.mark.parametrize(("seed", "ids"), [(0, "integers"), (1, "texts")])
@pytest.mark.parametrize("keyed", ["click", "impression"])
def test_labels_of_every_rule_are_found_again(spark, tmp_path, seed, ids, keyed):
    rules = [rule for rule in RULES if (rule.keyed == "impression") == (keyed == "impression")]
    night = logs(seed) if keyed == "click" else by_impression(logs(seed))
    config = written(tmp_path / keyed, night, rules, ids)
    whole = {"unmatched": {"refuse": 1.0}, "complete": {"tail": 0}, "may_be_empty": True}
    config["labels"] = {name: {**of, **whole} for name, of in config["labels"].items()}
    for age in (0, 24) if keyed == "click" else (24,):
        evaluated(spark, config, age_hours=age)
    found = one(spark, parse(config), DayAtAge(START.date(), 24), sample=100, without=["ids"])
    (sample,) = (each for each in found.verdicts if each.proof == "sample")
    assert [str(each) for each in sample.findings] == []
    assert (sample.state, sample.compared > 50) == ("proven", True)
    assert set(verdicts(found).values()) <= {"proven", "nothing_to_prove", "left_out"}
