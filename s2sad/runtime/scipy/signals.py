"""Adjoints of functions of sampled data that are longer than a line.

Every function stands alone: it uses numpy, scipy and other functions of this file only, so that an emitted file can
carry its source.
"""

from typing import Any

import numpy as np
import scipy.fft


# Convolution
def part_of_full(a: Any, v: Any, mode: str) -> Any:
    """Where the result of a convolution of a and v with a mode stands in the full one.

    >>> part_of_full(np.zeros(5), np.zeros(3), "same"), part_of_full(np.zeros(5), np.zeros(3), "valid")
    ((slice(1, 6, None),), (slice(2, 5, None),))
    """
    places = []
    for n, m in zip(np.shape(a), np.shape(v)):
        less = min(n, m) - 1
        start, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (less, max(n, m) - less)}[mode]
        places.append(slice(start, start + length))
    return tuple(places)


def in_full(x: Any, a: Any, v: Any, mode: str) -> Any:
    """A result of a convolution of a and v with a mode, in its place in a full one that is zero elsewhere.

    >>> in_full(np.ones(2), np.zeros(3), np.zeros(2), "valid")
    array([0., 1., 1., 0.])
    """
    whole = np.zeros([n + m - 1 for n, m in zip(np.shape(a), np.shape(v))], np.result_type(x))
    whole[part_of_full(a, v, mode)] = x
    return whole


def out_of_full(x: Any, a: Any, v: Any, mode: str) -> Any:
    """The part of a full convolution that one with a mode has: the adjoint of `in_full`."""
    return x[part_of_full(a, v, mode)]


def lags(w: Any, x: Any, like: Any, axis: int = -1) -> Any:
    """The sums of w[n] x[n - k] along an axis, for as many lags k from 0 on as `like` is long.

    >>> lags(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]), np.zeros(2))
    array([6., 5.])
    """
    first, second = np.moveaxis(w, axis, 0), np.moveaxis(x, axis, 0)
    n = np.shape(first)[0]
    sums = np.zeros(np.size(like), np.result_type(w, x))
    for k in range(min(np.size(like), n)):
        sums[k] = np.sum(first[k:] * second[: n - k])
    return sums


# Real transforms
def transposed(g: Any, name: str, of: int, axis: int, norm: Any) -> Any:
    """The transpose of a cosine or sine transform of samples, that is not orthogonal, applied to g.

    of: the type of the transform as a forward one. Type 2 is transposed to type 3 and the other way round, but for a
    factor of two at the element that type 3 counts once: the first of a cosine, the last of a sine transform. The
    cosine transform of type 1 counts both its ends once.
    """
    transform = getattr(scipy.fft, name)
    moved = np.array(np.moveaxis(g, axis, -1))
    one = 0 if "c" in name else -1
    own = {2: 3, 3: 2}.get(of, of)
    turned = {2: 3, 3: 2}.get(own, own) if name.startswith("i") else own
    if of == 2:
        moved[..., one] *= 2
    if of == 1 and "c" in name:
        moved[..., 1:-1] /= 2
    made = transform(moved, turned, norm=norm)
    if of == 3:
        made[..., one] /= 2
    if of == 1 and "c" in name:
        made[..., 1:-1] *= 2
    return np.moveaxis(made, -1, axis)


def dct_adjoint(x: Any, type: int = 2, axis: int = -1, norm: Any = None) -> Any:
    """The transpose of `scipy.fft.dct`.

    >>> float(dct_adjoint(np.array([1.0, 0.0]))[0])
    2.0
    """
    return scipy.fft.idct(x, type, axis=axis, norm=norm) if norm == "ortho" else transposed(x, "dct", type, axis, norm)


def dst_adjoint(x: Any, type: int = 2, axis: int = -1, norm: Any = None) -> Any:
    """The transpose of `scipy.fft.dst`."""
    return scipy.fft.idst(x, type, axis=axis, norm=norm) if norm == "ortho" else transposed(x, "dst", type, axis, norm)


def idct_adjoint(x: Any, type: int = 2, axis: int = -1, norm: Any = None) -> Any:
    """The transpose of `scipy.fft.idct`."""
    if norm == "ortho":
        return scipy.fft.dct(x, type, axis=axis, norm=norm)
    return transposed(x, "idct", {2: 3, 3: 2}.get(type, type), axis, norm)


def idst_adjoint(x: Any, type: int = 2, axis: int = -1, norm: Any = None) -> Any:
    """The transpose of `scipy.fft.idst`."""
    if norm == "ortho":
        return scipy.fft.dst(x, type, axis=axis, norm=norm)
    return transposed(x, "idst", {2: 3, 3: 2}.get(type, type), axis, norm)


# Integrals of samples
def sums_to_end(g: Any, axis: int, initial: Any) -> Any:
    """For each cell the sum of the adjoints of the cumulative integrals that it is part of, the axis being last."""
    moved = np.moveaxis(np.asarray(g), axis, -1)
    cells = moved if initial is None else moved[..., 1:]
    return np.cumsum(cells[..., ::-1], axis=-1)[..., ::-1]


def widths(a: Any, x: Any, dx: Any, axis: int) -> Any:
    """The widths of the cells of samples a, the axis being last."""
    if x is None:
        return dx
    return np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1))


def cumulative_adjoint(g: Any, a: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """The adjoint of the samples a in `scipy.integrate.cumulative_trapezoid`.

    >>> cumulative_adjoint(np.array([0.0, 1.0]), np.zeros(3))
    array([0.5, 1. , 0.5])
    """
    halves = sums_to_end(g, axis, initial) * widths(a, x, dx, axis) / 2
    none = np.zeros_like(halves[..., :1])
    both = np.concatenate([halves, none], axis=-1) + np.concatenate([none, halves], axis=-1)
    return np.moveaxis(both, -1, axis)


def cumulative_adjoint_x(g: Any, a: Any, x: Any, axis: int = -1, initial: Any = None) -> Any:
    """The adjoint of the places x in `scipy.integrate.cumulative_trapezoid`."""
    samples = np.moveaxis(np.asarray(a), axis, -1)
    cells = sums_to_end(g, axis, initial) * (samples[..., 1:] + samples[..., :-1]) / 2
    if np.ndim(x) == 1:
        cells = np.sum(np.reshape(cells, (-1, np.shape(cells)[-1])), axis=0)
    none = np.zeros_like(cells[..., :1])
    both = np.concatenate([none, cells], axis=-1) - np.concatenate([cells, none], axis=-1)
    return both if np.ndim(x) == 1 else np.moveaxis(both, -1, axis)


def simpson_weights(n: int, x: Any = None, dx: Any = 1.0) -> Any:
    """The weights of n samples in `scipy.integrate.simpson`, along the last axis of x.

    Simpson's rule for unequal cells; the last of an odd number of cells by Cartwright, Simpson's rule cumulative
    integration with MS Excel and irregularly-spaced data, 2017.

    >>> (3 * simpson_weights(5)).tolist()
    [1.0, 4.0, 2.0, 4.0, 1.0]
    """
    h = np.broadcast_to(dx, (n - 1,)) if x is None else np.diff(x)
    weights = np.zeros((*np.shape(h)[:-1], n))
    if n == 2:
        weights[..., :] = h / 2
        return weights
    cells = n - 1 - (n - 1) % 2
    first, second = h[..., :cells:2], h[..., 1:cells:2]
    both = first + second
    weights[..., 0 : cells - 1 : 2] += both / 6 * (2 - second / first)
    weights[..., 1:cells:2] += both**3 / (6 * first * second)
    weights[..., 2 : cells + 1 : 2] += both / 6 * (2 - first / second)
    if cells < n - 1:
        before, last = h[..., -2], h[..., -1]
        weights[..., -1] += (2 * last**2 + 3 * before * last) / (6 * (before + last))
        weights[..., -2] += (last**2 + 3 * before * last) / (6 * before)
        weights[..., -3] -= last**3 / (6 * before * (before + last))
    return weights


def simpson_adjoint(x: Any, a: Any, points: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The adjoint of the samples a in `scipy.integrate.simpson`, for the adjoint x of the integrals."""
    n = np.shape(a)[axis]
    along = points if points is None or np.ndim(points) == 1 else np.moveaxis(points, axis, -1)
    return np.moveaxis(np.expand_dims(x, -1) * simpson_weights(n, along, dx), -1, axis)


# Filters of images
def odd_sizes(x: Any) -> Any:
    """x, whose lengths must be odd: a filter of even length does not stand in the middle. Raises ValueError."""
    if any(n % 2 == 0 for n in np.shape(x)):
        raise ValueError("a filter is differentiated where its weights have odd lengths")
    return x
