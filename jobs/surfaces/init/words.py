"""The words of which names of columns are made in our field, and what they say of a column."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from itertools import count
from typing import Final

# What a word stands for, so that `clk`, `clicked` and `ctr` are one.
MEANT: Final = {
    **dict.fromkeys(("clk", "clicked", "clicks", "ctr"), ("click",)),
    **dict.fromkeys(
        ("conv", "convs", "converted", "converts", "conversions", "cvr", "ctcvr"),
        ("conversion",),
    ),
    **dict.fromkeys(("viewed", "views", "viewable", "viewability", "vtr"), ("view",)),
    **dict.fromkeys(("installed", "installs"), ("install",)),
    **dict.fromkeys(("purchased", "purchases", "bought", "orders", "ordered"), ("purchase",)),
    **dict.fromkeys(("liked", "likes"), ("like",)),
    **dict.fromkeys(("won", "wins", "winner"), ("win",)),
    **dict.fromkeys(("ts", "timestamp", "datetime", "dt", "at"), ("time",)),
    **dict.fromkeys(("imp", "impr", "impressions", "imps", "shown", "show"), ("impression",)),
    **dict.fromkeys(("preds", "predict", "predicted", "prediction", "predictions"), ("pred",)),
    **dict.fromkeys(("prob", "proba", "probs", "probability"), ("p",)),
    "logits": ("logit",),
    "scores": ("score",),
    "labels": ("label",),
    "weights": ("weight",),
    **dict.fromkeys(("uid", "userid"), ("user", "id")),
    "uuid": ("id",),
    "guid": ("id",),
    "pctr": ("p", "click"),
    "pclick": ("p", "click"),
    "pcvr": ("p", "conversion"),
    "pconv": ("p", "conversion"),
    "phat": ("p", "hat"),
    "yhat": ("y", "hat"),
    "ypred": ("y", "pred"),
}
# What can happen to an impression; a score and a label of one topic belong together.
TOPICS: Final = ("conversion", "purchase", "install", "click", "view", "like", "win")
LABEL: Final = frozenset({*TOPICS, "label", "target", "outcome", "response", "y"})
SCORE: Final = frozenset({"p", "pred", "score", "hat", "logit", "z", "estimate", "forecast", "likelihood"})
# Numbers between 0 and 1 that no model says of an impression.
NO_SCORE: Final = frozenset(
    {
        *("propensity", "weight", "sampling", "price", "bid", "cost", "feature", "affinity", "rank", "quality"),
        *("hist", "history", "historical", "avg", "mean", "past", "credit", "discount"),
    }
)
LOGIT: Final = frozenset({"logit", "z", "margin", "logodds"})
WEIGHT: Final = frozenset({"weight", "w", "importance"})
UNIT: Final = frozenset({"user", "cookie", "visitor", "member", "device", "household", "person"})
TIME: Final = frozenset({"time", "date", "day", "when"})
# Times of something else than the impression.
OTHER_TIME: Final = frozenset(
    {*TOPICS, "update", "updated", "load", "loaded", "ingested", "processed", "birth"} - {"view"}
)
DIMENSION: Final = (
    *("country", "device", "os", "platform", "placement", "slot", "position", "exchange", "adexchange", "region"),
    *("campaign", "advertiser", "publisher", "channel", "format", "network", "browser", "app", "site", "category"),
    *("segment", "gender", "age", "language", "city", "hour", "weekday"),
)
# Columns of features, numbered: they are many and nobody cuts by them.
NUMBERED: Final = re.compile(
    r"(.*[_\W])?(feat(ure)?s?|num(erical)?|cat(egorical)?|affinity|emb(edding)?|dim|f|i|c|v|x|col)[_\W]?\d+",
    re.IGNORECASE,
)
WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
NO_ID: Final = frozenset({"bid", "valid", "paid", "grid", "android", "mid", "avid", "kid"})


def words(name: str) -> tuple[str, ...]:
    """The words of a name, lower case, each as what it stands for.

    >>> words("isClicked"), words("pCTR"), words("p_conv"), words("impression_ts")
    (('is', 'click'), ('p', 'click'), ('p', 'conversion'), ('impression', 'time'))
    """
    whole = name.lower()
    if whole in MEANT:
        return MEANT[whole]
    return tuple(meant for word in WORD.findall(name) for meant in MEANT.get(word.lower(), (word.lower(),)))


def topic(name: str) -> str | None:
    """What a name says that happens, or None.

    >>> topic("pctr"), topic("score"), topic("has_converted")
    ('click', None, 'conversion')
    """
    said = words(name)
    return next((each for each in TOPICS if each in said), None)


def says(name: str, meanings: Iterable[str]) -> bool:
    """Whether one of some words is in a name."""
    return not set(meanings).isdisjoint(words(name))


def is_id(name: str) -> bool:
    """Whether a name is that of ids or keys.

    >>> is_id("impression_id"), is_id("bidid"), is_id("bid"), is_id("Id"), is_id("android")
    (True, True, False, True, False)
    """
    last = (words(name) or ("",))[-1]
    return last in ("id", "key", "hash") or (last.endswith("id") and last not in NO_ID)


def slug(name: str, otherwise: str = "log") -> str:
    """A name of a-z, 0-9 and _ that begins with a letter.

    >>> slug("Ads 2026-11.csv"), slug("日志")
    ('ads_2026_11_csv', 'log')
    """
    made = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return made if made[:1].isalpha() else f"{otherwise}_{made}" if made else otherwise


def free(name: str, taken: Container[str]) -> str:
    """A name that is not taken: itself, or with the first number from 2 on that is free.

    >>> free("click", ()), free("click", ("click", "click_2"))
    ('click', 'click_3')
    """
    names = (name if rank == 1 else f"{name}_{rank}" for rank in count(1))
    return next(each for each in names if each not in taken)


def singular(name: str) -> str:
    """A name without the ending of several.

    >>> singular("clicks"), singular("conversions"), singular("views")
    ('click', 'conversion', 'view')
    """
    return name.removesuffix("s") if len(name) > 3 and not name.endswith("ss") else name
