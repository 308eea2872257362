"""Adjoints and tangents of order statistics, of reductions that leave out NaN, and of covariances.

As in `reductions`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only. `axis`
and `keepdims` are those of the reduction.
"""

from typing import Any

import numpy as np


# Quantiles
def rows_of_axes(a: Any, axis: Any) -> Any:
    """The array with the axes of a reduction merged to one, the last.

    >>> rows_of_axes(np.zeros((2, 3, 4)), (0, 2)).shape
    (3, 8)
    """
    axes = tuple(range(np.ndim(a))) if axis is None else tuple(np.atleast_1d(axis).tolist())
    moved = np.moveaxis(np.asarray(a), axes, range(-len(axes), 0))
    kept = moved.shape[: moved.ndim - len(axes)]
    return moved.reshape((*kept, int(np.prod(moved.shape[moved.ndim - len(axes) :], dtype=int))))


def quantile_weights(a: Any, q: Any, axis: Any = None) -> Any:
    """The derivative of `np.quantile(a, q, axis)`: for each q, how much each element of a counts, in a's shape.

    The two elements beside the place q share it. Equal elements keep their order; NaN does not count.

    >>> quantile_weights(np.array([3.0, 1.0, 2.0]), 0.75)
    array([0.5, 0. , 0.5])
    """
    rows = rows_of_axes(a, axis)
    ranks = np.argsort(np.argsort(rows, axis=-1, kind="stable"), axis=-1)
    count = np.sum(~np.isnan(rows), axis=-1, keepdims=True)
    places = np.reshape(q, (*np.shape(q), *(1,) * np.ndim(rows))) * (count - 1)
    weights = np.maximum(0, 1 - np.abs(ranks - places)).astype(rows.dtype)
    axes = tuple(range(np.ndim(a))) if axis is None else tuple(np.atleast_1d(axis).tolist())
    back = [k - np.ndim(a) if k >= 0 else k for k in axes]
    split = weights.reshape((*weights.shape[:-1], *(np.shape(a)[k] for k in axes)))
    return np.moveaxis(split, range(-len(axes), 0), back)


def quantile_adjoint(g: Any, a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of a by `np.quantile(a, q, axis, keepdims=keepdims)`."""
    weights = quantile_weights(a, q, axis)
    kept = np.shape(np.sum(a, axis=axis, keepdims=True))
    return np.sum(np.reshape(g, (*np.shape(q), *kept)) * weights, axis=tuple(range(np.ndim(q))))


def quantile_tangent(a_dot: Any, a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of `np.quantile(a, q, axis, keepdims=keepdims)` for a_dot."""
    weights = quantile_weights(a, q, axis)
    axes = tuple(range(np.ndim(a))) if axis is None else tuple(np.atleast_1d(axis).tolist())
    back = tuple(k - np.ndim(a) if k >= 0 else k for k in axes)
    return np.sum(weights * a_dot, axis=back, keepdims=keepdims)


def quantile_slope(a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The derivative of `np.quantile(a, q, axis, keepdims=keepdims)` by q; on an element, towards the next."""
    rows = np.sort(rows_of_axes(a, axis), axis=-1)
    count = np.sum(~np.isnan(rows), axis=-1, keepdims=True)
    places = np.reshape(q, (*np.shape(q), *(1,) * np.ndim(rows))) * (count - 1)
    low = np.clip(np.floor(places).astype(int), 0, np.maximum(count - 2, 0))
    many = np.broadcast_to(rows, (*np.shape(q), *np.shape(rows)))
    first = np.take_along_axis(many, low, -1)
    second = np.take_along_axis(many, np.minimum(low + 1, np.maximum(count - 1, 0)), -1)
    shape = (*np.shape(q), *np.shape(np.sum(a, axis=axis, keepdims=keepdims)))
    return np.reshape((second - first) * (count - 1).astype(rows.dtype), shape)[()]


def quantile_adjoint_q(g: Any, a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The adjoint of q by `np.quantile(a, q, axis, keepdims=keepdims)`."""
    moved = g * quantile_slope(a, q, axis, keepdims)
    return np.sum(np.reshape(moved, (*np.shape(q), np.size(moved) // max(np.size(q), 1))), axis=-1)


def quantile_tangent_q(q_dot: Any, a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangent of `np.quantile(a, q, axis, keepdims=keepdims)` for q_dot."""
    slope = quantile_slope(a, q, axis, keepdims)
    return np.reshape(q_dot, (*np.shape(q), *(1,) * (np.ndim(slope) - np.ndim(q)))) * slope


# Variances without NaN
def nanvar_adjoint(g: Any, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    """The adjoint of `np.nanvar`: 2 g (a - mean) / (n - ddof) where a is a number."""
    deviation = np.where(np.isnan(a), 0, a - np.nanmean(a, axis=axis, keepdims=True))
    count = np.sum(~np.isnan(a), axis=axis, keepdims=True) - ddof
    g = g if axis is None or keepdims else np.expand_dims(g, axis)
    return (2 * g * deviation / count).astype(np.result_type(g))


def nanvar_tangent(a_dot: Any, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    """The tangent of `np.nanvar`."""
    deviation = np.where(np.isnan(a), 0, a - np.nanmean(a, axis=axis, keepdims=True))
    count = np.sum(~np.isnan(a), axis=axis, keepdims=True) - ddof
    return np.sum((2 * deviation * a_dot / count).astype(np.result_type(a_dot)), axis=axis, keepdims=keepdims)


# Covariances
def variables(m: Any, y: Any = None, rowvar: bool = True) -> Any:
    """The variables of `np.cov(m, y, rowvar)` as rows, each less its mean.

    >>> variables(np.array([1.0, 3.0]), np.array([2.0, 8.0]))
    array([[-1.,  1.],
           [-3.,  3.]])
    """
    rows = variable_rows(m, rowvar)
    if y is not None:
        rows = np.concatenate([rows, variable_rows(y, rowvar)], axis=0)
    return rows - np.mean(rows, axis=1, keepdims=True)


def variable_rows(m: Any, rowvar: bool = True) -> Any:
    """The variables of one argument of `np.cov` as rows."""
    rows = np.atleast_2d(m)
    return rows if rowvar or len(rows) == 1 else rows.T


def cov_adjoint(
    g: Any, which: int, m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None
) -> Any:
    """The adjoint of m (which 0) or y (which 1) by `np.cov(m, y, rowvar, bias, ddof)`: (g + gᵀ) x / (n - ddof)."""
    x = variables(m, y, rowvar)
    less = (0 if bias else 1) if ddof is None else ddof
    g = np.reshape(g, (len(x), len(x)))
    rows = (g + g.T) @ x / (np.shape(x)[1] - less)
    of = y if which else m
    count = len(variable_rows(of, rowvar))
    rows = rows[len(x) - count :] if which else rows[:count]
    return np.reshape(rows if rowvar or len(np.atleast_2d(of)) == 1 else rows.T, np.shape(of))


def cov_tangent(
    d: Any, which: int, m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None
) -> Any:
    """The tangent of `np.cov(m, y, rowvar, bias, ddof)` for the tangent d of m (which 0) or y (which 1)."""
    x = variables(m, y, rowvar)
    less = (0 if bias else 1) if ddof is None else ddof
    other = None if y is None else np.zeros_like(m if which else y)
    x_dot = variables(other, d, rowvar) if which else variables(d, other, rowvar)
    return np.squeeze((x_dot @ x.T + x @ x_dot.T) / (np.shape(x)[1] - less))


def corrcoef_adjoint(g: Any, which: int, m: Any, y: Any = None, rowvar: bool = True) -> Any:
    """The adjoint of m (which 0) or y (which 1) by `np.corrcoef(m, y, rowvar)`."""
    x = variables(m, y, rowvar)
    c = x @ x.T / (np.shape(x)[1] - 1)
    variance = np.diagonal(c)
    d = np.sqrt(variance)
    g = np.reshape(g, np.shape(c))
    scaled = g / np.outer(d, d)
    own = np.sum((scaled + scaled.T) * c, axis=1) / (2 * variance)
    return cov_adjoint(scaled - np.diag(own), which, m, y, rowvar)


def corrcoef_tangent(m_dot: Any, which: int, m: Any, y: Any = None, rowvar: bool = True) -> Any:
    """The tangent of `np.corrcoef(m, y, rowvar)` for the tangent of m (which 0) or y (which 1)."""
    x = variables(m, y, rowvar)
    c = x @ x.T / (np.shape(x)[1] - 1)
    variance = np.diagonal(c)
    d = np.sqrt(variance)
    c_dot = np.reshape(cov_tangent(m_dot, which, m, y, rowvar), np.shape(c))
    own = np.diagonal(c_dot) / (2 * variance)
    return np.squeeze(c_dot / np.outer(d, d) - c / np.outer(d, d) * (own[:, None] + own))
