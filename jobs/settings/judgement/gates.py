"""What a night has to meet: the gates, each one requirement of a number in one or more slices."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from jobs.settings.errors import WrongValueError
from jobs.settings.fields import Items, ModelName, Name, PositiveCount, Section, among
from jobs.settings.judgement.requirements import REQUIREMENTS

MARGIN = re.compile(r"[+]?([0-9]+(?:\.[0-9]+)?)\s*(%?)")
# What each requirement is of: two models of a comparison, or one model.
OF_COMPARISONS = ("require", "suspicious")
OF_MODELS = ("within", "at_most", "rows", "final")
LEAST = 1e-9  # a margin of nothing is none


class Margin(NamedTuple):
    """How much: a part of what it is compared with, or an amount in the unit of the metric."""

    size: float
    relative: bool

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.size * 100:.12g}%" if self.relative else f"{self.size:.12g}"


def _margin(value: object) -> object:
    if isinstance(value, Margin):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and LEAST <= value < math.inf:
        return Margin(float(value), False)
    match = MARGIN.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) < LEAST:
        raise WrongValueError("an amount above 0 in the unit of the metric such as 0.002, or a part such as 1%")
    size = float(match[1])
    return Margin(size / 100.0, True) if match[2] else Margin(size, False)


Amount = Annotated[Margin, PlainValidator(_margin), PlainSerializer(str)]
Policy = Literal["allow", "fail"]


class Gate(Section):
    """One requirement, judged by its interval in every slice of `slices`.

    Of a comparison: `require` better, not_worse and others, most by a `margin`; `suspicious`, better by so much that it
    is too good to be true. Of a model: `within` two bounds; a change `at_most` so much against an earlier day; `rows`,
    as many at least; `final`, that labels no longer change. Where the interval holds both, or nothing can be said, the
    night passes unless `undecided` or `not_judged` say `fail`.
    """

    task: str
    comparison: Name | None = None
    model: ModelName | None = None
    metric: str | None = None
    require: Annotated[str, among(REQUIREMENTS)] | None = None
    margin: Amount | None = None
    suspicious: Amount | None = None
    within: tuple[float, float] | None = Field(default=None, strict=False)
    against: str | None = None
    at_most: Amount | None = None
    rows: PositiveCount | None = None
    final: Literal[True] | None = None
    slices: Items[Items[str]] = ((),)
    every_night: bool = True
    undecided: Policy = "allow"
    not_judged: Policy = "allow"

    @property
    def kind(self) -> str:
        """Which requirement it is: the key that says it."""
        return next(name for name in (*OF_COMPARISONS, *OF_MODELS) if getattr(self, name) is not None)

    @property
    def relative(self) -> bool:
        """Whether it asks for a part of what is compared with, and not for an amount in the unit of the metric."""
        amount = self.margin or self.suspicious or self.at_most
        return amount is not None and amount.relative

    @model_validator(mode="before")
    @classmethod
    def _one_requirement(cls, given: Any) -> Any:
        if isinstance(given, dict):
            asked = [name for name in (*OF_COMPARISONS, *OF_MODELS) if given.get(name) is not None]
            if len(asked) != 1:
                found = " and ".join(asked) or "no requirement"
                raise WrongValueError("one of require, suspicious, within, at_most, rows, final", found=found)
            if asked[0] == "require" and str(given["require"]) not in REQUIREMENTS:
                return given  # which is told of the field
            _has(given, ("comparison",) if asked[0] in OF_COMPARISONS else ("model",), asked[0])
            _has(given, _needed(given, asked[0]), asked[0])
            _reads(given, asked[0])
        return given

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.within is not None and self.within[0] >= self.within[1]:
            raise WrongValueError("two bounds, the lower one first", found=f"within {list(self.within)}")
        return self


def _needed(given: dict[Any, Any], asked: str) -> tuple[str, ...]:
    if asked in ("rows", "final"):
        return ()
    if asked == "require":
        return ("metric", *["margin"] * REQUIREMENTS[str(given["require"])].has_margin)
    return ("metric", "against") if asked == "at_most" else ("metric",)


def _has(given: dict[Any, Any], keys: tuple[str, ...], asked: str) -> None:
    for key in keys:
        if given.get(key) is None:
            raise WrongValueError(f"the key {key}, as {asked} needs it", found=f"{asked} without {key}")


def _reads(given: dict[Any, Any], asked: str) -> None:
    """Refuse what has no say in a requirement: whoever wrote it meant something."""
    own = "comparison" if asked in OF_COMPARISONS else "model"
    read = {own, "metric", *_needed(given, asked), *(("every_night",) if own == "comparison" else ())}
    for key in ("comparison", "model", "margin", "against", "every_night"):
        # every_night: true is what is not said.
        if key not in read and given.get(key) not in (None, True):
            raise WrongValueError(f"no key {key}, as {asked} does not read it", found=f"{asked} and {key}")
