"""The places that functions write to which do not take an index as `a[index]` does, as indices of that form."""

from __future__ import annotations

from typing import Any

import numpy as np


def flat_places(a: Any, index: Any) -> tuple[Any, ...]:
    """The index with which `a[flat_places(a, index)]` is `a.flat[index]`.

    >>> flat_places(np.zeros((2, 3)), [0, -1])
    (array([0, 1]), array([0, 2]))
    """
    return tuple(np.unravel_index(np.arange(np.size(a))[index], np.shape(a)))


def places_along_axis(a: Any, indices: Any, axis: int | None) -> tuple[Any, ...]:
    """The index with which `a[…] = values` is `np.put_along_axis(a, indices, values, axis)`.

    >>> places_along_axis(np.zeros((2, 3)), np.array([[1], [2]]), 1)
    (array([[0],
           [1]]), array([[1],
           [2]]))
    """
    if axis is None:
        return flat_places(a, np.asarray(indices))
    ndim = np.ndim(a)
    lengths = [-1 if k == axis % ndim else n for k, n in enumerate(np.shape(a))]
    others = [np.arange(n).reshape([-1 if j == k else 1 for j in range(ndim)]) for k, n in enumerate(lengths) if n >= 0]
    others.insert(axis % ndim, np.asarray(indices))
    return tuple(others)
