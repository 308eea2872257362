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


def arrays_within(value: Any, depth: int = 6) -> list[np.ndarray]:
    """The arrays that an argument is or holds.

    >>> arrays_within({"w": np.zeros(1), "n": 2})
    [array([0.])]
    """
    if isinstance(value, np.ndarray):
        return [value]
    if depth == 0 or isinstance(value, (str, bytes, int, float, complex, np.generic, type(None))):
        return []
    if isinstance(value, (tuple, list)):
        inside: Any = value
    else:
        inside = value.values() if isinstance(value, dict) else getattr(value, "__dict__", {}).values()
    return [array for v in inside for array in arrays_within(v, depth - 1)]


def require_apart(written: tuple[Any, ...], others: tuple[Any, ...]) -> None:
    """Raises ValueError where an array that is written shares memory with another argument: both would change.

    >>> require_apart((np.zeros(3),), (np.zeros(3), 2.0))
    """
    held = [array for other in others for array in arrays_within(other)]
    for position, array in enumerate(written):
        for other in (*written[position + 1 :], *held):
            if isinstance(other, np.ndarray) and isinstance(array, np.ndarray) and np.may_share_memory(array, other):
                raise ValueError("an argument that is written into shares memory with another argument or global")


def require_distinct(things: tuple[Any, ...]) -> None:
    """Raises ValueError where a list, dict or object that is written stands in two places of the arguments.

    >>> require_distinct(([1.0], [1.0]))
    """
    if len({id(thing) for thing in things}) < len(things):
        raise ValueError("a list, dict or object that is written into is given in two places")


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
