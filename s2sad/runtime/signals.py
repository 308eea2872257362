"""Adjoints and tangents of functions on sampled signals, and the special functions that NumPy has, with its own arrays.

As in `adjoints`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only.
"""

from typing import Any

import numpy as np


def bessel_i(x: Any, n: int) -> Any:
    """The modified Bessel function of the first kind of a whole order n; `np.i0` is that of order 0.

    The mean of exp(x cos t) cos(n t) over a circle, by the trapezoidal rule, which converges as fast as the integrand
    is smooth: Trefethen and Weideman (2014), "The exponentially convergent trapezoidal rule".

    >>> bessel_i(np.array([1.0, 2.0]), 1).round(6)
    array([0.565159, 1.590637])
    """
    t = 2 * np.pi * np.arange(256) / 256
    mean = np.mean(np.exp(np.expand_dims(x, -1) * np.cos(t)) * np.cos(n * t), axis=-1)
    return mean.astype(np.result_type(np.asarray(x), np.float16))


# Along an axis
def along(v: Any, a: Any, axis: int) -> Any:
    """A vector as an array that broadcasts along an axis of a; what has several axes stays as it is.

    >>> along(np.ones(2), np.zeros((2, 3)), 0).shape
    (2, 1)
    """
    if np.ndim(v) != 1:
        return v
    return np.reshape(v, [np.size(v) if k == axis % np.ndim(a) else 1 for k in range(np.ndim(a))])


def cut(a: Any, axis: int, start: Any, stop: Any) -> Any:
    """The part of a from start to stop along an axis.

    >>> cut(np.arange(6).reshape(2, 3), 1, 1, None)
    array([[1, 2],
           [4, 5]])
    """
    return a[(slice(None),) * (axis % np.ndim(a)) + (slice(start, stop),)]


def uncut(g: Any, n: int, axis: int, start: Any, stop: Any) -> Any:
    """The adjoint of `cut`: g in its place along an axis of length n, zero elsewhere."""
    axis = axis % np.ndim(g)
    total = np.zeros((*np.shape(g)[:axis], n, *np.shape(g)[axis + 1 :]), np.result_type(g))
    total[(slice(None),) * axis + (slice(start, stop),)] = g
    return total


# Differences and slopes
def diff_adjoint(g: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = None) -> Any:
    """The adjoint of a by `np.diff(a, n, axis, prepend)`: g where an element counts, -g where the one before does.

    >>> diff_adjoint(np.array([1.0, 5.0]), np.zeros(3))
    array([-1., -4.,  5.])
    """
    g = np.copy(g) if n == 0 else g
    for _ in range(n):
        longer = np.shape(g)[axis] + 1
        g = uncut(g, longer, axis, 1, None) - uncut(g, longer, axis, 0, -1)
    before = 0 if prepend is None else 1 if np.ndim(prepend) == 0 else np.shape(prepend)[axis]
    return cut(g, axis, before, before + np.shape(a)[axis])


def ediff1d_adjoint(g: Any, a: Any, before: int = 0) -> Any:
    """The adjoint of `np.ediff1d(a, to_end, to_begin)`, where so many elements stand before the differences."""
    size = np.size(a)
    return np.reshape(diff_adjoint(g[before : before + max(size - 1, 0)], np.ravel(a)), np.shape(a))


def gradient_weights(n: int, spacing: Any) -> Any:
    """The factors of an element, of those before and after it, in what `np.gradient` makes of it within the ends.

    spacing: a distance, or the n coordinates along the axis.
    """
    if np.ndim(spacing) == 0:
        return -0.5 / spacing, 0.0, 0.5 / spacing
    steps = np.diff(spacing)
    left, right = steps[:-1], steps[1:]
    return -right / (left * (left + right)), (right - left) / (left * right), left / (right * (left + right))


def gradient_adjoint(g: Any, spacing: Any = 1.0, axis: int = -1, edge_order: int = 1) -> Any:
    """The adjoint of `np.gradient(a, spacing, axis=axis, edge_order=edge_order)`, along one axis."""
    n = np.shape(g)[axis]
    before, own, after = (along(w, g, axis) for w in gradient_weights(n, spacing))
    inner = cut(g, axis, 1, -1)
    total = uncut(before * inner, n, axis, 0, -2) + uncut(own * inner, n, axis, 1, -1)
    total = total + uncut(after * inner, n, axis, 2, None)
    first, last = cut(g, axis, 0, 1), cut(g, axis, n - 1, n)
    a = b = c = d = spacing
    if np.ndim(spacing):
        steps = np.diff(spacing)
        a, b, c, d = steps[0], steps[1 % (n - 1)], steps[-2 % (n - 1)], steps[-1]
    ends = [(first, 0, -1 / a), (first, 1, 1 / a), (last, n - 2, -1 / d), (last, n - 1, 1 / d)]
    if edge_order == 2:
        ends = [
            (first, 0, -(2 * a + b) / (a * (a + b))), (first, 1, (a + b) / (a * b)), (first, 2, -a / (b * (a + b))),
            (last, n - 3, d / (c * (c + d))), (last, n - 2, -(c + d) / (c * d)),
            (last, n - 1, (2 * d + c) / (d * (c + d))),
        ]  # fmt: skip
    for end, place, weight in ends:
        total = total + uncut(weight * end, n, axis, place, place + 1)
    return total


# Integrals
def trapezoid_adjoint(g: Any, a: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The adjoint of a by `np.trapezoid(a, x, dx, axis)`: each element counts half of the steps beside it.

    >>> trapezoid_adjoint(1.0, np.zeros(3))
    array([0.5, 1. , 0.5])
    """
    n = np.shape(a)[axis]
    steps = dx if x is None else np.diff(along(x, a, axis), axis=axis)
    halves = np.broadcast_to(np.expand_dims(g, axis) * steps / 2, cut(a, axis, 1, None).shape)
    return uncut(halves, n, axis, 1, None) + uncut(halves, n, axis, 0, -1)


def trapezoid_adjoint_x(g: Any, a: Any, x: Any, axis: int = -1) -> Any:
    """The adjoint of the coordinates x by `np.trapezoid(a, x, axis=axis)`."""
    means = np.expand_dims(g, axis) * (cut(a, axis, 1, None) + cut(a, axis, 0, -1)) / 2
    if np.ndim(x) == 1 and np.ndim(a) > 1:
        n = np.size(x)
        means = np.reshape(np.moveaxis(means, axis, 0), (n - 1, np.size(a) // n)).sum(axis=1)
        axis = 0
    return diff_adjoint(means, x, 1, axis)


# Interpolation
def interp_cells(x: Any, xp: Any) -> Any:
    """For each x the places of the points beside it, how far it is from the first to the second, and whether within."""
    low = np.clip(np.searchsorted(xp, x, "right") - 1, 0, max(np.size(xp) - 2, 0))
    high = np.minimum(low + 1, np.size(xp) - 1)
    width = xp[high] - xp[low]
    width = np.where(width == 0, 1, width)
    return low, high, (x - xp[low]) / width, width, (x >= xp[0]) & (x <= xp[-1])


def interp_slope(x: Any, xp: Any, fp: Any) -> Any:
    """The derivative of `np.interp(x, xp, fp)` by x: the slope of the cell, on a point of the one after it."""
    low, high, _, width, inside = interp_cells(x, xp)
    return np.where(inside, (fp[high] - fp[low]) / width, 0.0)


def interp_adjoint_xp(g: Any, x: Any, xp: Any, fp: Any) -> Any:
    """The adjoint of the points xp by `np.interp(x, xp, fp)`."""
    low, high, part, _, inside = interp_cells(x, xp)
    moved = np.where(inside, g * interp_slope(x, xp, fp), 0.0)
    total = np.zeros(np.shape(xp))
    np.add.at(total, low, moved * (part - 1))
    np.add.at(total, high, -moved * part)
    return total


def interp_adjoint_fp(g: Any, x: Any, xp: Any, left: Any = None, right: Any = None) -> Any:
    """The adjoint of the values fp by `np.interp(x, xp, fp, left, right)`."""
    low, high, part, _, inside = interp_cells(x, xp)
    total = np.zeros(np.shape(xp))
    np.add.at(total, low, np.where(inside, g * (1 - part), 0.0))
    np.add.at(total, high, np.where(inside, g * part, 0.0))
    if left is None:
        total[0] += np.sum(np.where(x < xp[0], g, 0.0))
    if right is None:
        total[-1] += np.sum(np.where(x > xp[-1], g, 0.0))
    return total


# Convolution
def convolve_adjoint(g: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """The adjoint of a by `np.convolve(a, v, mode)`: the correlation of v with g, in its place in the full result.

    >>> convolve_adjoint(np.array([1.0, 0.0, 0.0, 2.0]), np.zeros(3), np.array([3.0, 5.0]))
    array([ 3.,  0., 10.])
    """
    less = min(np.size(a), np.size(v)) - 1
    return adjoint_in_place(g, a, v, {"full": 0, "same": less // 2, "valid": less}[mode])


def correlate_adjoint_a(g: Any, a: Any, v: Any, mode: str = "valid") -> Any:
    """The adjoint of a by `np.correlate(a, v, mode)`, which is a convolution with v turned round."""
    return adjoint_in_place(g, a, v[::-1], correlate_start(a, v, mode))


def correlate_adjoint_v(g: Any, a: Any, v: Any, mode: str = "valid") -> Any:
    """The adjoint of v by `np.correlate(a, v, mode)`, which is a convolution with v turned round."""
    return adjoint_in_place(g, v, a, correlate_start(a, v, mode))[::-1]


def correlate_start(a: Any, v: Any, mode: str) -> int:
    """Where the result of `np.correlate(a, v, mode)` starts in the full one."""
    less = min(np.size(a), np.size(v)) - 1
    half = less // 2 if np.size(a) >= np.size(v) else less - less // 2
    return {"full": 0, "same": half, "valid": less}[mode]


def adjoint_in_place(g: Any, a: Any, v: Any, start: int) -> Any:
    """The adjoint of a for a part, from a start on, of the full convolution of a and v."""
    whole = np.zeros(np.size(a) + np.size(v) - 1, np.result_type(g))
    whole[start : start + np.size(g)] = g
    return np.correlate(whole, v, "valid")


# Windows, and numbers between two ends
def kaiser_slope(M: int, beta: Any) -> Any:
    """The derivative of `np.kaiser(M, beta)` by beta."""
    x = np.sqrt(np.maximum(1 - (2 * np.arange(M) / max(M - 1, 1) - 1) ** 2, 0.0)) if M > 1 else np.ones(M)
    whole = np.i0(beta)
    return (x * bessel_i(beta * x, 1) - np.i0(beta * x) * bessel_i(beta, 1) / whole) / whole


def between_adjoint(g: Any, num: int, endpoint: bool, which: int, axis: int = 0) -> Any:
    """The adjoint of the first (0) or second (1) end by `np.linspace(…, num, endpoint, axis=axis)`, stretched."""
    points = np.linspace(1 - which, which, num, endpoint, dtype=np.result_type(g))
    return np.tensordot(points, np.moveaxis(g, axis, 0), 1)


# Sums of stretches
def reduceat_adjoint(g: Any, a: Any, indices: Any, axis: int = 0) -> Any:
    """The adjoint of `np.add.reduceat(a, indices, axis)`: g added to each element of its stretch.

    >>> reduceat_adjoint(np.array([1.0, 5.0]), np.zeros(4), [0, 3])
    array([1., 1., 1., 5.])
    """
    total = np.zeros(np.shape(a), np.result_type(g))
    rows, parts = np.moveaxis(total, axis, 0), np.moveaxis(g, axis, 0)
    ends = [*indices[1:], len(rows)]
    for k in range(len(ends)):
        rows[indices[k] : max(ends[k], indices[k] + 1)] += parts[k]
    return total
