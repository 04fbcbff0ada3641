"""What we compute for a case of a reference file, with how far it may be from the file's value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf
from numpy.typing import ArrayLike

from tests.udfs.references.binary import REFERENCES, ROW_RTOL, Exact, Reference, exact, value_and_bound
from tests.udfs.rows.binary import OPTIONS, Rows, metrics_of_rows, sums_of
from udfs.catalog import columns_of
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import UNITS
from udfs.examples.binary import binary_examples
from udfs.measure import Options

FOLDER = Path(__file__).parents[2] / "reference"
SPACING = mpf(2) ** -1074  # doubles are no finer, near 0
Case = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """A number of ours; `true` is what the reference says of it, within `bound` of which it has to be."""

    found: float | None
    true: mpf | None
    bound: mpf


@dataclass(frozen=True)
class Evaluation:
    """The metrics of some rows, to be claimed by name or as the basis of another number."""

    rows: Rows
    options: Options
    metrics: Mapping[str, tuple[float, str | None]]
    exact: Exact

    def claim(self, name: str) -> Claim:
        """A metric of the catalogue; None where it is undefined."""
        return self.of(self.number(name), REFERENCES[name])

    def of(self, found: float | None, reference: Reference) -> Claim:
        """A number made of metrics, with its own reference for the propagation of errors."""
        return Claim(found, *value_and_bound(reference, self.exact))

    def number(self, name: str) -> float | None:
        """A metric, None where it is undefined."""
        value, reason = self.metrics[name]
        return value if reason in (None, "infinite") else None

    def sum(self, name: str) -> float:
        """A statistic."""
        return float(sums_of(self.rows, self.options)[name] / UNITS)


def evaluation(rows: Rows, **options: float) -> Evaluation:
    """The metrics of rows under some other options than the usual ones."""
    chosen = {**OPTIONS, **options}
    return Evaluation(rows, chosen, metrics_of_rows(rows, chosen), exact(rows, chosen))


def terms(rows: Rows, names: Iterable[str], options: Options = OPTIONS) -> FloatArray:
    """The sum of some statistics' terms row by row; infinite for a hard score that is wrong."""
    columns = binary_examples(rows.label, rows.weight, rows.score, rows.scale)
    wrong = columns["label"] * columns["score_is_zero"] + (1.0 - columns["label"]) * columns["score_is_one"]
    total = sum(s.of(columns) for s in columns_of("binary", {**OPTIONS, **options}).values() if s.name in set(names))
    return np.where(wrong > 0.0, np.inf, total)


def cases(file: str) -> list[Case]:
    """The cases of a file of the folder `tests/reference`."""
    found: list[Case] = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))["cases"]
    return found


def doubles(values: ArrayLike | str) -> FloatArray:
    """The inputs of a case as the doubles they stand for; `f32:0.1` is the binary32 nearest 0.1, widened."""
    return np.array([_double(value) for value in np.atleast_1d(np.asarray(values, dtype=np.object_))])


def _double(value: object) -> float:
    if isinstance(value, str) and value.startswith("f32:"):
        return float(np.float32(value.removeprefix("f32:")))
    return float(value)  # type: ignore[arg-type]  # a number, or inf, -inf, nan


def digits(value: object) -> mpf | None:
    """An expected value with all its digits; None for undefined."""
    if value is None:
        return None
    return mpf(value["v"] if isinstance(value, Mapping) else value)


def assert_claimed(
    found: Claim | FloatArray | Mapping[str, float | None] | float | None, expected: object, rtol: float
) -> None:
    """The numbers of a row kernel are within rtol, those made of sums within the bound of the sums' error."""
    if isinstance(found, Claim):
        _assert_bounded(found, digits(expected), rtol)
    elif isinstance(expected, Mapping) and isinstance(found, Mapping):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_claimed(found[key], value, rtol)
    elif isinstance(expected, list):
        assert isinstance(found, np.ndarray)
        for one, other in zip(found, expected, strict=True):
            assert_claimed(one, other, rtol)
    else:
        assert found is None or isinstance(found, float | int)
        _assert_close(found, digits(expected), rtol)


def _assert_close(found: float | None, expected: mpf | None, rtol: float) -> None:
    if found is None or expected is None or mp.isinf(expected):
        assert found == expected
    else:
        assert abs(mpf(found) - expected) <= mpf(rtol) * abs(expected) + SPACING


def _assert_bounded(claim: Claim, expected: mpf | None, rtol: float) -> None:
    assert rtol > ROW_RTOL
    if claim.found is None or expected is None or mp.isinf(expected):
        assert claim.found == expected
        return
    # The reference that gave the bound is the right one, to the digits of the file.
    assert claim.true is not None
    assert abs(claim.true - expected) <= mpf("1e-28") * max(1, abs(expected))
    assert abs(mpf(claim.found) - expected) <= claim.bound
