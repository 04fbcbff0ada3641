"""Every proof by its name, in the order in which they are told: a new one is one function, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from jobs.audit.evidence import Evidence
from jobs.audit.proofs.compared import comparisons
from jobs.audit.proofs.derived import metrics
from jobs.audit.proofs.ids import ids
from jobs.audit.proofs.keys import keys
from jobs.audit.proofs.ledger_of_rows import rows, weights
from jobs.audit.proofs.one_run import one_run
from jobs.audit.proofs.sample import sample
from jobs.audit.proofs.totals import totals
from jobs.audit.proofs.vintages import vintages
from jobs.audit.statement import LEFT_OUT, Statement, Verdict, verdict

Proof = Callable[[Evidence], Iterator[Statement]]
PROOFS: Final[dict[str, Proof]] = {
    proof.__name__: proof
    for proof in (one_run, keys, rows, weights, totals, comparisons, metrics, vintages, sample, ids)
}


def proven(of: Evidence, without: Collection[str] = ()) -> tuple[Verdict, ...]:
    """The verdict on every proof of a day at an age, those left out that nobody asks for."""
    return tuple(
        Verdict(name, LEFT_OUT) if name in without else verdict(name, proof(of)) for name, proof in PROOFS.items()
    )
