"""Adjoints and tangents of decompositions of complex matrices, and the phases of their vectors.

As in `linalg`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only. Matrices may
be stacked along leading axes. Adjoints are those of real matrices (`decompositions`) where nothing is complex.
"""

from typing import Any

import numpy as np


def over_gaps(s: Any, m: Any) -> Any:
    """m[i, j] / (s[j]² - s[i]²) off the diagonal, zero on it; NaN where equal singular values make it undetermined."""
    gaps = s[..., None, :] ** 2 - s[..., :, None] ** 2
    ratio = np.where((gaps == 0) & (m != 0), np.nan, m / np.where(gaps == 0, 1, gaps))
    return np.where(np.eye(s.shape[-1], dtype=bool), 0, ratio)


def require_free_of_phases(turned: Any, u: Any, vh: Any) -> None:
    """Raise a ValueError where a result depends on what is not determined.

    That are the phases of singular vectors, each pair turned together: then the diagonal of `turned` is not real. And
    vectors beyond the singular values.
    """
    if u.shape[-1] != vh.shape[-2]:
        raise ValueError("the derivative of numpy.linalg.svd of a matrix that is not square needs full_matrices=False")
    phases = np.abs(np.diagonal(turned, 0, -2, -1).imag)
    if np.any(phases > 1e3 * np.finfo(turned.dtype).eps * np.max(np.abs(turned), initial=1.0)):
        raise ValueError("the result depends on the phases of complex singular vectors, which are not determined")


def complex_svd_adjoint(g0: Any, g1: Any, g2: Any, u: Any, s: Any, vh: Any) -> Any:
    """The adjoint of `u, s, vh = np.linalg.svd(a, full_matrices=False)`.

    Wan and Zhang (2019), "Automatic differentiation for complex valued SVD".
    """
    v, g_v = vh.mT.conj(), g2.mT.conj()
    left, right = u.mT @ g0, v.mT @ g_v
    require_free_of_phases(left + right, u, vh)
    row, column = s[..., None, :], s[..., :, None]
    inverse = 1 / np.where(s == 0, 1, s)[..., None, :]
    inner = over_gaps(s, left - left.mT.conj()) * row + column * over_gaps(s, right - right.mT.conj())
    inner = inner + np.eye(s.shape[-1]) * (g1[..., None, :] + 0.5j * (left - right).imag * inverse)
    total = u.conj() @ inner @ v.mT + ((g0 - u.conj() @ left) * inverse) @ v.mT
    return total + (u * inverse).conj() @ (g_v - v.conj() @ right).mT.conj()


def complex_svd_tangent(a_dot: Any, u: Any, s: Any, vh: Any) -> Any:
    """The tangents of `u, s, vh = np.linalg.svd(a, full_matrices=False)`, for results in which phases do not matter."""
    v = vh.mT.conj()
    p = u.mT.conj() @ a_dot @ v
    row, column, along = s[..., None, :], s[..., :, None], np.diagonal(p, 0, -2, -1)
    inverse = 1 / np.where(s == 0, 1, s)[..., None, :]
    a_v, a_u = a_dot @ v, a_dot.mT.conj() @ u
    turn = 0.5j * along.imag[..., None, :] * inverse
    u_dot = u @ over_gaps(s, p * row + column * p.mT.conj()) + (a_v - u @ (u.mT.conj() @ a_v)) * inverse + u * turn
    v_dot = v @ over_gaps(s, column * p + p.mT.conj() * row) + (a_u - v @ (v.mT.conj() @ a_u)) * inverse - v * turn
    return u_dot, along.real, v_dot.mT.conj()


def complex_qr_adjoint(g0: Any, g1: Any, a: Any, q: Any, r: Any) -> Any:
    """The adjoint of `q, r = np.linalg.qr(a)`, where LAPACK makes the diagonal of r real.

    Walter and Lehmann (2018), "Algorithmic differentiation of linear algebra functions with application in optimum
    experimental design", with adjoint matrices for transposed ones. A wide matrix has the factors of its first square
    part.
    """
    k = r.shape[-2]
    square = r[..., :k]
    g_q = g0 + (a[..., k:] @ g1[..., k:].mT).conj()
    m = g1[..., :k] @ square.mT - q.mT @ g_q
    upper = np.triu(m, 1)
    inner = upper + upper.mT.conj() + np.eye(k) * m.real
    total = np.linalg.solve(square, (g_q + q.conj() @ inner).mT).mT
    return np.concatenate([total, q.conj() @ g1[..., k:]], axis=-1)


def complex_qr_tangent(a_dot: Any, a: Any, q: Any, r: Any) -> Any:
    """The tangents of `q, r = np.linalg.qr(a)`, where LAPACK makes the diagonal of r real."""
    k = r.shape[-2]
    square = r[..., :k]
    moved = np.linalg.solve(square.mT, a_dot[..., :k].mT).mT
    c = q.mT.conj() @ moved
    lower = np.tril(c, -1)
    kept = c - lower + lower.mT.conj() - np.eye(k) * (1j * c.imag)
    q_dot = moved - q @ kept
    rest = q_dot.mT.conj() @ a[..., k:] + q.mT.conj() @ a_dot[..., k:]
    return q_dot, np.concatenate([kept @ square, rest], axis=-1)
