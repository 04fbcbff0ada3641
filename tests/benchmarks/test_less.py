"""What says less in the benchmark says at least the same: log loss and AUC of all rows, from the same labels."""

from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.beside import duck_db, mllib, scikit
from benchmarks.beside.question import Question
from benchmarks.beside.sql import number_of
from benchmarks.cases import Logs
from benchmarks.data import generate

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def question(tmp_path_factory) -> Question:
    folder: Path = tmp_path_factory.mktemp("logs")
    generate(folder, Logs(8000, cells=240))
    return Question(folder, "spark", "float", "none")


@pytest.fixture(scope="module")
def log_losses(question) -> list[float]:
    """Of all rows, as the sums of an answer at equal output have it."""
    with duck_db.asked(question) as answer:
        rows = [row for row in answer().to_pylist() if row["grouped_by"] == number_of(("shard",))]
    assert len(rows) == 32
    total = {name: float(sum(row[name] for row in rows)) for name in question.sums}
    nll = [total[f"positive_nll_{model}"] + total[f"negative_nll_{model}"] for model in question.models]
    return [loss / total["rows"] for loss in nll]


def test_scikit_has_the_same_log_loss(question, log_losses):
    first, _, second, *_ = scikit.answer(scikit.labelled(question), question)
    assert [first, second] == pytest.approx(log_losses, rel=1e-9)


@pytest.mark.only_engine("spark")
def test_mllib_has_the_same_log_loss_and_nearly_the_same_auc(spark, question, log_losses):
    frame = scikit.labelled(question)
    areas = [roc_auc_score(frame["y"], frame[f"p_{model}"]) for model in question.models]
    with mllib.asked(question) as answer:
        logs = (spark.read.parquet(str(question.folder / name)) for name in ("impressions", "clicks"))
        first, area, second, other = mllib.evaluated(mllib.labelled(*logs, question), question)
        assert [first, second] == pytest.approx(log_losses, rel=1e-9)
        # It takes a thousand scores for all of them.
        assert [area, other] == pytest.approx(areas, abs=1e-3)
        times = answer()
        assert times["scaled"] > times["whole"] > 0.0
