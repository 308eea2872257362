"""Adjoints and tangents of decompositions of matrices, of least squares, and of what NumPy makes of these.

As in `linalg`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only. Matrices may
be stacked along leading axes.
"""

from typing import Any

import numpy as np


# Singular values
def inverse_gaps(s: Any, m: Any) -> Any:
    """m[i, j] / (s[j]² - s[i]²) off the diagonal, zero on it; NaN where equal singular values make it undetermined."""
    gaps = s[..., None, :] ** 2 - s[..., :, None] ** 2
    lost = (gaps == 0) & (m != 0)
    ratio = np.where(lost, np.nan, m / np.where(gaps == 0, 1, gaps))
    return np.where(np.eye(s.shape[-1], dtype=bool), 0, ratio)


def require_thin(u: Any, vh: Any) -> None:
    """Raises ValueError where a decomposition has vectors beyond the singular values, which nothing determines."""
    if u.shape[-1] != vh.shape[-2]:
        raise ValueError("the derivative of numpy.linalg.svd of a matrix that is not square needs full_matrices=False")


def svd_adjoint(g0: Any, g1: Any, g2: Any, u: Any, s: Any, vh: Any) -> Any:
    """The adjoint of `u, s, vh = np.linalg.svd(a, full_matrices=False)`.

    Townsend (2016), "Differentiating the singular value decomposition", in reverse. Vectors of equal singular values
    are not determined: NaN, where their adjoints ask for them.
    """
    require_thin(u, vh)
    v, g_v = vh.mT, g2.mT
    left, right = u.mT @ g0, v.mT @ g_v
    inner = inverse_gaps(s, left - left.mT) * s[..., None, :] + s[..., :, None] * inverse_gaps(s, right - right.mT)
    total = (u @ inner + u * g1[..., None, :]) @ vh
    inverse = 1 / np.where(s == 0, 1, s)[..., None, :]
    return total + ((g0 - u @ left) * inverse) @ vh + (u * inverse) @ (g_v - v @ right).mT


def svd_tangent(a_dot: Any, u: Any, s: Any, vh: Any) -> Any:
    """The tangents of `u, s, vh = np.linalg.svd(a, full_matrices=False)`."""
    require_thin(u, vh)
    v = vh.mT
    p = u.mT @ a_dot @ v
    row, column = s[..., None, :], s[..., :, None]
    inverse = 1 / np.where(s == 0, 1, s)[..., None, :]
    a_v, a_u = a_dot @ v, a_dot.mT @ u
    u_dot = u @ inverse_gaps(s, p * row + column * p.mT) + (a_v - u @ (u.mT @ a_v)) * inverse
    v_dot = v @ inverse_gaps(s, column * p + p.mT * row) + (a_u - v @ (v.mT @ a_u)) * inverse
    return u_dot, np.diagonal(p, 0, -2, -1), v_dot.mT


def svdvals_adjoint(g: Any, a: Any) -> Any:
    """The adjoint of the singular values of a: u diag(g) vᵀ."""
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return ((u * np.expand_dims(g, -2)) @ vh).conj()


def svdvals_tangent(a_dot: Any, a: Any) -> Any:
    """The tangent of the singular values of a: the diagonal of uᵀ ȧ v."""
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return np.diagonal(u.mT.conj() @ a_dot @ vh.mT.conj(), 0, -2, -1).real


# Orthogonal factors
def qr_adjoint(g0: Any, g1: Any, a: Any, q: Any, r: Any) -> Any:
    """The adjoint of `q, r = np.linalg.qr(a)`; a wide matrix has the factors of its first square part.

    Walter and Lehmann (2018), "Algorithmic differentiation of linear algebra functions with application in optimum
    experimental design".
    """
    k = r.shape[-2]
    wide = r.shape[-1] > k
    square = r[..., :k]
    if wide:
        g0 = g0 + a[..., k:] @ g1[..., k:].mT
    m = square @ g1[..., :k].mT - g0.mT @ q
    lower = np.tril(m)
    inner = g0 + q @ (lower + np.tril(m, -1).mT)
    total = np.linalg.solve(square, inner.mT).mT
    return np.concatenate([total, q @ g1[..., k:]], axis=-1) if wide else total


def qr_tangent(a_dot: Any, a: Any, q: Any, r: Any) -> Any:
    """The tangents of `q, r = np.linalg.qr(a)`."""
    k = r.shape[-2]
    square = r[..., :k]
    moved = np.linalg.solve(square.mT, a_dot[..., :k].mT).mT
    c = q.mT @ moved
    turn = np.tril(c, -1) - np.tril(c, -1).mT
    q_dot = moved - q @ (c - turn)
    r_dot = (c - turn) @ square
    if r.shape[-1] > k:
        r_dot = np.concatenate([r_dot, q_dot.mT @ a[..., k:] + q.mT @ a_dot[..., k:]], axis=-1)
    return q_dot, r_dot


# Least squares
def lstsq_adjoint_a(g0: Any, g1: Any, g3: Any, a: Any, b: Any, x: Any) -> Any:
    """The adjoint of a by `x, residuals, _, s = np.linalg.lstsq(a, b)`, where the rank of a does not change.

    Golub and Pereyra (1973), "The differentiation of pseudo-inverses and nonlinear least squares problems", transposed.
    """
    columns = np.reshape(x, (np.shape(a)[1], -1))
    g_x, rest = np.reshape(g0, columns.shape), np.reshape(b, (np.shape(a)[0], -1)) - a @ columns
    inverse = np.linalg.pinv(a)
    back = inverse.T @ g_x
    total = rest @ (inverse @ back).T - back @ columns.T + inverse.T @ columns @ (g_x - a.T @ back).T
    if np.size(g1):
        total = total - 2 * (rest * g1) @ columns.T
    return total + svdvals_adjoint(g3, a)


def lstsq_adjoint_b(g0: Any, g1: Any, a: Any, b: Any, x: Any) -> Any:
    """The adjoint of b by `x, residuals, _, _ = np.linalg.lstsq(a, b)`."""
    back = np.linalg.pinv(a).T @ g0
    return back + 2 * g1 * (b - a @ x) if np.size(g1) else back


def lstsq_tangent_a(a_dot: Any, a: Any, b: Any, x: Any, residuals: Any) -> Any:
    """The tangents of `x, residuals, _, s = np.linalg.lstsq(a, b)` for that of a."""
    inverse, rest = np.linalg.pinv(a), b - a @ x
    x_dot = inverse @ (inverse.T @ (a_dot.T @ rest)) - inverse @ (a_dot @ x)
    x_dot = x_dot + a_dot.T @ (inverse.T @ x) - inverse @ (a @ (a_dot.T @ (inverse.T @ x)))
    moved = -2 * np.sum(rest * (a_dot @ x), axis=0)
    moved = np.reshape(moved, np.shape(residuals)) if np.size(residuals) else residuals
    return x_dot, moved, 0, svdvals_tangent(a_dot, a)


def lstsq_tangent_b(b_dot: Any, a: Any, b: Any, x: Any, residuals: Any) -> Any:
    """The tangents of `x, residuals, _, s = np.linalg.lstsq(a, b)` for that of b."""
    rest = b - a @ x
    moved = np.reshape(2 * np.sum(rest * b_dot, axis=0), np.shape(residuals)) if np.size(residuals) else residuals
    return np.linalg.pinv(a) @ b_dot, moved, 0, np.zeros(min(np.shape(a)), np.result_type(a))


# Solving for arrays of several axes
def tensorsolve_adjoint_b(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of b by `np.linalg.tensorsolve(a, b)`."""
    size = np.size(b)
    return np.reshape(np.linalg.solve(np.reshape(a, (size, size)).T, np.ravel(g)), np.shape(b))


def tensorsolve_adjoint_a(g: Any, a: Any, b: Any, y: Any) -> Any:
    """The adjoint of a by `y = np.linalg.tensorsolve(a, b)`."""
    back = np.ravel(tensorsolve_adjoint_b(g, a, b))
    return np.reshape(-np.outer(back, np.ravel(y)), np.shape(a))


def tensorsolve_tangent_a(a_dot: Any, a: Any, b: Any, y: Any) -> Any:
    """The tangent of `y = np.linalg.tensorsolve(a, b)` for that of a."""
    size = np.size(b)
    return -np.reshape(
        np.linalg.solve(np.reshape(a, (size, size)), np.reshape(a_dot, (size, size)) @ np.ravel(y)), np.shape(y)
    )


def tensorinv_adjoint(g: Any, a: Any, y: Any) -> Any:
    """The adjoint of `y = np.linalg.tensorinv(a, ind)`; its tangent too, of a turned round and y."""
    size = int(np.sqrt(np.size(a)) + 0.5)
    inverse = np.reshape(y, (size, size))
    return -np.reshape(inverse.T @ np.reshape(g, (size, size)) @ inverse.T, np.shape(a))


def tensorinv_tangent(a_dot: Any, a: Any, y: Any) -> Any:
    """The tangent of `y = np.linalg.tensorinv(a, ind)`."""
    size = int(np.sqrt(np.size(a)) + 0.5)
    inverse = np.reshape(y, (size, size))
    return -np.reshape(inverse @ np.reshape(a_dot, (size, size)) @ inverse, np.shape(y))


# Condition numbers
def extreme_ratio_adjoint(g: Any, a: Any, smallest: bool = False) -> Any:
    """The adjoint of the largest singular value of a by the smallest, or of the smallest by the largest."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    upper, lower = (s[..., -1], s[..., 0]) if smallest else (s[..., 0], s[..., -1])
    first, last = np.expand_dims(g / lower, (-2, -1)), np.expand_dims(-g * upper / lower**2, (-2, -1))
    if smallest:
        first, last = last, first
    return first * u[..., :, :1] * vh[..., :1, :] + last * u[..., :, -1:] * vh[..., -1:, :]
