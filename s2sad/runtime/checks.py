"""Checks that emitted text makes where the kinds of its arguments do not tell."""

from __future__ import annotations

from typing import Any


def scalar_seed(y: Any) -> float:
    """The adjoint 1.0 of a scalar result. Raises TypeError for a result with axes.

    >>> scalar_seed(3.0)
    1.0
    """
    if getattr(y, "ndim", 0) != 0 or not (hasattr(y, "ndim") or isinstance(y, (int, float))):
        raise TypeError(f"the result is not a scalar but {type(y).__name__} of shape {getattr(y, 'shape', None)}")
    return 1.0
