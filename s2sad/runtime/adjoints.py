"""What emitted derivatives call where an adjoint is longer than a line, or where kinds are unknown.

Every function stands alone: it uses numpy and other functions of this file only, so that an emitted file can carry its
source. `g` is always the adjoint of a result, in its shape; what is returned has the shape of the argument. Where an
argument is named `a`, only its shape is read, unless the docstring says more. A number counts as an array without axes.
"""

from typing import Any

import numpy as np


# Broadcasting and reductions
def unbroadcast(g: Any, a: Any) -> Any:
    """Sum g over the axes along which a was stretched to g's shape: the adjoint of broadcasting a.

    >>> unbroadcast(np.ones((2, 3)), np.ones((2, 1)))
    array([[3.],
           [3.]])
    """
    shape = np.shape(a) if isinstance(a, (list, tuple)) else getattr(a, "shape", ())
    if getattr(g, "shape", ()) == shape:
        return g
    if not shape:
        return np.sum(g)
    extra = g.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1 != g.shape[i]]
    return g.sum(axis=(*range(extra), *stretched)).reshape(shape)


def rebroadcast(g: Any, a: Any) -> Any:
    """Stretch g to the shape of a, as a view: the adjoint of `unbroadcast`.

    >>> rebroadcast(np.array([1.0, 2.0]), np.zeros((2, 2)))
    array([[1., 2.],
           [1., 2.]])
    """
    shape = np.shape(a)
    return np.broadcast_to(g, shape) if shape else g


def spread(g: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Repeat g over the axes of a that a reduction removed, as a view: the adjoint of a sum of a.

    >>> spread(np.array([1.0, 2.0]), np.zeros((2, 3)), axis=1)
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    shape = np.shape(a)
    if not shape:
        return g
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def unspread(g: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum g over the axes that `spread` repeated: the adjoint of `spread`.

    >>> unspread(np.ones((2, 3)), np.zeros((2, 3)), axis=1)
    array([3., 3.])
    """
    return np.sum(g, axis=axis, keepdims=keepdims)


# Types
def cast_back(g: Any, a: Any, dtype: Any = None) -> Any:
    """The adjoint of a conversion of a to `dtype`: g in the dtype of a, zero where the conversion made integers."""
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        g = np.zeros(np.shape(g))
    if np.iscomplexobj(g) and not np.iscomplexobj(a):
        g = np.real(g)
    return np.asarray(g).astype(np.result_type(a))[()]


def cast(x: Any, dtype: Any) -> Any:
    """The tangent of a conversion to `dtype` of what has the tangent x: zero where it makes integers."""
    return np.array(x, dtype)[()] if np.dtype(dtype).kind in "fc" else np.zeros(np.shape(x))[()]


# Order of axes and elements
def inverse_permutation(axes: Any) -> Any:
    """The order of axes that undoes a transposition by `axes`; None, the reversal of all axes, undoes itself.

    >>> inverse_permutation((2, 0, 1))
    (1, 2, 0)
    """
    if axes is None or len(axes) == 0:
        return None
    if not isinstance(axes[0], (int, np.integer)):
        return inverse_permutation(axes[0])
    places = [axis % len(axes) for axis in axes]
    return tuple(places.index(axis) for axis in range(len(axes)))


def sort_adjoint(g: Any, a: Any, axis: Any = -1) -> Any:
    """The adjoint of `np.sort(a, axis)`: each g goes back to where its element came from. Reads the values of a.

    Equal elements keep their order, as a stable sort would leave them.
    """
    if axis is None:
        return np.reshape(sort_adjoint(g, np.ravel(a), 0), np.shape(a))
    back = np.argsort(np.argsort(a, axis=axis, kind="stable"), axis=axis)
    return np.take_along_axis(np.asarray(g), back, axis)


def sort_tangent(a_dot: Any, a: Any, axis: Any = -1) -> Any:
    """The tangent of `np.sort(a, axis)`: a_dot in the order of the sorted elements. Reads the values of a."""
    if axis is None:
        a_dot, a, axis = np.ravel(a_dot), np.ravel(a), 0
    return np.take_along_axis(np.asarray(a_dot), np.argsort(a, axis=axis, kind="stable"), axis)


# Repetition
def tile_adjoint(g: Any, a: Any, reps: Any) -> Any:
    """The adjoint of `np.tile(a, reps)`: the sum over the tiles."""
    reps = tuple(reps) if np.ndim(reps) else (reps,)
    shape = np.shape(a)
    rank = max(len(reps), len(shape))
    reps = (1,) * (rank - len(reps)) + reps
    ones = (1,) * (rank - len(shape)) + shape
    pairs = tuple(n for pair in zip(reps, ones) for n in pair)
    return np.reshape(np.reshape(g, pairs).sum(axis=tuple(range(0, 2 * rank, 2))), shape)


def repeat_adjoint(g: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    """The adjoint of `np.repeat(a, repeats, axis)`: the sum over the copies of each element."""
    shape = np.shape(a)
    if axis is None:
        shape, axis = (int(np.prod(shape, dtype=int)),), 0
    total = np.zeros(shape, np.result_type(g))
    sources = np.repeat(np.arange(shape[axis]), repeats)
    np.add.at(np.moveaxis(total, axis, 0), sources, np.moveaxis(np.asarray(g), axis, 0))
    return np.reshape(total, np.shape(a))


# Joining and padding
def part(g: Any, arrays: Any, k: int, axis: Any = 0) -> Any:
    """The part of g that belongs to arrays[k], where g is the adjoint of `np.concatenate(arrays, axis)`.

    >>> part(np.arange(5.0), [np.zeros(2), np.zeros(3)], 1)
    array([2., 3., 4.])
    """
    if axis is None:
        start = sum(np.size(a) for a in arrays[:k])
        return np.reshape(g[start : start + np.size(arrays[k])], np.shape(arrays[k]))
    start = sum(np.shape(a)[axis] for a in arrays[:k])
    index = [slice(None)] * np.ndim(g)
    index[axis] = slice(start, start + np.shape(arrays[k])[axis])
    return g[tuple(index)]


def part_adjoint(g: Any, whole: Any, arrays: Any, k: int, axis: Any = 0) -> Any:
    """The adjoint of `part(whole, arrays, k, axis)`: g in its place, zero elsewhere; of whole only the shape is read.

    >>> part_adjoint(np.ones(1), np.zeros(3), [np.zeros(2), np.zeros(1)], 1)
    array([0., 0., 1.])
    """
    total = np.zeros(np.shape(whole), np.result_type(g))
    part(total, arrays, k, axis)[...] = g
    return total


def hstack_part(g: Any, arrays: Any, k: int) -> Any:
    """The part of g that belongs to arrays[k], where g is the adjoint of `np.hstack(arrays)`."""
    raised = [np.atleast_1d(a) for a in arrays]
    return np.reshape(part(g, raised, k, 0 if raised[0].ndim == 1 else 1), np.shape(arrays[k]))


def hstack_part_adjoint(g: Any, whole: Any, arrays: Any, k: int) -> Any:
    """The adjoint of `hstack_part(whole, arrays, k)`: g in its place, zero elsewhere."""
    raised = [np.atleast_1d(a) for a in arrays]
    return part_adjoint(np.reshape(g, raised[k].shape), whole, raised, k, 0 if raised[0].ndim == 1 else 1)


def vstack_part(g: Any, arrays: Any, k: int) -> Any:
    """The part of g that belongs to arrays[k], where g is the adjoint of `np.vstack(arrays)`."""
    return np.reshape(part(g, [np.atleast_2d(a) for a in arrays], k, 0), np.shape(arrays[k]))


def vstack_part_adjoint(g: Any, whole: Any, arrays: Any, k: int) -> Any:
    """The adjoint of `vstack_part(whole, arrays, k)`: g in its place, zero elsewhere."""
    raised = [np.atleast_2d(a) for a in arrays]
    return part_adjoint(np.reshape(g, raised[k].shape), whole, raised, k, 0)


def dstack_part(g: Any, arrays: Any, k: int) -> Any:
    """The part of g that belongs to arrays[k], where g is the adjoint of `np.dstack(arrays)`."""
    return np.reshape(part(g, [np.atleast_3d(a) for a in arrays], k, 2), np.shape(arrays[k]))


def dstack_part_adjoint(g: Any, whole: Any, arrays: Any, k: int) -> Any:
    """The adjoint of `dstack_part(whole, arrays, k)`: g in its place, zero elsewhere."""
    raised = [np.atleast_3d(a) for a in arrays]
    return part_adjoint(np.reshape(g, raised[k].shape), whole, raised, k, 2)


def column_stack_part(g: Any, arrays: Any, k: int) -> Any:
    """The part of g that belongs to arrays[k], where g is the adjoint of `np.column_stack(arrays)`."""
    columns = [a if np.ndim(a) > 1 else np.reshape(a, (-1, 1)) for a in arrays]
    return np.reshape(part(g, columns, k, 1), np.shape(arrays[k]))


def column_stack_part_adjoint(g: Any, whole: Any, arrays: Any, k: int) -> Any:
    """The adjoint of `column_stack_part(whole, arrays, k)`: g in its place, zero elsewhere."""
    columns = [a if np.ndim(a) > 1 else np.reshape(a, (-1, 1)) for a in arrays]
    return part_adjoint(np.reshape(g, np.shape(columns[k])), whole, columns, k, 1)


def unpad(g: Any, a: Any, pad_width: Any) -> Any:
    """g without the padding that `np.pad(a, pad_width)` put around a.

    >>> unpad(np.arange(6.0), np.zeros(3), (1, 2))
    array([1., 2., 3.])
    """
    shape = np.shape(a)
    if isinstance(pad_width, dict):
        by_axis = {axis % len(shape): widths for axis, widths in pad_width.items()}
        before = [np.ravel(by_axis.get(axis, 0))[0] for axis in range(len(shape))]
    else:
        before = list(np.broadcast_to(pad_width, (len(shape), 2))[:, 0])
    return g[tuple(slice(start, start + n) for start, n in zip(before, shape))]


# Diagonals
def diagonal_adjoint(g: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The adjoint of `np.diagonal(a, offset, axis1, axis2)`: g on that diagonal, zero elsewhere."""
    total = np.zeros(np.shape(a), np.result_type(g))
    ends = np.moveaxis(total, (axis1, axis2), (-2, -1))
    along = np.arange(np.shape(g)[-1])
    ends[..., along + max(-offset, 0), along + max(offset, 0)] = g
    return total


def trace_adjoint(g: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The adjoint of `np.trace(a, offset, axis1, axis2)`: g on all of that diagonal, zero elsewhere."""
    shape = np.shape(a)
    length = max(min(shape[axis1] + min(offset, 0), shape[axis2] - max(offset, 0)), 0)
    return diagonal_adjoint(np.repeat(np.expand_dims(g, -1), length, -1), a, offset, axis1, axis2)


def diag_adjoint(g: Any, a: Any, k: int = 0) -> Any:
    """The adjoint of `np.diag(a, k)`, which makes a matrix of a vector and takes the diagonal of a matrix."""
    return np.diag(g, k) if np.ndim(a) == 1 else diagonal_adjoint(g, a, k)


# Taking elements
def take_adjoint(g: Any, a: Any, indices: Any, axis: Any = None) -> Any:
    """The adjoint of `np.take(a, indices, axis)`: each g added where it was taken from."""
    total = np.zeros(np.shape(a), np.result_type(g))
    if axis is None:
        np.add.at(total.reshape(-1), indices, g)
    else:
        axis = axis % total.ndim
        np.add.at(total, (slice(None),) * axis + (indices,), g)
    return total


def take_along_axis_adjoint(g: Any, a: Any, indices: Any, axis: Any = -1) -> Any:
    """The adjoint of `np.take_along_axis(a, indices, axis)`: each g added where it was taken from."""
    total = np.zeros(np.shape(a), np.result_type(g))
    if axis is None:
        np.add.at(total.reshape(-1), indices, g)
        return total
    places = [*np.indices(np.shape(g), sparse=True)]
    for other, n in enumerate(total.shape):
        if n == 1 and other != axis % total.ndim:
            places[other] = places[other] * 0
    places[axis] = indices
    np.add.at(total, tuple(places), g)
    return total


def compress_adjoint(g: Any, a: Any, condition: Any, axis: Any = None) -> Any:
    """The adjoint of `np.compress(condition, a, axis)`: each g where it was taken from, zero elsewhere."""
    return take_adjoint(g, a, np.flatnonzero(condition), axis)


def item_adjoint(g: Any, a: Any, place: Any = ()) -> Any:
    """The adjoint of `a.item(*place)`: g at that place, zero elsewhere."""
    total = np.zeros_like(a)
    if len(place) == 1 and isinstance(place[0], (int, np.integer)):
        total.flat[place[0]] = g
    elif place:
        total[place[0] if len(place) == 1 else place] = g
    else:
        total[...] = g
    return total


def item_at(a: Any, place: Any = ()) -> Any:
    """`a.item(*place)`: the adjoint of `item_adjoint`, which is the adjoint of that.

    >>> item_at(np.arange(6.0).reshape(2, 3), (1, 2))
    5.0
    """
    return a.item(*place)


def if_copied(g: Any, part: Any, a: Any) -> Any:
    """The adjoint of `a` by `part = a.reshape(...)` or `a.ravel()`: zeros for a view, `g` for a copy.

    >>> a = np.zeros((2, 2))
    >>> if_copied(np.ones(4), a.T.ravel(), a.T)
    array([[1., 1.],
           [1., 1.]])
    >>> if_copied(np.ones(4), a.ravel(), a)
    array([[0., 0.],
           [0., 0.]])
    """
    return np.zeros(np.shape(a)) if np.may_share_memory(part, a) else np.reshape(g, np.shape(a))


def copied_part(g: Any, part: Any, a: Any) -> Any:
    """The transpose of `if_copied`.

    >>> a = np.zeros((2, 2))
    >>> copied_part(np.ones((2, 2)), a.T.ravel(), a.T)
    array([1., 1., 1., 1.])
    """
    return np.zeros(np.shape(part)) if np.may_share_memory(part, a) else np.reshape(g, np.shape(part))


def copy_with_strides(x: Any, like: Any) -> Any:
    """A copy of `x` in memory of the same layout as `like`, gaps included, so that what is a view of it stays one.

    >>> like = np.zeros((2, 4))[:, ::2]
    >>> copy_with_strides(np.ones((2, 2)), like).strides == like.strides
    True
    """
    a = np.asarray(like)
    if a.flags.c_contiguous or a.flags.f_contiguous or 0 in a.shape or 0 in a.strides:
        made = np.empty_like(a)
    else:
        low = sum(s * (n - 1) for s, n in zip(a.strides, a.shape) if s < 0)
        high = sum(s * (n - 1) for s, n in zip(a.strides, a.shape) if s > 0) + a.itemsize
        made = np.ndarray(a.shape, a.dtype, np.empty(high - low, np.uint8), -low, a.strides)
    made[...] = x
    return made


def zeros_with_strides(a: Any) -> Any:
    """Zeros in memory of the same layout as an array's, as `copy_with_strides` makes it.

    >>> zeros_with_strides(np.ones((2, 4))[:, ::2]).strides
    (32, 16)
    """
    return copy_with_strides(0, a)
