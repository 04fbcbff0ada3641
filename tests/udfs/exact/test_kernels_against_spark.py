"""The strict kernels have the bits of Spark SQL's own `exp`, `ln` and `log1p`, which are the JVM's StrictMath."""

import numpy as np
import pytest

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import STRICT, log1mexp, sigmoid, softplus

# Sail computes with the libm of Rust, so only Spark can tell.
pytestmark = pytest.mark.only_engine("spark")

# High words at which fdlibm changes from one class of arguments to another.
BORDERS = [
    *(0x3FD62E42, 0x3FF0A2B2, 0x3E300000, 0x40862E42, 0xC0874910, 0x3FDA827A, 0xBFD2BEC3, 0x3E200000, 0x3C900000),
    *(0x43400000, 0x3FF6A09E, 0x3FF6A09C, 0x3FF6147A, 0x3FF6B851, 0x3FEFFFFE, 0x3FF00000, 0x3FF00001, 0x3FEFFFFD),
]


def neighbours(x: FloatArray, steps: int = 3) -> FloatArray:
    """Every x with the doubles around it, in bits."""
    offsets = np.arange(-steps, steps + 1)
    return (x.view(np.int64)[:, None] + offsets).reshape(-1).view(np.float64)


def adversarial() -> FloatArray:
    rng = np.random.default_rng(11)
    powers = 2.0 ** np.arange(-1074, 1024)
    words = (np.array(BORDERS)[:, None] + np.arange(-3, 4)).reshape(-1) << 32
    borders = (words[:, None] + rng.integers(0, 2**32, (words.size, 50))).reshape(-1).view(np.float64)
    of_sum = (borders[:, None] * 2.0 ** np.array([1, 2, 5, 30])).reshape(-1) - 1.0  # where 1 + x is at a border
    halves = np.arange(1, 1500) * 0.5 * np.log(2.0)
    offsets = 1.0 + np.concatenate([2.0 ** np.arange(-52.0, 0), -(2.0 ** np.arange(-53.0, 0))])
    parts = [
        *(neighbours(powers), neighbours(words.view(np.float64), 20), borders, of_sum, neighbours(halves)),
        *(neighbours(offsets), neighbours(offsets - 1.0), neighbours(np.sqrt(2.0) * powers[1000:1100])),
        np.array([709.782712893384, 709.7827128933841, 745.1332191019411, 745.1332191019412, 708.4, 709.0]),
        rng.integers(0, 0x7FF0 << 48, 20_000).view(np.float64),
        rng.uniform(0, 1, 30_000),
        rng.normal(0, 10, 30_000),
        rng.uniform(-750, 750, 30_000),
    ]
    x = np.concatenate(parts)
    x = np.concatenate([x, -x, 1.0 - x])
    return x[np.isfinite(x)]


CASES = {
    "exp(x)": (STRICT.exp, np.isfinite),
    "ln(x)": (STRICT.log, lambda x: x > 0),  # NULL elsewhere in Spark
    "log1p(x)": (STRICT.log1p, lambda x: x > -1),
    "greatest(x, 0D) + log1p(exp(-abs(x)))": (softplus, np.isfinite),
    "if(x < 0, exp(x), 1D) / (1D + exp(-abs(x)))": (sigmoid, np.isfinite),
    "if(x <= 0.6931471805599453D, ln(-expm1(-x)), log1p(-exp(-x)))": (log1mexp, lambda x: x > 0),
}


@pytest.fixture(scope="module")
def arguments(tmp_path_factory) -> tuple[str, FloatArray]:
    """A Parquet file of the arguments, so that no text or row conversion can touch a bit."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    x = adversarial()
    path = str(tmp_path_factory.mktemp("arguments") / "x.parquet")
    pq.write_table(pa.table({"x": x}), path)
    return path, x


@pytest.mark.parametrize("sql", CASES)
def test_bits_equal_those_of_spark(spark, arguments, sql):
    function, domain = CASES[sql]
    path, x = arguments
    table = spark.read.parquet(path).selectExpr("x", f"{sql} AS y").toArrow()
    known = table["x"].to_numpy()
    assert sorted(known.view(np.int64)) == sorted(x.view(np.int64))
    inside = domain(known)
    assert inside.sum() >= 10**5
    expected, found = table["y"].to_numpy()[inside], function(known[inside])
    wrong = np.flatnonzero(found.view(np.int64) != expected.view(np.int64))
    rows = [(known[inside][i].hex(), found[i].hex(), expected[i].hex()) for i in wrong[:5]]
    assert not wrong.size, f"{wrong.size} differ: argument, ours, Spark's {rows}"
