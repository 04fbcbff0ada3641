"""Numbers, days and names as a reader sees them; each number keeps its exact value beside its text."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

NOTHING = "–"
MINUS = "−"
# Reasons are words of the tables; these are what they mean to who does not know those.
REASONS = {
    "too_few_rows": "too few rows",
    "too_few_shards": "too few shards of users",
    "too_few_positives": "too few positives",
    "dominant_shard": "one shard holds too much of the weight",
    "single_class": "labels of one class only",
    "no_weight": "no weight",
    "no_day": "the earlier day is not there",
    "not_recorded": "not recorded on that day",
    "labels_can_change": "labels can still change",
    "provisional": "the night is provisional",
    "other_shards": "too few shards are those of the earlier day",
    "cells_not_by_shard": "the earlier day had not declared the slice",
    "no_shards": "bins are not kept by shard",
}


def exact(value: Any) -> str:
    """A number as programs read it, all digits kept: what stands in `<data value>`.

    >>> exact(0.1), exact(3), exact(None)
    ('0.1', '3', '')
    """
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def short(value: Any, spread: float | None = None) -> str:
    """A number as people read it: with as many decimals as its spread has a say in, or four digits without one.

    >>> short(0.123456, 0.0021), short(0.123456), short(12345), short(None), short(-0.5)
    ('0.1235', '0.1235', '12,345', '–', '−0.5')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    if spread is not None and 0.0 < spread < math.inf:
        return f"{value:,.{decimals(spread)}f}".replace("-", MINUS)
    whole = isinstance(value, Decimal) or abs(value) >= 1e3
    return (f"{value:,.0f}" if whole else f"{value:.4g}").replace("-", MINUS)


def decimals(spread: float) -> int:
    """How many decimals show two digits of a spread.

    >>> decimals(0.0021), decimals(15.0)
    (4, 0)
    """
    return min(9, max(0, 1 - math.floor(math.log10(spread))))


def percent(value: float | None, digits: int = 1) -> str:
    """A share with its sign, in percent.

    >>> percent(0.0712), percent(-0.5, 0), percent(None)
    ('+7.1 %', '−50 %', '–')
    """
    return NOTHING if value is None else f"{100.0 * value:+.{digits}f} %".replace("-", MINUS)


def signed(value: int) -> str:
    """A whole number with its sign.

    >>> signed(3), signed(-3), signed(0)
    ('+3', '−3', '0')
    """
    return f"{value:+d}".replace("-", MINUS) if value else "0"


def share(value: float | None) -> str:
    """A share in percent, three digits.

    >>> share(0.98765), share(1.0)
    ('98.8 %', '100 %')
    """
    return NOTHING if value is None else f"{100.0 * value:.3g} %"


def half(low: float | None, high: float | None) -> float | None:
    """Half the width of an interval, which says how many digits mean something."""
    return None if low is None or high is None else (high - low) / 2.0


def finer(spread: float | None) -> float | None:
    """A tenth of a spread: parts of a number have a digit more than it."""
    return None if spread is None else spread / 10.0


def when(value: date | datetime | None) -> str:
    """A day, or a moment in UTC.

    >>> when(date(2026, 11, 6)), when(datetime(2026, 11, 6, 7, 5))
    ('6 Nov', '2026-11-06 07:05 UTC')
    """
    if value is None:
        return NOTHING
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else f"{value.day} {value:%b}"


def reason(word: str | None) -> str:
    """Why there is no number, in words."""
    return NOTHING if word is None else REASONS.get(word, word.replace("_", " "))


def safe(value: Any) -> Any:
    r"""A text from the data without what would steer or turn around what is shown; line breaks stay.

    >>> print(safe("a\u202eb"))
    a\u202eb
    """
    if type(value) is not str:
        return value
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in value)


def without(sentence: str, verdict: str) -> str:
    """A sentence without the verdict at its beginning, which is said beside it.

    >>> without("not judged: there is no interval", "not_judged")
    'there is no interval'
    """
    return sentence.removeprefix(f"{verdict.replace('_', ' ')}: ")


def listed(names: list[str]) -> str:
    """Names as a sentence has them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def slice_text(text: str) -> str:
    """A slice as people read it.

    >>> slice_text("country=DE,device=ios"), slice_text("")
    ('country=DE, device=ios', 'all impressions')
    """
    return text.replace(",", ", ") if text else "all impressions"
