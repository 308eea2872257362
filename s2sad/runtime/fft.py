"""Adjoints of Fourier transforms, where they are longer than a line.

As in `adjoints`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only. Adjoints
are transposes without a conjugation: the matrix of a discrete Fourier transform is symmetric, so that it is its own.
"""

from typing import Any

import numpy as np


def fitted(x: Any, like: Any) -> Any:
    """x cut, or filled up with zeros, to the shape of another array.

    >>> fitted(np.ones(3), np.zeros(2)), fitted(np.ones(1), np.zeros(2))
    (array([1., 1.]), array([1., 0.]))
    """
    total = np.zeros(np.shape(like), np.result_type(x))
    place = tuple(slice(min(n, m)) for n, m in zip(np.shape(x), np.shape(like)))
    total[place] = x[place]
    return total


def dual_norm(norm: Any) -> Any:
    """The mode in which a transform divides where its inverse in the mode `norm` does.

    >>> dual_norm(None), dual_norm("ortho"), dual_norm("forward")
    ('forward', 'ortho', 'backward')
    """
    return {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)


def transformed(a: Any, s: Any, axes: Any) -> tuple[list[int], list[int]]:
    """The axes of `a` that an n-dimensional transform goes over, and the lengths that it fits them to.

    >>> transformed(np.ones((2, 3)), (8,), None)
    ([1], [8])
    """
    if axes is None:
        axes = range(np.ndim(a)) if s is None else range(np.ndim(a) - len(s), np.ndim(a))
    found = [int(axis) % np.ndim(a) for axis in axes]
    if len(set(found)) < len(found):
        raise ValueError("the adjoint of a transform over one axis twice is not supported")
    lengths = [np.shape(a)[axis] for axis in found]
    return found, lengths if s is None else [own if n in (None, -1) else int(n) for n, own in zip(s, lengths)]


def rfft_adjoint(g: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The adjoint of `np.fft.rfft(a, n, axis, norm)`: g with zeros for the other half, transformed again."""
    whole = np.fft.fft(g, np.shape(a)[axis] if n is None else n, axis, norm).real
    return whole if np.shape(whole) == np.shape(a) else fitted(whole, a)


def half_spectrum(g: Any, axis: int = -1, norm: Any = None) -> Any:
    """The adjoint of `np.fft.irfft` to the length of g, which takes what is no end of the spectrum twice."""
    half = np.conj(np.fft.rfft(g, axis=axis, norm=dual_norm(norm)))
    weights = np.full(np.shape(half)[axis], 2, half.real.dtype)
    weights[0] = 1
    if np.shape(g)[axis] % 2 == 0:
        weights[-1] = 1
    return half * np.expand_dims(weights, tuple(k for k in range(np.ndim(g)) if k != axis % np.ndim(g)))


def irfft_adjoint(g: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The adjoint of `np.fft.irfft(a, n, axis, norm)`."""
    half = half_spectrum(g, axis, norm)
    half = half if np.iscomplexobj(a) else half.real
    return half if np.shape(half) == np.shape(a) else fitted(half, a)


def fftn_adjoint(g: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """The adjoint of `np.fft.fftn(a, s, axes, norm)`."""
    return fitted(np.fft.fftn(g, axes=transformed(a, s, axes)[0], norm=norm), a)


def ifftn_adjoint(g: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """The adjoint of `np.fft.ifftn(a, s, axes, norm)`."""
    return fitted(np.fft.ifftn(g, axes=transformed(a, s, axes)[0], norm=norm), a)


def rfftn_adjoint(g: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """The adjoint of `np.fft.rfftn(a, s, axes, norm)`: g with zeros for the other half, transformed again."""
    axes, lengths = transformed(a, s, axes)
    return fitted(np.fft.fftn(g, lengths, axes, norm).real, a)


def irfftn_adjoint(g: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """The adjoint of `np.fft.irfftn(a, s, axes, norm)`, which is real in its last axis only."""
    axes, _ = transformed(a, s, axes)
    half = half_spectrum(g, axes[-1], norm)
    half = np.fft.ifftn(half, axes=axes[:-1], norm=norm) if len(axes) > 1 else half
    return fitted(half if np.iscomplexobj(a) else half.real, a)


def irfftn_again(x: Any, like: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """`np.fft.irfftn(x, s, axes, norm)` in the shape of `like`: without s the last length does not tell it."""
    axes, _ = transformed(x, s, axes)
    return np.fft.irfftn(x, [np.shape(like)[axis] for axis in axes], axes, norm)
