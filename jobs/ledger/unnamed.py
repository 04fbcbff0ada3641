"""The options that decide numbers without being part of their names: while a name stands, so do they."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from udfs.catalog import unnamed_options
from udfs.kinds import KINDS

OPTIONS: Final = "options"  # their place among the definitions of a run

# Where the options of the measures are configured; the bins' are of no consequence where no bins are kept.
OF_LOSS: Final[Mapping[str, str]] = {"alpha": "loss.alpha", "gamma": "loss.gamma", "k": "loss.k"}
OF_BINS: Final[Mapping[str, str]] = {"threshold": "bins.thresholds", "calibration_bins": "bins.calibration_bins"}
# What decides numbers from outside the measures, and of which numbers.
BITS: Final = "bins.bits"
KERNEL: Final = "loss.kernel"
GROUP_ROWS: Final = "limits.group_rows"
GROUP: Final = "impressions.columns.group"
DUPLICATES: Final = "impressions.duplicates"
ID: Final = "impressions.columns.id"
REFERENCE: Final = "baselines.reference"
DEPENDENT: Final = {
    BITS: "every number from score bins, such as auc",
    KERNEL: "the last digit of every loss",
    **dict.fromkeys((GROUP, GROUP_ROWS), "every number of a task about candidates"),
    DUPLICATES: "every number (without impressions.columns.id no duplicate is found)",
    REFERENCE: "every metric that ends in [reference]",
}


def recorded(document: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a configuration on which something published depends, by their place in it.

    Those that it does not have are of a time when there was no choice.
    """
    found = {place: _at(document, place) for place in sorted(_places(document))}
    if _at(document, ID) is None:
        # Without ids no copy is known, whatever is configured.
        found[DUPLICATES] = "none"
    return {place: value for place, value in found.items() if value is not None}


def dependent(place: str) -> str:
    """What depends on an option, in words."""
    option = {where: option for option, where in {**OF_LOSS, **OF_BINS}.items()}.get(place)
    if option is None:
        return next(words for start, words in DEPENDENT.items() if place.startswith(start))
    names = (name for kind in KINDS for name in unnamed_options(kind).get(option, ()))
    return ", ".join(dict.fromkeys(names))


def of_results(place: str) -> bool:
    """Whether an option decides what is made of sums, and no sum: days can be made again with another one."""
    return place in (*OF_LOSS.values(), *OF_BINS.values()) or place.startswith(REFERENCE)


def _places(document: Mapping[str, Any]) -> Iterator[str]:
    yield DUPLICATES
    for kind in sorted({task["kind"] for task in document["tasks"].values()}):
        options = unnamed_options(kind)
        yield from (place for option, place in OF_LOSS.items() if option in options)
        if KINDS[kind].logarithms:
            yield KERNEL
        if KINDS[kind].of_groups:
            yield from (GROUP, GROUP_ROWS)
        if KINDS[kind].bins and document["bins"]["slices"]:
            yield BITS
            yield from (place for option, place in OF_BINS.items() if option in options)
    yield from (f"{REFERENCE}.{task}" for task in document["baselines"]["reference"])


def _at(document: Mapping[str, Any], place: str) -> Any:
    found: Any = document
    for key in place.split("."):
        found = None if found is None else found.get(key)
    return found
