"""The numbers of `docs/compare.md` are computed: by scikit-learn, by us, by the published formulas of the others."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tests.udfs.claims.peer_formulas import FORMULAS
from tests.udfs.rows.binary import OPTIONS, metrics_of_rows, rows_of
from tests.udfs.rows.bins import metrics_of_bins
from udfs.exact.arrays import FloatArray
from udfs.measures.peers import PEERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
HOPELESS = 1e-20
Columns = tuple[FloatArray, FloatArray, FloatArray]


def table(head: str) -> list[list[str]]:
    """The rows of the table whose head begins so."""
    text = PAGE.split(f"\n| {head} |", 1)[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.split("\n")[2:]]


def columns(*, hopeless: bool) -> Columns:
    label, weight, score = np.array(table("label"), float).T
    if hopeless:
        score = np.append(score[:-1], HOPELESS)
    return label, score, weight


def torchrec_auc(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """metrics/auc.py: the trapezoids of the rows in falling order of scores, those of equal scores one by one."""
    order = np.argsort(-p, kind="stable")
    true, false = (np.concatenate([[0.0], np.cumsum((w * side)[order])]) for side in (y, 1.0 - y))
    return float(np.trapezoid(true, false) / (true[-1] * false[-1]))


def printed(metric: str, by: str, of: Columns) -> float:
    if by != "lossledger":
        return FORMULAS[f"{metric}[{by}]"](*of)
    value, reason = metrics_of_rows(rows_of(*of), OPTIONS)[metric]
    assert reason is None
    return float(value)


@pytest.mark.parametrize(("metric", "by", "ordinary", "hopeless"), table("metric"), ids=lambda cell: cell.strip("`"))
def test_a_number_of_the_page_is_what_is_printed(metric: str, by: str, ordinary: str, hopeless: str) -> None:
    for told, bad in ((ordinary, False), (hopeless, True)):
        assert f"{printed(metric.strip('`'), by, columns(hopeless=bad)):.6f}" == told


def orders() -> Iterator[Columns]:
    """The ordinary rows, of the two of equal scores the positive first, then the negative."""
    label, score, weight = columns(hopeless=False)
    for first in (-1.0, 1.0):
        order = np.lexsort((first * label, score))
        yield label[order], score[order], weight[order]


def test_equal_scores_are_told_by_the_order_of_rows_by_torchrec_alone() -> None:
    rows = table("AUC")
    formulas = {
        "scikit-learn": lambda y, p, w: float(sklearn_metrics.roc_auc_score(y, p, sample_weight=w)),
        "lossledger": ours,
        "torchrec": torchrec_auc,
    }
    assert [by for _, by, *_ in rows] == ["lossledger", "scikit-learn", "torchrec"]
    for _, by, *told in rows:
        assert [f"{formulas[by](*of):.6f}" for of in orders()] == told, by
    assert rows[2][2] != rows[2][3]


def ours(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """Our area from score bins, each of which holds equal scores alone here."""
    return float(metrics_of_bins(rows_of(y, p, w))["auc"])


def test_every_peer_is_on_the_page_and_nothing_else_has_numbers() -> None:
    told = {by for metric, by, *_ in table("metric") if metric == "`log_loss`"}
    assert told == {"lossledger", *PEERS}
    vectors = json.loads((ROOT / "tests" / "reference" / "peer_vectors.json").read_text(encoding="utf-8"))
    assert f"{len(vectors['cases'])} cases" in PAGE


def test_every_link_and_every_file_of_the_page_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if not link.startswith("https://")]
    assert links and all((ROOT / "docs" / link.partition("#")[0]).exists() for link in links)
    assert all((ROOT / name).exists() for name in re.findall(r"`(tests/[^`]+)`", PAGE))
