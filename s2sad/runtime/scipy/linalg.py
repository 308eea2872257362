"""Adjoints and tangents of `scipy.linalg` that are longer than a line.

Every function stands alone: it uses numpy, scipy and other functions of this file only, so that an emitted file can
carry its source. Matrices are real.
"""

from typing import Any

import numpy as np
import scipy.linalg


def one_matrix(x: Any) -> Any:
    """x, which must be a matrix. Raises ValueError for several, whose solutions SciPy finds too.

    >>> one_matrix(np.eye(1))
    array([[1.]])
    """
    if np.ndim(x) != 2:
        raise ValueError("only one matrix at a time is differentiated")
    return x


def columns_product(left: Any, right: Any) -> Any:
    """The product of columns with columns, left @ right.T; of vectors their outer product.

    >>> columns_product(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    return np.outer(left, right) if np.ndim(left) == 1 else left @ right.T


def triangle(a: Any, lower: bool, unit_diagonal: bool = False) -> Any:
    """The triangle of a matrix that a triangular solver reads."""
    if lower:
        return np.tril(a, -1 if unit_diagonal else 0)
    return np.triu(a, 1 if unit_diagonal else 0)


# Factors
def cho_solve_adjoint(b_bar: Any, y: Any, c_and_lower: Any) -> Any:
    """The adjoint of the factor in `scipy.linalg.cho_solve`, from that of the right side and the solution y."""
    one_matrix(c_and_lower[0])
    product = columns_product(b_bar, y)
    symmetric = product + product.T
    if c_and_lower[1]:
        return -np.tril(symmetric @ np.tril(c_and_lower[0]))
    return -np.triu(np.triu(c_and_lower[0]) @ symmetric)


def cho_product(c_dot: Any, c_and_lower: Any, y: Any) -> Any:
    """The tangent of the matrix that a Cholesky factor stands for, times y."""
    if c_and_lower[1]:
        factor, factor_dot = np.tril(c_and_lower[0]), np.tril(c_dot)
        return factor_dot @ (factor.T @ y) + factor @ (factor_dot.T @ y)
    factor, factor_dot = np.triu(c_and_lower[0]), np.triu(c_dot)
    return factor_dot.T @ (factor @ y) + factor.T @ (factor_dot @ y)


def rows_of_pivots(piv: Any) -> Any:
    """The order of rows that the exchanges of `scipy.linalg.lu_factor` make: (L U)[i] is row order[i] of a.

    >>> rows_of_pivots(np.array([1, 2, 2]))
    array([1, 2, 0])
    """
    order = np.arange(len(piv))
    for i in range(len(piv)):
        kept = order[i]
        order[i] = order[piv[i]]
        order[piv[i]] = kept
    return order


def lu_inner(l_bar: Any, u_bar: Any, lower: Any, upper: Any) -> Any:
    """The adjoint of L U, of unit lower and upper triangular factors, from those of the factors.

    De Hoog, Anderssen and Lukas, Differentiation of matrix functionals using triangular factorization, 2011.
    """
    inner = np.tril(lower.T @ l_bar, -1) + np.triu(u_bar @ upper.T)
    left = scipy.linalg.solve_triangular(lower, inner, trans=1, lower=True, unit_diagonal=True)
    return scipy.linalg.solve_triangular(upper, left.T).T


def lu_inner_tangent(x: Any, lower: Any, upper: Any) -> Any:
    """L⁻¹ x U⁻¹, whose triangles give the tangents of the factors for a tangent x of L U."""
    left = scipy.linalg.solve_triangular(lower, x, lower=True, unit_diagonal=True)
    return scipy.linalg.solve_triangular(upper, left.T, trans=1).T


def lu_adjoint(l_bar: Any, u_bar: Any, p: Any, lower: Any, upper: Any) -> Any:
    """The adjoint of `scipy.linalg.lu` of a square matrix. Raises ValueError for another."""
    if np.shape(one_matrix(lower)) != np.shape(upper):
        raise ValueError("the LU factorisation is differentiated for square matrices only")
    return p @ lu_inner(l_bar, u_bar, lower, upper)


def lu_tangent(a_dot: Any, p: Any, lower: Any, upper: Any) -> Any:
    """The tangents of `scipy.linalg.lu` of a square matrix. Raises ValueError for another."""
    if np.shape(one_matrix(lower)) != np.shape(upper):
        raise ValueError("the LU factorisation is differentiated for square matrices only")
    inner = lu_inner_tangent(p.T @ a_dot, lower, upper)
    return np.zeros_like(p), lower @ np.tril(inner, -1), np.triu(inner) @ upper


def lu_factor_adjoint(g: Any, lu: Any, piv: Any) -> Any:
    """The adjoint of `scipy.linalg.lu_factor`, from that of the packed factors."""
    lower, upper = np.tril(one_matrix(lu), -1) + np.eye(len(lu), dtype=lu.dtype), np.triu(lu)
    back = np.argsort(rows_of_pivots(piv))
    return lu_inner(np.tril(g, -1), np.triu(g), lower, upper)[back]


def lu_factor_tangent(a_dot: Any, lu: Any, piv: Any) -> Any:
    """The tangent of the packed factors of `scipy.linalg.lu_factor`."""
    lower, upper = np.tril(one_matrix(lu), -1) + np.eye(len(lu), dtype=lu.dtype), np.triu(lu)
    inner = lu_inner_tangent(a_dot[rows_of_pivots(piv)], lower, upper)
    return lower @ np.tril(inner, -1) + np.triu(inner) @ upper


def lu_solve_adjoint(b_bar: Any, y: Any, lu_and_piv: Any, trans: int = 0) -> Any:
    """The adjoint of the packed factors in `scipy.linalg.lu_solve`, from that of the right side and the solution y."""
    lu = lu_and_piv[0]
    lower, upper = np.tril(one_matrix(lu), -1) + np.eye(len(lu), dtype=lu.dtype), np.triu(lu)
    product = columns_product(y, b_bar) if trans else columns_product(b_bar, y)
    a_bar = -product[rows_of_pivots(lu_and_piv[1])]
    return np.tril(a_bar @ upper.T, -1) + np.triu(lower.T @ a_bar)


def lu_product(lu_dot: Any, lu_and_piv: Any, y: Any, trans: int = 0) -> Any:
    """The tangent of the matrix that packed factors stand for, or of its transpose, times y."""
    lu = lu_and_piv[0]
    lower, upper = np.tril(one_matrix(lu), -1) + np.eye(len(lu), dtype=lu.dtype), np.triu(lu)
    rows = np.tril(lu_dot, -1) @ upper + lower @ np.triu(lu_dot)
    a_dot = rows[np.argsort(rows_of_pivots(lu_and_piv[1]))]
    return a_dot.T @ y if trans else a_dot @ y


# Bands: ab[u + i - j, j] = a[i, j]
def solve_banded_back(g: Any, l_and_u: Any, ab: Any) -> Any:
    """The solution of a banded system with the matrix transposed."""
    below, above = l_and_u
    n = np.shape(ab)[1]
    turned = np.zeros_like(ab)
    for d in range(-below, above + 1):
        # The diagonal j - i = d of a is the diagonal -d of its transpose.
        if d >= 0:
            turned[below + d, : n - d] = ab[above - d, d:]
        else:
            turned[below + d, -d:] = ab[above - d, : n + d]
    return scipy.linalg.solve_banded((above, below), turned, g)


def bands_of_product(left: Any, right: Any, l_and_u: Any) -> Any:
    """The bands of left @ right.T, columns with columns, as `scipy.linalg.solve_banded` stores them."""
    below, above = l_and_u
    columns = np.reshape(left, (np.shape(left)[0], -1))
    others = np.reshape(right, (np.shape(right)[0], -1))
    n = np.shape(columns)[0]
    ab = np.zeros((below + above + 1, n), columns.dtype)
    for d in range(-below, above + 1):
        if d >= 0:
            ab[above - d, d:] = np.sum(columns[: n - d] * others[d:], axis=1)
        else:
            ab[above - d, : n + d] = np.sum(columns[-d:] * others[: n + d], axis=1)
    return ab


def banded_product(ab: Any, y: Any, l_and_u: Any) -> Any:
    """A banded matrix times y."""
    below, above = l_and_u
    n = np.shape(ab)[1]
    total = np.zeros_like(y)
    for d in range(-below, above + 1):
        if d >= 0:
            total[: n - d] += (ab[above - d, d:] * y[d:].T).T
        else:
            total[-d:] += (ab[above - d, : n + d] * y[: n + d].T).T
    return total


# Functions of matrices
def with_direction(a: Any, e: Any) -> Any:
    """The matrix [[a, e], [0, a]]: a function of it has the derivative by a along e in its upper right block.

    Higham, Functions of Matrices, 2008, 3.16.
    """
    top = np.concatenate([a, e], axis=-1)
    return np.concatenate([top, np.concatenate([np.zeros_like(a), a], axis=-1)], axis=-2)


def expm_derivative(a: Any, e: Any) -> Any:
    """The derivative of the exponential of matrices by a along e.

    >>> bool(np.allclose(expm_derivative(np.zeros((2, 2)), np.eye(2)), np.eye(2)))
    True
    """
    n = np.shape(a)[-1]
    return scipy.linalg.expm(with_direction(a, e))[..., :n, n:]


def expm_second_derivative(a: Any, e: Any, d: Any) -> Any:
    """The derivative of the exponential by a along e and d."""
    n = np.shape(a)[-1]
    return expm_derivative(with_direction(a, e), with_direction(d, np.zeros_like(e)))[..., :n, n:]


def expm_frechet_adjoint(g: Any, a: Any, e: Any) -> Any:
    """The adjoint of a in `scipy.linalg.expm_frechet(a, e)`."""
    return expm_second_derivative(a.T, e.T, g)


def sqrtm_derivative(y: Any, e: Any) -> Any:
    """The derivative of the square root y of a matrix along e: the solution x of y x + x y = e.

    Raises ValueError where y is complex.
    """
    if np.iscomplexobj(y):
        raise ValueError("the square root of the matrix is complex, which is not differentiated")
    return scipy.linalg.solve_sylvester(one_matrix(y), y, e)


def logm_derivative(a: Any, e: Any) -> Any:
    """The derivative of the logarithm of a matrix along e. Raises ValueError where it is complex."""
    n = np.shape(a)[-1]
    y = scipy.linalg.logm(with_direction(one_matrix(a), e))
    if np.iscomplexobj(y):
        raise ValueError("the logarithm of the matrix is complex, which is not differentiated")
    return y[:n, n:]


# Structured matrices
def block_of(x: Any, arrs: Any, k: int) -> Any:
    """What array k of `arrs` is in `scipy.linalg.block_diag(*arrs)` of those shapes, here x.

    >>> block_of(np.arange(9.0).reshape(3, 3), (np.ones((1, 1)), np.ones((2, 2))), 1)
    array([[4., 5.],
           [7., 8.]])
    """
    one_matrix(x)
    row, column = 0, 0
    for j in range(k):
        rows, columns = np.shape(np.atleast_2d(arrs[j]))
        row, column = row + rows, column + columns
    rows, columns = np.shape(np.atleast_2d(arrs[k]))
    return np.reshape(x[row : row + rows, column : column + columns], np.shape(arrs[k]))


def block_back(x: Any, whole: Any, arrs: Any, k: int) -> Any:
    """The adjoint of `block_of`: x in its place, zero elsewhere."""
    made = np.zeros(np.shape(whole), np.result_type(x))
    row, column = 0, 0
    for j in range(k):
        rows, columns = np.shape(np.atleast_2d(arrs[j]))
        row, column = row + rows, column + columns
    rows, columns = np.shape(np.atleast_2d(arrs[k]))
    made[row : row + rows, column : column + columns] = x
    return made


def lower_sums(x: Any) -> Any:
    """The sums of the diagonals of a matrix from the main one down.

    >>> lower_sums(np.arange(6.0).reshape(2, 3))
    array([4., 3.])
    """
    return np.array([np.trace(one_matrix(x), -i) for i in range(np.shape(x)[0])])


def upper_sums(x: Any) -> Any:
    """The sums of the diagonals of a matrix above the main one, after a zero.

    >>> upper_sums(np.arange(6.0).reshape(2, 3))
    array([0., 6., 2.])
    """
    return np.array([np.trace(one_matrix(x), i) if i else np.zeros((), x.dtype) for i in range(np.shape(x)[1])])
