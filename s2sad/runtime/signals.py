"""Adjoints and tangents of functions on sampled signals, and the special functions that NumPy has, with its own arrays.

As in `adjoints`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only.
"""

from typing import Any

import numpy as np


def bessel_i(x: Any, n: int) -> Any:
    """The modified Bessel function of the first kind of a whole order n; `np.i0` is that of order 0.

    The mean of exp(x cos t) cos(n t) over a circle, by the trapezoidal rule, which converges as fast as the integrand
    is smooth: Trefethen and Weideman (2014), "The exponentially convergent trapezoidal rule".

    >>> bessel_i(np.array([0.0, 2.0]), 1)
    array([0.        , 1.59063685])
    """
    t = 2 * np.pi * np.arange(256) / 256
    mean = np.mean(np.exp(np.expand_dims(x, -1) * np.cos(t)) * np.cos(n * t), axis=-1)
    return mean.astype(np.result_type(np.asarray(x), np.float16))
