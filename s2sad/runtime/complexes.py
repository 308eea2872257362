"""Complex numbers: what adjoints and tangents call where only the run tells what is complex."""

from typing import Any

import numpy as np


def complex_zeros_like(a: Any) -> Any:
    """Complex zeros in the shape and precision of an array that may be real.

    >>> complex_zeros_like(np.ones(2, "float32")).dtype
    dtype('complex64')
    """
    return np.zeros(np.shape(a), np.result_type(a, np.complex64))


def in_field_of(x: Any, a: Any) -> Any:
    """The real part of x where a is real; x as a complex number where a is complex.

    >>> in_field_of(1 + 2j, 3.0), in_field_of(1.0, 3j)
    (1.0, (1+0j))
    """
    return x + 0j if np.iscomplexobj(a) else np.real(x)
