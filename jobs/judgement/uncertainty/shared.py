"""The shards that two days have in common: by these a difference of both is made, shard by shard."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from jobs.judgement.uncertainty.shards import LEAST_SHARDS
from jobs.settings.sections import Shards

OTHER_SHARDS = "other_shards"  # why there is no interval


@dataclass(frozen=True)
class Shared:
    """By how many shards two days are summed, and whether a unit is in the same one on both: else they do not pair."""

    count: int
    paired: bool


def shared(one: Shards, other: Shards) -> Shared:
    """What the shards of two days have in common: as many as the greatest common divisor of their counts.

    They do not pair where their salts differ, or fewer would be left than an interval takes. Then both are summed by
    as many as the day with more of them has.

    >>> shared(Shards(count=32), Shards(count=48)), shared(Shards(count=32), Shards(count=24)).paired
    (Shared(count=16, paired=True), False)
    """
    count = gcd(one.count, other.count)
    unchanged = one.count == other.count
    if one.salt == other.salt and (unchanged or count >= LEAST_SHARDS):
        return Shared(count, True)
    return Shared(max(one.count, other.count), False)
