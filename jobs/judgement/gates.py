"""Gates: what a night has to meet, decided on intervals and never on points.

Every kind of gate is one function: it says which number of the evidence is asked, and between which bounds the whole
interval of it has to lie. Inside: passed. Outside: failed. Both: undecided. Without an interval: not judged. What can
be required of a gain is one function in `jobs.settings.judgement.requirements`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from jobs.settings.judgement.gates import Gate, Margin
from jobs.settings.judgement.requirements import REQUIREMENTS

PASSED, FAILED, UNDECIDED, NOT_JUDGED = "passed", "failed", "undecided", "not_judged"
Row = Mapping[str, Any]


class Asked(NamedTuple):
    """A number with its interval, and the bounds that it has to lie between; in words, what it is and has to be."""

    value: float | None
    low: float | None
    high: float | None
    least: float
    most: float
    words: str
    wanted: str = ""


@dataclass(frozen=True)
class Judged:
    """A gate in one slice.

    Attributes:
        verdict: `passed`, `failed`, `undecided` or `not_judged`.
        sentence: Why, for people.
        asked: The number that it rests on; None where there is none.
    """

    verdict: str
    sentence: str
    asked: Asked | None = None


def judged(gate: Gate, row: Row | None, *, quiet: str | None, sign: int = 1) -> Judged:
    """Judge one slice.

    Args:
        gate: What is required.
        row: The evidence: the row of `comparisons`, of `metrics`, or of a change; None where the slice is not there.
        quiet: Why models are not judged tonight, as labels are late; or None.
        sign: 1 where a larger metric is better, -1 where a smaller one is.

    >>> gate = Gate(task="ctr", model="m", metric="predicted_over_actual", within=(0.95, 1.05))
    >>> judged(gate, {"value": 1.01, "ci_low": 0.99, "ci_high": 1.03, "unit": "1"}, quiet=None).verdict
    'passed'
    """
    if quiet is not None and gate.final is None:
        return Judged(NOT_JUDGED, f"not judged: {quiet}")
    if row is None:
        return Judged(FAILED, "failed: the slice is not there")
    asked = KINDS[gate.kind](gate, row, sign)
    reason = _lacking(asked, row)
    if reason is not None:
        return Judged(NOT_JUDGED, f"not judged: {asked.words} has no interval ({reason})", asked)
    verdict = _decided(asked)
    return Judged(verdict, f"{verdict}: {_told(asked)}", asked)


def _lacking(asked: Asked, row: Row) -> str | None:
    if asked.value is not None and asked.low is not None and asked.high is not None:
        return None
    return str(row.get("reason") or row.get("ci_reason") or "no interval")


def _decided(asked: Asked) -> str:
    assert asked.low is not None and asked.high is not None
    if asked.least < asked.low and asked.high < asked.most:
        return PASSED
    return FAILED if asked.high <= asked.least or asked.low >= asked.most else UNDECIDED


def _told(asked: Asked) -> str:
    bounds = [f"above {_short(asked.least)}"] if asked.least > -math.inf else []
    bounds += [f"below {_short(asked.most)}"] if asked.most < math.inf else []
    interval = "" if asked.wanted else f", [{_short(asked.low)}, {_short(asked.high)}]"
    return f"{asked.words} is {_short(asked.value)}{interval}; it has to be {asked.wanted or ' and '.join(bounds)}"


def _short(value: float | None) -> str:
    return f"{value:,.0f}" if value is not None and 1e4 <= abs(value) < 1e15 else f"{value:z.4g}"


def _gain(gate: Gate, row: Row, sign: int, margin: Margin | None) -> Asked:
    """By how much the candidate is better, as a part of the baseline where the margin is one."""
    relative = margin is not None and margin.relative
    # Read every night, an ordinary interval errs sooner or later; the running one does not. A night that says nothing
    # itself is not judged by those before it.
    silent = row.get("reason") or row.get("ci_reason")
    running = gate.every_night and not relative and not silent and row.get("running_low") is not None
    of = "relative" if relative else "running" if running else "night"
    names = {
        "relative": ("relative_difference", "relative_low", "relative_high"),
        "running": ("running_value", "running_low", "running_high"),
        "night": ("difference", "ci_low", "ci_high"),
    }[of]
    value, *ends = (row.get(name) for name in names)
    low, high = ends if sign > 0 else [None if end is None else -end for end in reversed(ends)]
    gain = None if value is None else sign * value
    nights = f" since {row['running_since']}" if running else ""
    gain_in = "the relative gain" if relative else "the gain"
    words = f"{gain_in} of {row['candidate']} over {row['baseline']} in {gate.metric}{nights}"
    return Asked(gain, low, high, -math.inf, math.inf, words)


def require(gate: Gate, row: Row, sign: int) -> Asked:
    """The gain of the candidate lies where the requirement says, as above 0."""
    least, most = REQUIREMENTS[str(gate.require)].bounds(gate.margin.size if gate.margin else None)
    return _gain(gate, row, sign, gate.margin)._replace(least=least, most=most)


def suspicious(gate: Gate, row: Row, sign: int) -> Asked:
    """The candidate is not better by so much that a leak is likelier than a better model."""
    assert gate.suspicious is not None
    return _gain(gate, row, sign, gate.suspicious)._replace(most=gate.suspicious.size)


def within(gate: Gate, row: Row, sign: int) -> Asked:
    """The metric lies between two bounds."""
    assert gate.within is not None
    words = f"{row.get('metric', gate.metric)} of {gate.model}"
    return Asked(row.get("value"), row.get("ci_low"), row.get("ci_high"), *gate.within, words)


def at_most(gate: Gate, row: Row, sign: int) -> Asked:
    """The metric has not got worse than on an earlier day by more than a margin."""
    assert gate.at_most is not None
    names = ("relative_difference", "relative_low", "relative_high")
    value, *ends = (row.get(name) for name in (names if gate.at_most.relative else ("difference", "ci_low", "ci_high")))
    low, high = ends if sign < 0 else [None if end is None else -end for end in reversed(ends)]
    worse = None if value is None else -sign * value
    how = ", relatively," if gate.at_most.relative else ""
    when = "on the reference day" if gate.against == "reference" else f"{gate.against} before"
    words = f"how much worse{how} {row.get('metric', gate.metric)} of {gate.model} is than {when}"
    return Asked(worse, low, high, -math.inf, gate.at_most.size, words)


def rows(gate: Gate, row: Row, sign: int) -> Asked:
    """As many rows are scored at least."""
    assert gate.rows is not None
    n = float(row["n"])
    words = f"the number of rows scored by {gate.model}"
    return Asked(n, n, n, gate.rows - 0.5, math.inf, words, f"at least {gate.rows:,}")


def final(gate: Gate, row: Row, sign: int) -> Asked:
    """Labels no longer change at this age, and the run is not provisional."""
    known = float(bool(row["is_final"]))
    return Asked(known, known, known, 0.5, math.inf, "whether labels no longer change (1: so it is)", "1")


KINDS: Final[Mapping[str, Callable[[Gate, Row, int], Asked]]] = {
    each.__name__: each for each in (require, suspicious, within, at_most, rows, final)
}
