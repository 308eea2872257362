"""Checks that emitted text makes where the kinds of its arguments do not tell."""

from __future__ import annotations

from typing import Any

import numpy as np


def scalar_seed(y: Any) -> float:
    """The adjoint 1.0 of a scalar result. Raises TypeError for a result with axes.

    >>> scalar_seed(3.0)
    1.0
    """
    if getattr(y, "ndim", 0) != 0 or not (hasattr(y, "ndim") or isinstance(y, (int, float))):
        raise TypeError(f"the result is not a scalar but {type(y).__name__} of shape {getattr(y, 'shape', None)}")
    return 1.0


def require_apart(written: tuple[Any, ...], others: tuple[Any, ...]) -> None:
    """Raises ValueError where an array that is written shares memory with another argument: both would change.

    >>> require_apart((np.zeros(3),), (np.zeros(3), 2.0))
    """
    for position, array in enumerate(written):
        for other in (*written[position + 1 :], *others):
            if isinstance(other, np.ndarray) and isinstance(array, np.ndarray) and np.may_share_memory(array, other):
                raise ValueError("an argument that is written into shares memory with another argument or global")


def masked_writes(g: Any, a: Any, index: Any) -> Any:
    """The adjoint of the values written by `a[index] = values`, from the adjoint `g = a_bar[index]`.

    Where an index stands several times only the write that lasted counts; it is found by writing positions alike.

    >>> masked_writes(np.array([1.0, 1.0]), np.zeros(3), np.array([0, 0]))
    array([0., 1.])
    """
    places = np.zeros(np.shape(a), int)
    order = np.arange(np.size(g)).reshape(np.shape(g))
    places[index] = order
    return np.where(places[index] == order, g, 0)
