"""Whether a log is all there, told from its own rows: by the hour, and beside those of earlier days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

# One false alarm in so many logs, at most, were rows as independent as the rules take them for.
EVIDENCE = math.log(10_000)
# A rate may well halve in the course of a day: people look in the evening and buy in the morning.
SLOWER = 0.5


class Tail(NamedTuple):
    """The last hours of a log: from which hour on, the rows there, and those that the hours before let expect."""

    hour: int
    rows: int
    expected: float


def short_tail(hours: Sequence[int], exposure: Sequence[int], usual: Sequence[int], share: float) -> Tail | None:
    """The last hours of a log if they hold less than a share of what is to be expected, or None.

    Expected is what the rows of the hours before make of a profile's last hours: of the impressions of the day (events
    follow them), and of the same hours of earlier days; of those that are known both must say so. Few rows say nothing:
    were the log half as frequent in its last hours as before, so few rows there must be rarer than one in 10,000.
    Nor is a log short that goes on by the clock: the events of quiet hours are of yesterday's impressions.

    Args:
        hours: Rows of the log by the hours of the day, and those that come later.
        exposure: The impressions of each; empty where they say nothing about the log.
        usual: Its rows on earlier days; empty where there are none.
        share: Of the expected rows.

    Example:
        >>> short_tail([40, 38, 2, 0, 0], [1000, 1000, 1000, 800, 1200], [], 0.1)
        Tail(hour=3, rows=0, expected=53.333333333333336)
        >>> short_tail([2, 1, 0, 0, 0], [1000, 1000, 1000, 800, 1200], [], 0.1) is None
        True
    """
    found = []
    profiles = [profile for profile in (exposure, usual) if profile]
    for hour in range(1, max(map(len, profiles), default=1)):
        tails = [tail for profile in profiles if (tail := _tail(hours, profile, hour, share))]
        if len(tails) == len(profiles) and _has_stopped(hours, hour, share):
            found.append(min(tails, key=lambda tail: tail.expected))
    return min(found, key=lambda tail: tail.rows / tail.expected, default=None)


def _tail(hours: Sequence[int], profile: Sequence[int], hour: int, share: float) -> Tail | None:
    before, rows = sum(hours[:hour]), sum(hours[hour:])
    usual_before, usual_after = sum(profile[:hour]), sum(profile[hour:])
    if not before or not usual_before:
        return None
    expected = before * usual_after / usual_before
    slower = SLOWER * usual_after / (usual_before + SLOWER * usual_after)
    short = rows < share * expected and _divergence(rows, before + rows, slower) > EVIDENCE
    return Tail(hour, rows, expected) if short else None


def _has_stopped(hours: Sequence[int], hour: int, share: float) -> bool:
    """Whether the rows of an hour are fewer from one on than a share of what they were before."""
    return sum(hours[hour:]) * hour < share * sum(hours[:hour]) * (len(hours) - hour)


def _divergence(few: int, all_: int, chance: float) -> float:
    """−ln of Chernoff's bound on the probability that of `all_` rows at most `few` fall where each does by chance."""
    share = few / all_
    if share >= chance:
        return 0.0
    inside = share * math.log(share / chance) if few else 0.0
    return all_ * (inside + (1.0 - share) * math.log((1.0 - share) / (1.0 - chance)))


def usual_rows(earlier: Sequence[int], alike: int | None) -> float:
    """The rows that a day may have at least as many as: of the usual day, or of one like it, if that had fewer."""
    usual = float(median(earlier))
    return usual if alike is None else min(usual, alike)


def too_few(rows: int, usual: float, share: float) -> bool:
    """Whether rows are fewer than a share of the usual, and that by more than chance.

    Example:
        >>> too_few(400, 1000, 0.5), too_few(4, 9, 0.5), too_few(600, 1000, 0.5), too_few(3, 0, 0.5)
        (True, False, False, False)
    """
    if rows >= share * usual:
        return False
    return usual - rows + (rows * math.log(rows / usual) if rows else 0.0) > EVIDENCE
