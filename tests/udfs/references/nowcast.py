"""What every nowcast should be, for the shares of the positives, their loss and its complement, and what we compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from mpmath import mpf

from tests.udfs.references.baselines import priced_sums
from tests.udfs.references.binary import Exact, Reference, _elementwise, _nll, entropy, nll
from tests.udfs.rows.binary import OPTIONS, Rows, Value
from udfs.catalog import published
from udfs.measures.nowcast import NOWCAST
from udfs.pricing import evaluated

Shares = Mapping[str, float]


def final_nll(e: Exact, shares: Shares) -> mpf:
    """The loss once all positives are there: more of them, and fewer that still pass as negative."""
    of_loss, of_complement = (mpf(shares[name]) for name in ("arrived_loss_share", "arrived_complement_share"))
    complement = e.sum(e.y * _elementwise(_nll, e.y, e.priced_c, e.priced_p))
    late = e.sum(e.y * e.loss_of_1) * (1 / of_loss - 1)
    return nll(e) + late - complement * (1 / of_complement - 1)


def final_entropy(positives: mpf, weight: mpf) -> mpf:
    """Entropy of the final rate; without one where more positives would be due than there is weight."""
    if not 0 < positives < weight:
        raise ZeroDivisionError
    return entropy(positives, weight - positives)


def share(shares: Shares) -> mpf:
    return mpf(shares["arrived_share"])


REFERENCES: dict[str, Callable[[Shares], Reference]] = {
    "log_loss": lambda f: lambda e: final_nll(e, f) / e.sum(1),
    "normalized_entropy": lambda f: (
        lambda e: final_nll(e, f) / (w := e.sum(1)) / final_entropy(e.sum(e.y) / share(f), w)
    ),
    "predicted_over_actual": lambda f: lambda e: e.sum(e.p) / (e.sum(e.y) / share(f)),
}


def nowcast_of(rows: Rows, shares: Shares) -> dict[str, Value]:
    """The nowcasts of rows, such shares having arrived."""
    sums = {**priced_sums(rows), **{name: np.array([shares[name]]) for name in NOWCAST}}
    found = {name: evaluated(metric, sums) for name, metric in published("binary", OPTIONS, "nowcast").items()}
    return {name: (float(values[0]), reasons[0]) for name, (values, reasons) in found.items()}
