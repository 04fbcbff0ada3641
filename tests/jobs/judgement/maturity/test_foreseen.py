"""Gates on nowcasts over months of late conversions: of the model they are, and not of whom chance has brought."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from jobs.errors import ConfigurationError
from jobs.judgement.by_shard import by_shard, read_by
from jobs.judgement.changes.foreseen import OF_NOWCASTS, foreseen
from jobs.judgement.gate_rows import Evidence, results
from jobs.judgement.uncertainty.jackknife import ON_LOG_SCALE, interval
from jobs.judgement.uncertainty.reaches import with_chance
from jobs.ledger.judgements import CHANGES
from tests.jobs.judgement.maturity.months import (
    FIRST,
    METRICS,
    SLICES,
    Ledger,
    month,
    settings_of,
    with_days,
    without,
)

NAMES = [metric.name for metric in METRICS]
LAST = FIRST + timedelta(days=29)
GATE = {"task": "cvr", "model": "m", "slices": [[], ["advertiser"]]}
SOON = {**GATE, "metric": "predicted_over_actual[nowcast]", "within": [0.7, 1.4]}
NOW = {**GATE, "metric": "predicted_over_actual", "within": [0.7, 1.4]}


def by_now(ledger, day, age):
    """The rows of `metrics` of the numbers by now, by slice and metric, as a night has them."""
    settings, rows, found = ledger.settings, ledger.sums[day, age], {}
    sums = by_shard(rows, ("binary", read_by(METRICS, "binary", settings)), SLICES, settings)
    for metric in METRICS:
        of = interval(sums.estimated(metric), sums.refused, on_log_scale=metric.name in ON_LOG_SCALE)
        for row, text in enumerate(SLICES):
            ends = (None, None) if of.reasons[row] else (of.low[row], of.high[row])
            keys = {"metric": metric.name, "age_hours": age, "ci_reason": of.reasons[row]}
            named = dict(zip(("value", "ci_low", "ci_high"), (of.value[row], *ends), strict=True))
            found[text, metric.name] = {**keys, **named}
    return found


def truths(day):
    """The metrics of a day as chance would have them in the mean."""
    found = {}
    for i, text in enumerate(SLICES):
        own = np.ones(day.user.size, dtype=bool) if not text else day.advertiser == i - 1
        q, p = day.chance[own], day.score[own]
        sums = {
            "weight": float(own.sum()),
            "positive_weight": q.sum(),
            "negative_weight": (1.0 - q).sum(),
            "score_sum": p.sum(),
            "positive_nll": (q * -np.log(p)).sum(),
            "negative_nll": ((1.0 - q) * -np.log1p(-p)).sum(),
        }
        found |= {(text, m.name): m(**{name: sums[name] for name in m.inputs}) for m in METRICS}
    return found


@pytest.fixture(scope="module")
def nights():
    """Of two months every nowcast with an interval: its slice and metric, the row, that of a gate, and the truth."""
    found = []
    for seed in range(2):
        ledger = Ledger(month(seed), settings_of())
        for i in range(11, 30):
            truth = truths(month(seed)[i])
            for age in (0, 24):
                numbers = by_now(ledger, FIRST + timedelta(days=i), age)
                for key, row in ledger.night(FIRST + timedelta(days=i), age).nowcasts.items():
                    asked = with_chance(row, numbers[key])
                    if row["ci_reason"] is None and asked["ci_low"] is not None:
                        found.append((key, row, asked, truth[key]))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_of_a_gate_holds_what_is_so_of_the_model(nights, name):
    """That of the day alone does so less often, as chance is no part of it."""
    held = {"day": [], "gate": []}
    for (_, metric), row, asked, truth in nights:
        if metric == name:
            for of, found in (("day", row), ("gate", asked)):
                held[of].append(found["ci_low"] <= truth <= found["ci_high"])
    assert len(held["gate"]) > 100
    assert np.mean(held["gate"]) >= 0.94
    assert np.mean(held["day"]) < 0.93


def verdicts(ledger, day, age, gates):
    """What is said of gates on a day: by gate and slice."""
    settings = settings_of(gates=gates)
    night = ledger.night(day, age)
    rows = by_now(ledger, day, age) | {(text, f"{name}[nowcast]"): row for (text, name), row in night.nowcasts.items()}
    keyed = {("cvr", "m", *key): row for key, row in rows.items()}
    return {(of.gate, of.slice): of.judged for of in results(settings, Evidence(keyed, {}, {}, lags=night.found.lags))}


def test_a_gate_on_what_will_be_never_fails_a_good_model_where_one_on_what_is_does():
    ledger, told = Ledger(month(4), settings_of()), []
    for i in range(12, 30):
        told += verdicts(ledger, FIRST + timedelta(days=i), 24, {"soon": SOON, "now": NOW}).items()
    soon = [of.verdict for (gate, _), of in told if gate == "soon"]
    assert "failed" not in soon
    assert soon.count("passed") > len(soon) / 2
    assert [of.verdict for (gate, text), of in told if gate == "now" and text == "advertiser=c"].count("failed") > 9


def test_it_fails_a_model_that_predicts_twice_too_much():
    days = [replace(day, score=np.minimum(2.0 * day.score, 0.999)) for day in month(4)]
    found = verdicts(Ledger(days, settings_of()), LAST, 24, {"soon": SOON})["soon", ""]
    assert found.verdict == "failed"
    assert found.sentence.startswith("failed: predicted_over_actual[nowcast] of m is 2.")


def test_it_is_undecided_while_the_interval_spans_a_bound_and_says_so():
    ledger = Ledger(month(4), settings_of())
    row = ledger.night(LAST, 0).nowcasts["", "predicted_over_actual"]
    found = verdicts(ledger, LAST, 0, {"soon": {**SOON, "within": [0.1, row["value"]]}})["soon", ""]
    assert found.verdict == "undecided"
    assert found.asked.low < row["ci_low"] < row["value"] < row["ci_high"] < found.asked.high
    assert "it has to be above 0.1 and below" in found.sentence


def test_once_labels_no_longer_change_it_is_the_number_itself():
    ledger = Ledger(month(4), settings_of())
    found = verdicts(ledger, LAST, 192, {"soon": SOON, "now": NOW})
    for text in SLICES:
        assert found["soon", text] == found["now", text]
    assert found["soon", ""].sentence.startswith("passed: predicted_over_actual of m is")


def test_where_there_is_no_nowcast_nothing_is_judged():
    ledger = Ledger(month(4), settings_of())
    early = verdicts(ledger, FIRST + timedelta(days=3), 24, {"soon": SOON})["soon", ""]
    assert (early.verdict, "too_few_days" in early.sentence) == ("not_judged", True)
    days = with_days(4, day20=without(month(4)[20], 0.6, "b"))
    missing = verdicts(Ledger(days, settings_of()), FIRST + timedelta(days=20), 24, {"soon": SOON})
    assert "labels of sale are missing" in missing["soon", "advertiser=b"].sentence
    # A day from before there were any, judged again: no other number stands for it.
    numbers = {("cvr", "m", *key): row for key, row in by_now(ledger, LAST, 24).items()}
    (told, *_) = results(settings_of(gates={"soon": {**SOON, "slices": [[]]}}), Evidence(numbers, {}, {}))
    assert (told.judged.verdict, "no_nowcast" in told.judged.sentence) == ("not_judged", True)


def changed(ci_reason=None):
    """The change of the log loss by now of one slice, and the nowcasts of both days."""
    one = {"task": "cvr", "model": "m", "slice": "", "against": "1d", "n": 10, "weight": 10.0, "ci_reason": ci_reason}
    change = {**one, "metric": "log_loss", "relative_difference": 0.0, "relative_low": -0.3, "relative_high": 0.3}
    columns = [
        f for f in CHANGES.schema if f.name in (*change, "reason", "before", "now", "difference", "ci_low", "ci_high")
    ]
    changes = pa.Table.from_pylist([change], schema=pa.schema([field.with_nullable(True) for field in columns]))
    keys = {"event_date": LAST, "task": "cvr", "model": "m", "slice": "", "metric": "log_loss[nowcast]", "n": 10}
    rows = [{**keys, "weight": 10.0, "value": v, "ci_low": 0.6 * v, "ci_high": 1.4 * v} for v in (0.2, 0.1)]
    kinds = {"event_date": pa.date32(), "n": pa.int64()}
    texts = ("task", "model", "slice", "metric", "reason", "ci_reason")
    schema = pa.schema([(n, kinds.get(n, pa.string() if n in texts else pa.float64())) for n in OF_NOWCASTS])
    return (changes, *(pa.Table.from_pylist([row], schema=schema) for row in rows))


def test_how_far_it_will_be_from_an_earlier_day_holds_both_days_and_chance():
    """The parts 0.4, 0.4 and 0.3 of a quotient of 2 reach 2 · √0.41."""
    (row,) = foreseen(*changed(), "1d", settings_of()).to_pylist()
    assert (row["metric"], row["before"], row["now"], row["difference"]) == ("log_loss[nowcast]", 0.1, 0.2, 0.1)
    reach = 2.0 * 0.41**0.5
    found = [row[name] for name in ("relative_difference", "relative_low", "relative_high")]
    assert found == pytest.approx([1.0, 1.0 - reach, 1.0 + reach], rel=1e-12)
    assert row["ci_low"] == pytest.approx(0.1 * (1.0 - reach), rel=1e-12)


def test_without_one_of_them_there_is_a_reason():
    changes, today, before = changed()
    (none,) = foreseen(changes, today, before.slice(0, 0), "1d", settings_of()).to_pylist()
    assert (none["reason"], none["now"], none["difference"]) == ("no_day", 0.2, None)
    (few,) = foreseen(*changed("too_few_shards"), "1d", settings_of()).to_pylist()
    assert (few["reason"], few["ci_reason"], few["difference"], few["ci_low"]) == (None, "too_few_shards", 0.1, None)


DAYS = {"changes": {"against": ["1d"]}}
CHANGE = {"task": "cvr", "model": "m", "metric": "log_loss[nowcast]", "against": "1d", "at_most": "2%"}


def told(gate, ages=(0, 192), **sections):
    with pytest.raises(ConfigurationError) as caught:
        settings_of(ages, gates={"g": gate}, **sections)
    return [str(problem) for problem in caught.value.problems]


def test_what_a_gate_can_ask_for_is_told_before_any_work():
    assert settings_of(gates={"g": CHANGE}, **DAYS).gates["g"].kind == "at_most"
    # Of which no one says whether more is better.
    (text,) = told({**CHANGE, "metric": "predicted_over_actual[nowcast]"}, **DAYS)
    assert "within: [low, high] asks for this one" in text
    # Labels no longer change at the only age.
    (text,) = told({**SOON, "slices": [[]]}, ages=(192,))
    assert text.startswith("gates.g.metric: found 'predicted_over_actual[nowcast]', expected a metric of the task")
    (text,) = told({**SOON, "metric": "log_loss[nowcst]", "slices": [[]]})
    assert text.endswith("did you mean 'log_loss[nowcast]'?")
    compared = {"task": "cvr", "comparison": "c", "metric": "log_loss[nowcast]", "require": "better"}
    models = {"m": {"cvr": {"score": "p"}}, "n": {"cvr": {"score": "q"}}}
    (text,) = told(compared, models=models, comparisons={"c": {"candidate": "n", "baseline": "m"}})
    assert text.startswith("gates.g.metric: found 'log_loss[nowcast]', expected a metric of the task")
