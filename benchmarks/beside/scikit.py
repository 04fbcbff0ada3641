"""Log loss and AUC by scikit-learn on pandas, of all rows and of every slice. It says less: no sums, no shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks.beside.question import SLICES, Question

WINDOW = pd.Timedelta(hours=1)


@contextmanager
def asked(question: Question) -> Iterator[Callable[[], list[float]]]:
    """What answers the question once."""
    yield lambda: list(answer(labelled(question), question))


def labelled(question: Question) -> pd.DataFrame:
    """One row per impression with its label."""
    names = sorted({name for slices in SLICES for name in slices})
    scores = [f"p_{model}" for model in question.models]
    impressions = pd.read_parquet(question.folder / "impressions", columns=["impression_id", "ts", *names, *scores])
    clicks = pd.read_parquet(question.folder / "clicks")
    met = clicks.merge(impressions[["impression_id", "ts"]], on="impression_id")
    met = met[(met["click_ts"] >= met["ts"]) & (met["click_ts"] < met["ts"] + WINDOW)]
    return impressions.assign(y=impressions["impression_id"].isin(met["impression_id"]).astype(float))


def answer(frame: pd.DataFrame, question: Question) -> Iterator[float]:
    """Log loss of each model in every slice, and AUC where there are positives and negatives."""
    for names in SLICES:
        groups = (rows for _, rows in frame.groupby(list(names), observed=True)) if names else (frame,)
        for rows in groups:
            for model in question.models:
                yield log_loss(rows["y"], rows[f"p_{model}"], labels=[0.0, 1.0])
                if rows["y"].nunique() == 2:
                    yield roc_auc_score(rows["y"], rows[f"p_{model}"])
