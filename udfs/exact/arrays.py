"""Arrays by what they hold, as signatures say it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
WordArray = NDArray[np.uint64]  # the words of decimals
UnitArray = NDArray[np.object_]  # Python integers: units; None where a statistic was not recorded
