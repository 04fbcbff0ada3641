"""Thirty nights of five hundred slices: what is told of slices that are at their bound, and of one that is wrong."""

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest

from jobs.judgement.alerts import Night, of_night
from jobs.judgement.gate_rows import Evidence, results
from jobs.judgement.uncertainty import student
from jobs.settings import parse
from tests.world.night import document

SLICES, NIGHTS, SHARDS = 500, 30, 32
STDERR = 0.02  # of ln(predicted / actual): some 2,500 positives in each slice
BOUND, WRONG, SINCE = 1.1, 1.25, 9
CROSS = "country=BR"
FIRST = date(2026, 11, 1)
GATE = {"task": "ctr", "model": "m", "metric": "predicted_over_actual", "within": [0.9, BOUND], "slices": [["country"]]}


def evidence(rng, texts, truth):
    """Intervals on the log scale as leaving out shards makes them: the spread is an estimate, too."""
    logs = np.log(truth) + rng.normal(0.0, STDERR, len(texts))
    spread = STDERR * np.sqrt(rng.chisquare(SHARDS - 1, len(texts)) / (SHARDS - 1))
    reach = spread * student.quantile(np.array([SHARDS - 1.0]))[0]
    rows = zip(texts, np.exp(logs).tolist(), np.exp(logs - reach).tolist(), np.exp(logs + reach).tolist(), strict=True)
    named = ("ctr", "m"), "predicted_over_actual"
    metrics = {
        (*named[0], text, named[1]): {"value": value, "ci_low": low, "ci_high": high} for text, value, low, high in rows
    }
    return Evidence(metrics, {}, {})


def told(folder, seed, truth_of):
    """The slices that are told in every night, and how many nights each fails."""
    alerts = {"file": "x", "nights": 2, "of_last": 3}
    sliced = {"dimensions": ["country"], "slices": [[], ["country"]]}
    settings = parse(document(folder, **sliced, gates={"honest": GATE}, alerts=alerts))
    rng, texts = np.random.default_rng(seed), [f"country={i}" for i in range(SLICES)] + [CROSS]
    earlier, found, failures = [], {}, Counter()
    for night in range(1, NIGHTS + 1):
        day = FIRST + timedelta(days=night - 1)
        rows = [each.row for each in results(settings, evidence(rng, texts, truth_of(night)))]
        lines = [
            line
            for each in of_night(Night("ads", day, rows, earlier, shards=SHARDS), settings.alerts)
            for line in each.text.splitlines()
        ]
        found[night] = [line.split(": ")[0] for line in lines]
        failures.update(row["slice"] for row in rows if row["fails"])
        earlier += [{"event_date": day, **row} for row in rows]
    return found, failures


@pytest.mark.parametrize("seed", [1, 2])
def test_of_slices_at_their_bound_one_is_told_at_most_and_a_fault_within_two_nights(tmp_path, seed):
    def truth(night):
        return np.array([BOUND] * SLICES + [WRONG if night >= SINCE else 1.0])

    found, failures = told(tmp_path, seed, truth)
    by_chance = [text for listed in found.values() for text in listed if text != CROSS]
    assert len(by_chance) <= 1
    # Without a look at how many there are, chance is told again and again: some dozen slices fail every night.
    assert sum(count for text, count in failures.items() if text != CROSS) > 10 * NIGHTS
    first = min(night for night, listed in found.items() if CROSS in listed)
    assert first in (SINCE, SINCE + 1)
    assert np.mean([CROSS in found[night] for night in range(SINCE + 1, NIGHTS + 1)]) > 0.9
