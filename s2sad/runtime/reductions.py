"""What emitted derivatives call for the adjoints and tangents of reductions that are longer than a line.

Every function stands alone: it uses numpy and other functions of this file only, so that an emitted file can carry its
source. `g` is the adjoint of a reduction of `a`, in the result's shape; what an adjoint returns has the shape of `a`.
`axis` and `keepdims` are those of the reduction.
"""

from typing import Any

import numpy as np


# Axes
def restore_axes(y: Any, axis: Any, keepdims: bool) -> Any:
    """A result of a reduction with an axis of length one for each axis that is gone, so that it broadcasts against `a`.

    >>> restore_axes(np.zeros((2, 4)), axis=1, keepdims=False).shape
    (2, 1, 4)
    """
    return y if axis is None or keepdims else np.expand_dims(y, axis)


def merge_axes(a: Any, axis: Any) -> Any:
    """The array with the axes of a reduction merged to one, the last.

    >>> merge_axes(np.zeros((2, 3, 4)), (0, 2)).shape
    (3, 8)
    """
    axes = tuple(range(np.ndim(a))) if axis is None else tuple(np.atleast_1d(axis).tolist())
    moved = np.moveaxis(np.asarray(a), axes, range(-len(axes), 0))
    kept = moved.shape[: moved.ndim - len(axes)]
    length = int(np.prod(moved.shape[moved.ndim - len(axes) :], dtype=int))
    return moved.reshape((*kept, length))


def unmerge_axes(merged: Any, a: Any, axis: Any) -> Any:
    """The inverse of `merge_axes`: back in the shape of `a`."""
    shape = np.shape(a)
    axes = tuple(range(len(shape))) if axis is None else tuple(np.atleast_1d(axis).tolist())
    kept = merged.shape[:-1]
    moved = merged.reshape((*kept, *(shape[i] for i in axes)))
    return np.moveaxis(moved, range(-len(axes), 0), axes)


# Extremes
def split_ties(g: Any, a: Any, y: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of y, the largest or smallest elements of a: g, shared evenly among the elements equal to y.

    >>> split_ties(np.float64(1.0), np.array([3.0, 1.0, 3.0]), 3.0)
    array([0.5, 0. , 0.5])
    """
    g = restore_axes(g, axis, keepdims)
    ties = (a == restore_axes(y, axis, keepdims)).astype(np.result_type(g))
    return g * ties / np.maximum(ties.sum(axis=axis, keepdims=np.ndim(ties) > 0), 1)


def ties_tangent(a_dot: Any, a: Any, y: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of y, the largest or smallest elements of a: the mean of a_dot over the elements equal to y."""
    ties = (a == restore_axes(y, axis, keepdims)).astype(np.result_type(a_dot))
    count = np.maximum(ties.sum(axis=axis, keepdims=keepdims), 1)
    return np.sum(a_dot * ties, axis=axis, keepdims=keepdims) / count


def ptp_adjoint(g: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of `np.ptp`, the largest element less the smallest."""
    largest = np.max(a, axis=axis, keepdims=keepdims)
    smallest = np.min(a, axis=axis, keepdims=keepdims)
    return split_ties(g, a, largest, axis, keepdims) - split_ties(g, a, smallest, axis, keepdims)


def ptp_tangent(a_dot: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of `np.ptp`, the largest element less the smallest."""
    largest = np.max(a, axis=axis, keepdims=keepdims)
    smallest = np.min(a, axis=axis, keepdims=keepdims)
    return ties_tangent(a_dot, a, largest, axis, keepdims) - ties_tangent(a_dot, a, smallest, axis, keepdims)


def median_weights(a: Any, axis: Any = None) -> Any:
    """The derivative of `np.median`: one for the middle element in sorted order, or a half for each of two."""
    merged = merge_axes(a, axis)
    length = merged.shape[-1]
    ranks = np.argsort(np.argsort(merged, axis=-1, kind="stable"), axis=-1)
    middle = (ranks == (length - 1) // 2).astype(merged.dtype) + (ranks == length // 2)
    return unmerge_axes(middle / 2, a, axis)


def median_adjoint(g: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of `np.median`; equal elements keep their order, as a stable sort would leave them."""
    return restore_axes(g, axis, keepdims) * median_weights(a, axis)


def median_tangent(a_dot: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of `np.median`."""
    return np.sum(a_dot * median_weights(a, axis), axis=axis, keepdims=keepdims)


# Products
def products_of_others(a: Any, axis: Any = None) -> Any:
    """For each element of a, the product of all others along `axis`; right also where elements are zero.

    >>> products_of_others(np.array([2.0, 0.0, 5.0]))
    array([ 0., 10.,  0.])
    """
    merged = merge_axes(a, axis)
    ones = np.ones_like(merged[..., :1])
    before = np.cumprod(np.concatenate([ones, merged[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, merged[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return unmerge_axes(before * after, a, axis)


def products_of_others_tangent(a_dot: Any, a: Any, axis: Any = None) -> Any:
    """The tangent of `products_of_others`, and its adjoint, for the matrix of second derivatives is symmetric."""
    merged, dots = merge_axes(a, axis), merge_axes(a_dot, axis)
    ones = np.ones_like(merged[..., :1])
    ahead = np.concatenate([ones, merged[..., :-1]], axis=-1)
    ahead_dot = np.concatenate([0 * ones, dots[..., :-1]], axis=-1)
    behind = np.concatenate([ones, merged[..., :0:-1]], axis=-1)
    behind_dot = np.concatenate([0 * ones, dots[..., :0:-1]], axis=-1)
    before, after = np.cumprod(ahead, axis=-1), np.cumprod(behind, axis=-1)[..., ::-1]
    before_dot = accumulate(ahead_dot * shifted(np.cumprod(ahead, axis=-1), -1, 1), ahead, -1)
    after_dot = accumulate(behind_dot * shifted(np.cumprod(behind, axis=-1), -1, 1), behind, -1)[..., ::-1]
    return unmerge_axes(before_dot * after + before * after_dot, a, axis)


def flattened(a: Any, axis: Any = None) -> Any:
    """What a running sum or product along `axis` runs over: a itself, flattened where axis is None."""
    return np.ravel(a) if axis is None else a


def shifted(y: Any, axis: Any = None, first: Any = 0) -> Any:
    """y moved on by one along an axis (the only one for None), `first` at the start.

    >>> shifted(np.array([2.0, 3.0, 4.0]), 0, 1)
    array([1., 2., 3.])
    """
    moved = np.roll(y, 1, axis or 0)
    np.moveaxis(moved, axis or 0, 0)[:1] = first
    return moved


def shifted_back(y: Any, axis: Any = None) -> Any:
    """y moved back by one along an axis, zero at the end: the adjoint of `shifted`."""
    moved = np.roll(y, -1, axis or 0)
    np.moveaxis(moved, axis or 0, 0)[-1:] = 0
    return moved


def accumulate(x: Any, a: Any, axis: Any = None) -> Any:
    """The linear recurrence s[i] = x[i] + a[i] s[i - 1] along an axis, from s[0] = x[0].

    >>> accumulate(np.array([1.0, 1.0, 1.0]), np.array([9.0, 2.0, 3.0]))
    array([ 1.,  3., 10.])
    """
    sums = np.array(x)
    rows, factors = np.moveaxis(sums, axis or 0, 0), np.moveaxis(a, axis or 0, 0)
    for i in range(1, len(rows)):
        rows[i] += factors[i] * rows[i - 1]
    return sums


def accumulate_back(x: Any, a: Any, axis: Any = None) -> Any:
    """The linear recurrence s[i] = x[i] + a[i + 1] s[i + 1] along an axis: the adjoint of `accumulate` for x."""
    sums = np.array(x)
    rows, factors = np.moveaxis(sums, axis or 0, 0), np.moveaxis(a, axis or 0, 0)
    for i in range(len(rows) - 2, -1, -1):
        rows[i] += factors[i + 1] * rows[i + 1]
    return sums


# Means
def divisor(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
    """The number of elements that each result of a reduction is made of, less `ddof`."""
    axes = range(np.ndim(a)) if axis is None else np.atleast_1d(axis).tolist()
    count = 1
    for i in axes:
        count = count * np.shape(a)[i]
    return count - ddof


def var_adjoint(g: Any, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    """The adjoint of `np.var`: 2 g (a - mean) / (n - ddof)."""
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    return 2 * restore_axes(g, axis, keepdims) * deviation / divisor(a, axis, ddof)


def var_tangent(a_dot: Any, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    """The tangent of `np.var`."""
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    return 2 * np.sum(deviation * a_dot, axis=axis, keepdims=keepdims) / divisor(a, axis, ddof)


def nanmean_adjoint(g: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of `np.nanmean`: shared evenly among the elements that are numbers."""
    numbers = (~np.isnan(a)).astype(np.result_type(g))
    return restore_axes(g, axis, keepdims) * numbers / numbers.sum(axis=axis, keepdims=np.ndim(numbers) > 0)


def nanmean_tangent(a_dot: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of `np.nanmean`."""
    numbers = (~np.isnan(a)).astype(np.result_type(a_dot))
    return np.sum(a_dot * numbers, axis=axis, keepdims=keepdims) / numbers.sum(axis=axis, keepdims=keepdims)


def align_weights(weights: Any, a: Any, axis: Any = None) -> Any:
    """Weights of `np.average`, which may have the averaged axes only, so that they broadcast against `a`."""
    weights = np.asarray(weights)
    if axis is None or weights.shape == np.shape(a):
        return weights
    axes = [i % np.ndim(a) for i in np.atleast_1d(axis).tolist()]
    ordered = weights.transpose([axes.index(i) for i in sorted(axes)])
    return ordered.reshape([n if i in axes else 1 for i, n in enumerate(np.shape(a))])


def align_back(g: Any, weights: Any, axis: Any = None) -> Any:
    """The adjoint of `align_weights`: g summed over the axes that weights do not have; its shape alone is read."""
    if axis is None or np.shape(weights) == np.shape(g):
        return g
    axes = [i % np.ndim(g) for i in np.atleast_1d(axis).tolist()]
    summed = g.sum(axis=tuple(i for i in range(np.ndim(g)) if i not in axes))
    return summed.transpose([sorted(axes).index(i) for i in axes])
