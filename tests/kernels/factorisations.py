"""Dense linear algebra by hand, in place."""

import numpy as np

# ---- LU -------------------------------------------------------------------------------------------------------------


def decompose(a):
    """Doolittle's LU factors in place of a: L below the diagonal with ones on it, U on and above it."""
    n = a.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            a[i, k + 1 :] -= a[i, k] * a[k, k + 1 :]


def substitute(lu, b):
    """Solve L U x = b in place of b."""
    n = len(b)
    for i in range(n):
        b[i] -= lu[i, :i] @ b[:i]
    for i in range(n - 1, -1, -1):
        b[i] -= lu[i, i + 1 :] @ b[i + 1 :]
        b[i] /= lu[i, i]


def lu_solve(a, b):
    """The solution's energy and the logarithm of the determinant."""
    matrix = a
    decompose(matrix)
    substitute(matrix, b)
    logdet = 0.0
    for i in range(matrix.shape[0]):
        logdet += np.log(np.abs(matrix[i, i]))
    return np.sum(b * b) + logdet


def lu_pivoted(a, b):
    """LU with row exchanges, one triangle of loops, the permutation applied to b as it goes."""
    n = len(b)
    for k in range(n - 1):
        p = k + np.argmax(np.abs(a[k:, k]))
        if p != k:
            a[[k, p]] = a[[p, k]]
            b[k], b[p] = b[p], b[k]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - np.dot(a[i, i + 1 :], x[i + 1 :])) / a[i, i]
    return np.sum(x**2)


# ---- Cholesky -------------------------------------------------------------------------------------------------------


def cholesky(a):
    """The lower factor in place of the lower triangle of a, entry by entry."""
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
        for k in range(i):
            a[i, i] -= a[i, k] * a[i, k]
        a[i, i] = np.sqrt(a[i, i])


def log_likelihood(m, y):
    """A Gaussian's log density with covariance m mᵀ + I, by its Cholesky factor and one triangular solve."""
    a = m @ m.T + np.eye(len(y))
    cholesky(a)
    z = y.copy()
    forward_solve(a, z)
    total = -0.5 * np.sum(z * z)
    for i in range(len(y)):
        total -= np.log(a[i, i])
    return total


def cholesky_by_columns(m):
    """The factor in an array of its own, a column at a time."""
    n = m.shape[0]
    a = m @ m.T + 2.0 * np.eye(n)
    low = np.zeros((n, n))
    for j in range(n):
        column = a[j:, j] - low[j:, :j] @ low[j, :j]
        low[j:, j] = column / np.sqrt(column[0])
    return np.sum(low * low * m)


# ---- triangular systems ---------------------------------------------------------------------------------------------


def forward_solve(low, b):
    """Solve L x = b in place of b."""
    for i in range(len(b)):
        for j in range(i):
            b[i] -= low[i, j] * b[j]
        b[i] = b[i] / low[i, i]


def backward_solve(up, b):
    """Solve U x = b in place of b, a column of U at a time."""
    for i in range(len(b) - 1, -1, -1):
        b[i] /= up[i, i]
        b[:i] -= b[i] * up[:i, i]


def triangular(matrix, b):
    """Two triangular solves with the two triangles of one matrix."""
    x = b.copy()
    forward_solve(matrix, x)
    backward_solve(matrix, x)
    return np.sum(x * x) + x[0] * b[1]


# ---- Gram-Schmidt ---------------------------------------------------------------------------------------------------


def orthonormalise(a, r):
    """Modified Gram-Schmidt: the columns of a become orthonormal, r their coefficients."""
    n = a.shape[1]
    for k in range(n):
        r[k, k] = np.sqrt(np.sum(a[:, k] ** 2))
        a[:, k] /= r[k, k]
        for j in range(k + 1, n):
            r[k, j] = np.dot(a[:, k], a[:, j])
            a[:, j] -= a[:, k] * r[k, j]


def gram_schmidt(a, weights):
    """A weighted sum of both factors."""
    r = np.zeros((a.shape[1], a.shape[1]))
    orthonormalise(a, r)
    return np.sum(a * weights) + np.sum(r * r * r)


def gram_schmidt_rows(a):
    """Classical Gram-Schmidt on rows that are views of the matrix."""
    for i in range(a.shape[0]):
        row = a[i]
        for j in range(i):
            row -= np.dot(row, a[j]) * a[j]
        row /= np.linalg.norm(row)
    return np.sum(a[:, 0] * a[:, 1] ** 2)


# ---- Toeplitz and tridiagonal systems -------------------------------------------------------------------------------


def durbin(r):
    """Levinson and Durbin's recursion for the Yule-Walker equations: prediction coefficients from correlations."""
    n = len(r)
    y = np.zeros(n)
    z = np.zeros(n)
    y[0] = -r[0]
    beta = 1.0
    alpha = -r[0]
    for k in range(1, n):
        beta = (1.0 - alpha * alpha) * beta
        total = 0.0
        for i in range(k):
            total += r[k - i - 1] * y[i]
        alpha = -(r[k] + total) / beta
        for i in range(k):
            z[i] = y[i] + alpha * y[k - i - 1]
        for i in range(k):
            y[i] = z[i]
        y[k] = alpha
    return np.sum(y * y) * beta


def durbin_by_slices(r):
    """The same with slices, where the right side is a reversed view of the left."""
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = alpha
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y**3)


def thomas(lower, diagonal, upper, d):
    """Solve a tridiagonal system: upper and d are overwritten, the solution is left in d."""
    n = len(d)
    upper[0] /= diagonal[0]
    d[0] /= diagonal[0]
    for i in range(1, n):
        m = 1.0 / (diagonal[i] - lower[i] * upper[i - 1])
        upper[i] *= m
        d[i] = (d[i] - lower[i] * d[i - 1]) * m
    for i in range(n - 2, -1, -1):
        d[i] -= upper[i] * d[i + 1]


def implicit_diffusion(u, kappa, steps):
    """Backward Euler steps of the heat equation, a tridiagonal solve each, with what it overwrites made anew."""
    n = len(u)
    for _ in range(steps):
        lower = np.full(n, 0.0)
        upper = np.full(n, 0.0)
        diagonal = np.ones(n)
        lower[1:] = -kappa[:-1]
        upper[:-1] = -kappa[:-1]
        diagonal[1:] += kappa[:-1]
        diagonal[:-1] += kappa[:-1]
        thomas(lower, diagonal, upper, u)
    return np.sum(u**2) + u[0] * u[-1]
