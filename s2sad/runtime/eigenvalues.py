"""Adjoints and tangents of eigenvalues and eigenvectors of any square matrix, real or complex.

As in `linalg`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only. Matrices may
be stacked along leading axes. Eigenvectors are those of LAPACK: of length one, and their largest component is real.
Giles (2008), "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", section 3.1, with the length and the phase of each vector held.
"""

from typing import Any

import numpy as np


def by_differences(m: Any, w: Any) -> Any:
    """m[i, j] / (w[j] - w[i]) off the diagonal, zero on it; NaN where equal eigenvalues leave a vector undetermined."""
    gaps = w[..., None, :] - w[..., :, None]
    ratio = np.where((gaps == 0) & (m != 0), np.nan, m / np.where(gaps == 0, 1, gaps))
    return np.where(np.eye(m.shape[-1], dtype=bool), 0, ratio)


def largest(v: Any) -> Any:
    """Where the component of each vector stands that is the largest, and so real."""
    size = np.abs(v)
    return np.expand_dims(np.argmax(size, axis=-2), -2) == np.expand_dims(np.arange(v.shape[-1]), -1)


def eig_adjoint(g0: Any, g1: Any, w: Any, v: Any) -> Any:
    """The adjoint of `w, v = np.linalg.eig(a)`: v⁻ᵀ (diag(g0) + F ∘ vᵀ h) vᵀ with F = 1 / (w[j] - w[i]).

    h is g1 without what turns or lengthens a vector.
    """
    along = np.sum(g1 * v, axis=-2, keepdims=True)
    real = np.where(largest(v), v.real, 1)
    h = g1 - along.real * np.conj(v) - np.where(largest(v), 1j * along.imag / real, 0)
    inner = by_differences(v.mT @ h, w)
    return np.linalg.solve(v.mT, inner @ v.mT + np.expand_dims(g0, -1) * v.mT)


def eig_tangent(a_dot: Any, w: Any, v: Any) -> Any:
    """The tangents of `w, v = np.linalg.eig(a)`: the diagonal of m = v⁻¹ ȧ v, and v (F ∘ m), length and phase held."""
    m = np.linalg.solve(v, a_dot @ v)
    c = v @ by_differences(m, w)
    real = np.where(largest(v), v.real, 1)
    longer = np.sum(np.conj(v) * c, axis=-2, keepdims=True).real
    turned = np.sum(np.where(largest(v), c.imag / real, 0), axis=-2, keepdims=True)
    return np.diagonal(m, 0, -2, -1), c - v * (longer + 1j * turned)


def vectors_of(a: Any, w: Any) -> Any:
    """The eigenvectors of a in the order of these eigenvalues."""
    found, v = np.linalg.eig(a)
    place = np.argmin(np.abs(np.expand_dims(w, -1) - np.expand_dims(found, -2)), axis=-1)
    return np.take_along_axis(v, np.expand_dims(place, -2), -1)


def eigvals_adjoint(g: Any, a: Any, w: Any) -> Any:
    """The adjoint of `w = np.linalg.eigvals(a)`: v⁻ᵀ diag(g) vᵀ."""
    v = vectors_of(a, w)
    return np.linalg.solve(v.mT, np.expand_dims(g, -1) * v.mT)


def eigvals_tangent(a_dot: Any, a: Any, w: Any) -> Any:
    """The tangent of `w = np.linalg.eigvals(a)`: the diagonal of v⁻¹ ȧ v."""
    v = vectors_of(a, w)
    return np.diagonal(np.linalg.solve(v, a_dot @ v), 0, -2, -1)
