"""Statements that something found is what was expected, and the verdict on a proof that is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

TOLD: Final = 20  # findings of a proof that are told one by one
PROVEN: Final = "proven"
WRONG: Final = "wrong"
NOT_PROVEN: Final = "not_proven"
NOTHING: Final = "nothing_to_prove"
LEFT_OUT: Final = "left_out"


@dataclass(frozen=True)
class Statement:
    """That what was found somewhere is what was expected there.

    Attributes:
        where: The table, and the row in it.
        found: What is there.
        expected: What should be.
        holds: Whether it is so; None where it could not be found out, `found` says why then.
        count: How many numbers were held against each other at once.
    """

    where: str
    found: Any
    expected: Any
    holds: bool | None
    count: int = 1

    @property
    def facts(self) -> dict[str, str]:
        """The same as text."""
        return {"where": self.where, "found": str(self.found), "expected": str(self.expected)}

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.where}: found {self.found}, expected {self.expected}"


def equal(where: str, found: Any, expected: Any) -> Statement:
    """That a value is equal to the expected one.

    Example:
        >>> print(equal("runs.rows_read", 9, 10))
        runs.rows_read: found 9, expected 10
    """
    return Statement(where, found, expected, found == expected)


def sure(where: str, found: Any, expected: Any, *, holds: bool) -> Statement:
    """That a value is as expected, where that is another question than whether it is equal."""
    return Statement(where, found, expected, holds)


def all_hold(count: int) -> Statement:
    """That so many values are all as expected."""
    return Statement("", "", "", True, count)


def unknown(where: str, why: str) -> Statement:
    """That something could not be found out, and why."""
    return Statement(where, why, "what proves it", None, 0)


@dataclass(frozen=True)
class Verdict:
    """What is said of one proof.

    Attributes:
        proof: Its name.
        state: `proven`, `wrong`, `not_proven`, `nothing_to_prove`, or `left_out` where it was not asked for.
        compared: How many values were held against what they should be.
        wrong: How many were something else.
        findings: The first of those.
        open: What could not be found out, as sentences.
    """

    proof: str
    state: str
    compared: int = 0
    wrong: int = 0
    findings: tuple[Statement, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "proof": self.proof,
            "state": self.state,
            "compared": self.compared,
            "wrong": self.wrong,
            "findings": [finding.facts for finding in self.findings],
            "not_proven": list(self.open),
        }


def verdict(proof: str, statements: Iterable[Statement]) -> Verdict:
    """What follows from all statements of a proof: one that is wrong decides, then one that could not be made.

    Example:
        >>> verdict("rows", [equal("a", 1, 1), all_hold(5)]).state, verdict("rows", []).state
        ('proven', 'nothing_to_prove')
    """
    compared = wrong = 0
    findings: list[Statement] = []
    open_ones: dict[str, None] = {}
    for each in statements:
        compared += each.count
        if each.holds is None:
            open_ones[f"{each.where}: {each.found}"] = None
        elif not each.holds:
            wrong += 1
            findings += [each] if len(findings) < TOLD else []
    return Verdict(proof, _state(compared, wrong, list(open_ones)), compared, wrong, tuple(findings), tuple(open_ones))


def _state(compared: int, wrong: int, open_ones: Sequence[str]) -> str:
    if wrong:
        return WRONG
    if open_ones:
        return NOT_PROVEN
    return PROVEN if compared else NOTHING
