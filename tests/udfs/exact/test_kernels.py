"""The strict kernels: accuracy, and the same bits in any order, layout and on any CPU."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from udfs.exact import fdlibm, kernels
from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import NATIVE, STRICT, Kernel, log1mexp, sigmoid, softplus

ROOT = Path(__file__).parents[3]
INF, NAN = np.inf, np.nan
FUNCTIONS = {"exp": STRICT.exp, "log": STRICT.log, "log1p": STRICT.log1p, "softplus": softplus, "sigmoid": sigmoid}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
every_kernel = pytest.mark.parametrize("kernel", [STRICT, NATIVE], ids=lambda kernel: kernel.name)
doubles = hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats())


def bits(x: FloatArray) -> list[int]:
    """The bits of doubles; every NaN is the same."""
    return np.where(np.isnan(x), np.nan, x).view(np.uint64).tolist()


def ulps(found: FloatArray, x: FloatArray, exact: Callable[[mpmath.mpf], mpmath.mpf]) -> float:
    """The largest error in units of the last place."""
    with mpmath.workdps(400):
        errors = [
            abs(mpmath.mpf(float(f)) - (e := exact(mpmath.mpf(float(v))))) / float(np.spacing(abs(float(e))))
            for f, v in zip(found, x, strict=True)
        ]
    return float(max(errors))


def samples(low: float, high: float, count: int = 300) -> FloatArray:
    return np.random.default_rng(7).uniform(low, high, count)


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-708, 709), (-745, -708), (-1e-8, 1e-8)])
def test_exp_is_accurate(low, high):
    x = samples(low, high)
    assert ulps(STRICT.exp(x), x, mpmath.exp) < 1


@pytest.mark.parametrize("x", [samples(0.5, 2), 2.0 ** samples(-1070, 1020), 1 + samples(-1e-7, 1e-7)], ids=range(3))
def test_log_is_accurate(x):
    assert ulps(STRICT.log(x), x, mpmath.log) < 1


@pytest.mark.parametrize(
    "x",
    [samples(-0.3, 0.5), samples(-1, 3), 2.0 ** samples(-1070, 1020), 2.0 ** samples(-35, -15) - 1, -samples(0, 1e-7)],
    ids=range(5),
)
def test_log1p_is_accurate(x):
    assert ulps(STRICT.log1p(x), x, mpmath.log1p) < 1.5


@every_kernel
def test_softplus_sigmoid_and_log1mexp_are_accurate(kernel):
    x = np.concatenate([samples(-40, 40), samples(-700, 700), samples(-1e-3, 1e-3)])
    assert ulps(softplus(x, kernel=kernel), x, lambda v: mpmath.log1p(mpmath.exp(v))) < 3
    assert ulps(sigmoid(x, kernel=kernel), x, lambda v: 1 / (1 + mpmath.exp(-v))) < 3
    t = np.concatenate([2.0 ** samples(-1060, -1), samples(0.3, 1), samples(1, 700)])
    assert ulps(log1mexp(t, kernel=kernel), t, lambda v: mpmath.log(-mpmath.expm1(-v))) < 3


@every_kernel
@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", [-INF, -746, -0.0, 0.0, 709.79, INF, NAN], [0, 0, 1, 1, INF, INF, NAN]),
        ("log", [-INF, -1, -5e-324, -0.0, 0.0, 1, INF, NAN], [NAN, NAN, NAN, -INF, -INF, 0, INF, NAN]),
        ("log1p", [-INF, -2, -1, -0.0, 0.0, INF, NAN], [NAN, NAN, -INF, -0.0, 0.0, INF, NAN]),
    ],
)
def test_borders_are_those_of_ieee(kernel: Kernel, name, x, expected):
    np.testing.assert_array_equal(getattr(kernel, name)(np.array(x)), expected)


def test_signed_zeros_stay():
    assert bits(STRICT.log1p(np.array([-0.0, 0.0]))) == bits(np.array([-0.0, 0.0]))


@every_kernel
def test_borders_of_losses(kernel):
    x = np.array([-INF, 0.0, INF, NAN])
    np.testing.assert_array_equal(softplus(x, kernel=kernel)[[0, 2, 3]], [0, INF, NAN])
    np.testing.assert_array_equal(sigmoid(x, kernel=kernel), [0, 0.5, 1, NAN])
    t = np.array([-1.0, -0.0, 0.0, INF, NAN])
    np.testing.assert_array_equal(log1mexp(t, kernel=kernel), [NAN, -INF, -INF, 0, NAN])


@every_function
@given(x=doubles)
def test_a_row_has_the_same_bits_alone_and_in_any_view(function, x):
    expected = bits(np.concatenate([function(np.array([v])) for v in x])) if x.size else []
    assert bits(function(x)) == expected
    assert bits(function(x[::-1])[::-1]) == expected
    assert bits(function(np.repeat(x, 3)[::3])) == expected
    assert bits(function(np.stack([x, x], axis=1)[:, 1])) == expected


@every_function
@given(cuts=st.lists(st.integers(0, 3000), max_size=5), block=st.integers(1, 4000))
def test_any_split_has_the_same_bits(function, cuts, block):
    x = np.random.default_rng(1).normal(0, 30, 3000)
    with pytest.MonkeyPatch.context() as patch:
        expected = bits(function(x))
        patch.setattr(fdlibm, "BLOCK", max(block, 100))
        assert bits(np.concatenate([function(part) for part in np.split(x, sorted(cuts))])) == expected


@pytest.mark.parametrize("name", ["exp", "log", "log1p"])
def test_native_kernels_compute_on_contiguous_copies(name):
    x = np.random.default_rng(1).uniform(0, 3, 5000)
    assert bits(getattr(NATIVE, name)(x[::-1])) == bits(getattr(np, name)(x[::-1].copy()))


@every_function
def test_the_argument_is_not_written_to_and_nothing_warns(function):
    x = np.array([-INF, -1e300, -1, -1e-310, -0.0, 0, 5e-324, 1e-12, 1, 700, 1e300, INF, NAN])
    x.flags.writeable = False
    before = bits(x)
    with np.errstate(all="raise"):  # whatever the caller's settings
        function(x)
    assert bits(x) == before


def test_shape_and_type_are_kept():
    assert STRICT.exp(np.zeros((2, 3))).shape == (2, 3)
    assert softplus(np.zeros(2, dtype=np.float32)).dtype == np.float64


HASH = """
import hashlib, numpy as np
from udfs.exact.kernels import STRICT, log1mexp, sigmoid, softplus
rng = np.random.default_rng(3)
numbers = rng.integers(0, 0x7FF << 52, 50_000).view(np.float64)  # np.power would depend on the CPU itself
x = np.concatenate([rng.uniform(-60, 60, 50_000), numbers, -numbers, rng.uniform(-1, 1, 50_000)])
digest = hashlib.sha256()
for function in (STRICT.exp, STRICT.log, STRICT.log1p, softplus, sigmoid, log1mexp):
    y = function(x)
    digest.update(np.where(np.isnan(y), 0, y).tobytes())
print(digest.hexdigest())
"""


def test_bits_do_not_depend_on_the_cpu():
    def digest(disabled: str) -> str:
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "ignore", "-c", HASH]
        run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        return run.stdout

    assert len({digest(""), digest("X86_V4"), digest("X86_V4 X86_V3")}) == 1


def test_a_kernel_is_found_by_name():
    assert kernels.kernel("strict") is STRICT
    assert kernels.kernel("native") is NATIVE
    with pytest.raises(ValueError, match="no kernel 'fast'; there are native, strict"):
        kernels.kernel("fast")
