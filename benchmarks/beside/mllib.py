"""Log loss and AUC by the evaluators of Spark's MLlib. It says less: two numbers of a model, no sums, no shards.

It knows no slices: each is a filter and four evaluations of its own. Measured are all rows and one slice of each
declaration; `scaled` is what all slices would take at that rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from benchmarks.beside.question import SLICES, Question
from benchmarks.engines import opened


@contextmanager
def asked(question: Question) -> Iterator[Callable[[], dict[str, float]]]:
    """What answers the question once, in a session that is open."""
    with opened(question.engine) as spark:
        impressions, clicks = (spark.read.parquet(str(question.folder / name)) for name in ("impressions", "clicks"))
        yield lambda: answer(labelled(impressions, clicks, question), question)


def labelled(impressions: DataFrame, clicks: DataFrame, question: Question) -> DataFrame:
    """One row per impression with its label, and what evaluators read of each model."""
    times = clicks.groupBy("impression_id").agg(F.collect_list("click_ts").alias("times"))
    window = F.expr("exists(times, t -> t >= ts AND t < ts + INTERVAL 1 HOUR)")
    label = F.when(F.col("times").isNotNull() & window, 1.0).otherwise(0.0)
    scores = {model: F.col(f"p_{model}") for model in question.models}
    vectors = [array_to_vector(F.array(1.0 - p, p)).alias(f"v_{model}") for model, p in scores.items()]
    names = sorted({name for slices in SLICES for name in slices})
    joined = impressions.join(times, on="impression_id", how="left")
    return joined.select(*names, label.alias("y"), *scores.values(), *vectors, F.lit(0.0).alias("predicted"))


def answer(frame: DataFrame, question: Question) -> dict[str, float]:
    """Seconds of the join, of all rows, and of all slices as one of each declaration lets expect."""
    frame = frame.cache()
    try:
        total = seconds(partial(evaluated, frame, question))
        scaled = total
        for names in SLICES[1:]:
            values = frame.select(*names).distinct().collect()
            found = frame.where(F.expr(" AND ".join(f"{name} = '{values[0][name]}'" for name in names)))
            scaled += len(values) * seconds(partial(evaluated, found, question))
        return {"whole": total, "scaled": scaled}
    finally:
        frame.unpersist()


def evaluated(frame: DataFrame, question: Question) -> list[float]:
    """Log loss and AUC of each model."""
    found = []
    for model in question.models:
        loss = MulticlassClassificationEvaluator(labelCol="y", probabilityCol=f"v_{model}", predictionCol="predicted")
        found.append(loss.setParams(metricName="logLoss").evaluate(frame))  # type: ignore[arg-type] # not in its stubs
        area = BinaryClassificationEvaluator(labelCol="y", rawPredictionCol=f"p_{model}", metricName="areaUnderROC")
        found.append(area.evaluate(frame))
    return found


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
