import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from udfs import pandas_udfs

LABEL = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
SCORE = np.array([0.1, 0.9, 0.8, 0.3, 0.4, 0.25])
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 3.0, 1.5])
GROUP = np.array(["a", "a", "a", "a", "b", "b"])


@pytest.fixture
def logs(spark):
    frame = pd.DataFrame({"g": GROUP, "label": LABEL, "p": SCORE, "z": np.log(SCORE / (1 - SCORE)), "w": WEIGHT})
    logs = spark.createDataFrame(frame)
    logs.createOrReplaceTempView("logs")
    return logs


def expected(function, group, **more):
    rows = group == GROUP
    return function(LABEL[rows], SCORE[rows], sample_weight=WEIGHT[rows], **more)


@pytest.mark.parametrize("call", ["log_loss(label, p, w)", "log_loss_logit(label, z, w)"])
def test_a_grouped_aggregate_from_sql(spark, logs, call):
    pandas_udfs.register(spark)
    found = {row.g: row.v for row in spark.sql(f"SELECT g, {call} AS v FROM logs GROUP BY g").collect()}
    for group in "ab":
        assert found[group] == pytest.approx(expected(log_loss, group, labels=[0, 1]), rel=1e-13)


def test_a_grouped_aggregate_from_a_data_frame(spark, logs):
    udfs = pandas_udfs.register(spark)
    found = {row.g: row.v for row in logs.groupBy("g").agg(udfs["brier_score"]("label", "p", "w").alias("v")).collect()}
    for group in "ab":
        assert found[group] == pytest.approx(expected(brier_score_loss, group), rel=1e-13)


def test_a_mean_does_not_know_the_unit_of_its_weights(spark, logs):
    pandas_udfs.register(spark)
    call = "log_loss(label, p, 3e12D * w) AS loss, effective_sample_size(label, p, 3e12D * w) AS size"
    found = {row.g: row for row in spark.sql(f"SELECT g, {call} FROM logs GROUP BY g").collect()}
    for group in "ab":
        weight = WEIGHT[group == GROUP]
        assert found[group].loss == pytest.approx(expected(log_loss, group, labels=[0, 1]), rel=1e-13)
        assert found[group].size == pytest.approx(weight.sum() ** 2 / (weight**2).sum(), rel=1e-13)


def test_scalars_from_sql_and_from_a_data_frame(spark, logs):
    udfs = pandas_udfs.register(spark)
    from_sql = spark.sql("SELECT p, row_log_loss(label, p) AS v FROM logs").toPandas()
    from_frame = logs.select("p", udfs["row_log_loss_logit"]("label", "z").alias("v")).toPandas()
    loss = {p: -np.log(p if y else 1 - p) for y, p in zip(LABEL, SCORE, strict=True)}
    assert dict(zip(from_sql.p, from_sql.v, strict=True)) == pytest.approx(loss, rel=1e-14)
    assert dict(zip(from_frame.p, from_frame.v, strict=True)) == pytest.approx(loss, rel=1e-14)


def test_hard_rows_are_priced_and_missing_ones_are_null(spark):
    pandas_udfs.register(spark, clip=1e-15)
    rows = spark.sql(
        "SELECT row_log_loss(y, p) AS v FROM VALUES (0, 1.0D, 0.0D), (1, 0.0D, 0.0D), (2, 1.0D, CAST(NULL AS DOUBLE))"
        " AS t(i, y, p) ORDER BY i"
    ).collect()
    assert rows[0].v == pytest.approx(-np.log(1e-15))
    assert rows[1].v == pytest.approx(1e-15)
    assert rows[2].v is None


def test_an_undefined_metric_is_null(spark):
    pandas_udfs.register(spark)
    select = "SELECT normalized_entropy(y, p, 1.0D) AS ne, log_loss(y, p, 1.0D) AS ll"
    query = f"{select} FROM VALUES (0.0D, 0.1D) AS t(y, p)"
    row = spark.sql(query).collect()[0]
    assert row.ne is None
    assert row.ll == pytest.approx(-np.log(0.9))


def test_a_score_out_of_range_is_an_error(spark):
    pandas_udfs.register(spark)
    with pytest.raises(Exception, match=r"score 1.5 is not in \[0, 1\]"):
        spark.sql("SELECT row_log_loss(0.0D, 1.5D)").collect()
