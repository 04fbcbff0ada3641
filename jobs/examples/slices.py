"""The declared slices of a day: what they are called, and how cells are grouped to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jobs.settings import Evaluation
from udfs.scan.grains import Grouping

Cell = tuple[str, ...]
Texts = Mapping[tuple[str, ...], Sequence[str]]  # what slices are called, by the dimensions whose values they fix


@dataclass(frozen=True)
class Slices:
    """The slices of one declaration.

    Attributes:
        dimensions: Those whose values they fix.
        texts: What each is called, by its number.
        grouping: How cells are grouped to them.
    """

    dimensions: tuple[str, ...]
    texts: list[str]
    grouping: Grouping


def declared(cells: Sequence[Cell], settings: Evaluation) -> list[Slices]:
    """The slices of every declaration; those that a finer declaration adds up to are not summed row by row."""
    alone = [_alone(cells, settings, dimensions) for dimensions in settings.slices]
    return [replace(each, grouping=_grouped(each, alone)) for each in alone]


def by_dimensions(texts: Iterable[str]) -> Texts:
    """Slices by the dimensions that are in their texts: no value holds a comma or an equals sign.

    Example:
        >>> by_dimensions(["", "country=DE", "country=FR", "country=DE,device=a%3Db"])[("country", "device")]
        ['country=DE,device=a%3Db']
    """
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in texts:
        found[tuple(part.split("=")[0] for part in text.split(",")) if text else ()].append(text)
    return found


def _alone(cells: Sequence[Cell], settings: Evaluation, dimensions: Sequence[str]) -> Slices:
    positions = [settings.dimensions.index(name) for name in dimensions]
    own = [tuple([cell[i] for i in positions]) for cell in cells]
    number = {values: i for i, values in enumerate(dict.fromkeys(own))}
    texts = [",".join(f"{name}={value}" for name, value in zip(dimensions, values, strict=True)) for values in number]
    of_cell = np.array([number[values] for values in own], dtype=np.int64)
    return Slices(tuple(dimensions), texts, Grouping(of_cell, len(texts), binned=_binned(dimensions, settings)))


def _binned(dimensions: Sequence[str], settings: Evaluation) -> int | None:
    """How many shards of a declaration of slices have score bins of their own; None without bins."""
    if not settings.keeps_bins(dimensions):
        return None
    return settings.shards.count if settings.bins.shards else 0


def _grouped(coarse: Slices, every: Sequence[Slices]) -> Grouping:
    """A grouping with the one that adds up to it: of the finest the one with fewest slices."""
    finest = [(i, fine) for i, fine in enumerate(every) if not any(_is_finer(other, fine) for other in every)]
    finer = [(fine.grouping.slices, i) for i, fine in finest if _is_finer(fine, coarse)]
    if not finer:
        return coarse.grouping
    parent = min(finer)[1]
    of_parent = np.zeros(every[parent].grouping.slices, dtype=np.int64)
    of_parent[every[parent].grouping.of_cell] = coarse.grouping.of_cell
    return replace(coarse.grouping, parent=parent, of_parent=of_parent)


def _is_finer(fine: Slices, coarse: Slices) -> bool:
    return set(coarse.dimensions) < set(fine.dimensions)
