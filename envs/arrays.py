"""Names for the arrays that the batched environments are made of."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Array32 = NDArray[np.float32]
