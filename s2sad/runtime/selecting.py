"""Adjoints of functions that choose among elements, or put them elsewhere, by where each element came from.

As in `adjoints`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only.
"""

from typing import Any

import numpy as np


def positions(a: Any) -> Any:
    """Where each element of a stands, counted row by row: what a function makes of them tells where it took what from.

    >>> np.insert(positions(np.zeros(3)), 1, -1)
    array([ 0, -1,  1,  2])
    """
    return np.arange(np.size(a)).reshape(np.shape(a))


def gathered(a: Any, places: Any) -> Any:
    """The elements of a at these positions, zero at position -1: the adjoint of `gathered_back`.

    >>> gathered(np.array([1.0, 2.0]), np.array([1, -1, 1]))
    array([2., 0., 2.])
    """
    return np.concatenate([np.ravel(a), np.zeros(1, np.asarray(a).dtype)])[places]


def gathered_back(g: Any, a: Any, places: Any) -> Any:
    """The adjoint of a for a result made of its elements at these positions, and of others at position -1.

    >>> gathered_back(np.array([1.0, 2.0, 3.0]), np.zeros(2), np.array([1, -1, 1]))
    array([0., 4.])
    """
    total = np.zeros(np.size(a) + 1, np.result_type(g))
    np.add.at(total, places, g)
    return total[:-1].reshape(np.shape(a))[()]


def unroll_axis(g: Any, axis: int, start: int = 0) -> Any:
    """The adjoint of `np.rollaxis(a, axis, start)`: the axis back to where it was.

    >>> unroll_axis(np.zeros((3, 1, 2)), 2).shape
    (1, 2, 3)
    """
    source, before = axis % np.ndim(g), start + np.ndim(g) if start < 0 else start
    return np.moveaxis(g, before - (source < before), source)


def first_places(a: Any) -> Any:
    """Where the elements of `np.unique(a)` first stand in a, counted row by row.

    >>> first_places(np.array([3.0, 1.0, 3.0]))
    array([1, 0])
    """
    return np.unique(a, return_index=True)[1]
