"""The log losses of peers as their sources compute them, each of labels, probabilities and weights, (n,)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from sklearn import metrics as sklearn_metrics

from udfs.exact.arrays import FloatArray

Formula = Callable[[FloatArray, FloatArray, FloatArray], float]
f32 = np.float32


def torchrec(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """metrics/ne.py, compute_cross_entropy, over the weight."""
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return float(np.sum(-w * y * np.log2(p) - w * (1.0 - y) * np.log2(1.0 - p)) / np.sum(w))


def torchrec_ne(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """metrics/ne.py, compute_ne."""
    rate = np.clip(np.sum(w * y) / np.sum(w), 1e-12, 1 - 1e-12)
    norm = -np.sum(w * y) * np.log2(rate) - np.sum(w * (1.0 - y)) * np.log2(1.0 - rate)
    return float(torchrec(y, p, w) * np.sum(w) / norm)


def spark_mllib(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """MulticlassMetrics.scala, logLoss, of the probabilities (1 − p, p)."""
    eps, losses = 1e-15, []
    for label, score in zip(y.tolist(), p.tolist(), strict=True):
        of_class = (1.0 - score, score)[int(label)]
        clipped = -math.log(eps) if of_class < eps else -math.log1p(-eps)
        losses.append(-math.log(of_class) if eps <= of_class <= 1 - eps else clipped)
    return math.fsum(np.array(losses) * w) / math.fsum(w)


def keras(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """Keras 3, backend binary_crossentropy, in float32."""
    output = np.clip(p.astype(f32), f32(1e-7), f32(1.0) - f32(1e-7))
    bce = y.astype(f32) * np.log(output) + (f32(1.0) - y.astype(f32)) * np.log(f32(1.0) - output)
    return float(np.sum(-bce.astype(np.float64) * w) / np.sum(w))


def keras_2(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """tf.keras 2, backend.binary_crossentropy, in float32."""
    output = np.clip(p.astype(f32), f32(1e-7), f32(1.0) - f32(1e-7))
    bce = y.astype(f32) * np.log(output + f32(1e-7))
    bce += (f32(1.0) - y.astype(f32)) * np.log(f32(1.0) - output + f32(1e-7))
    return float(np.sum(-bce.astype(np.float64) * w) / np.sum(w))


def pytorch(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """Loss.cpp, binary_cross_entropy: (t − 1)·max(log1p(−x), −100) − t·max(log x, −100), mean over rows."""
    x, t = p.astype(f32), y.astype(f32)
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(x), f32(-100)), np.maximum(np.log1p(-x), f32(-100))
    return float(np.mean(w * ((t - f32(1)) * logs[1] - t * logs[0]).astype(np.float64)))


def xgboost(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """logloss_metric.h, EvalRowLogLoss, in float32 with its sums in float64."""
    py, t = p.astype(f32), y.astype(f32)
    parts = [(-t, py), (-(f32(1) - t), f32(1) - py)]
    rows = [np.where(x == 0, f32(0), x * np.log(np.maximum(of, f32(1e-16)))) for x, of in parts]
    return float(np.sum((rows[0] + rows[1]).astype(np.float64) * w) / np.sum(w))


def lightgbm(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    """binary_metric.hpp, LossOnPoint."""
    eps = float(f32(1e-15))
    of_class = np.where(y > 0, p, 1.0 - p)
    return math.fsum(-np.log(np.where(of_class > eps, of_class, eps)) * w) / math.fsum(w)


def scikit_learn(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    return float(sklearn_metrics.log_loss(y, p, sample_weight=w))


def d2(y: FloatArray, p: FloatArray, w: FloatArray) -> float:
    return float(sklearn_metrics.d2_log_loss_score(y, p, sample_weight=w))


FORMULAS: dict[str, Formula] = {
    "log_loss[scikit-learn]": scikit_learn,
    "relative_information_gain[scikit-learn]": d2,
    "log_loss[scikit-learn-float32]": lambda y, p, w: scikit_learn(y, p.astype(f32), w),
    "relative_information_gain[scikit-learn-float32]": lambda y, p, w: d2(y, p.astype(f32), w),
    "log_loss[torchrec]": torchrec,
    "normalized_entropy[torchrec]": torchrec_ne,
    "log_loss[spark-mllib]": spark_mllib,
    "log_loss[keras]": keras,
    "log_loss[keras-2]": keras_2,
    "log_loss[pytorch]": pytorch,
    "log_loss[xgboost]": xgboost,
    "log_loss[lightgbm]": lightgbm,
}
