"""Adjoints and tangents of functions on the coefficients of polynomials, those of the highest power first.

As in `adjoints`: `g` is the adjoint of a result, in its shape; every function uses numpy and this file only.
"""

from typing import Any

import numpy as np


def polyder_adjoint(g: Any, p: Any) -> Any:
    """The adjoint of `np.polyder(p)`: each coefficient counts as often as its power says.

    >>> polyder_adjoint(np.array([1.0, 1.0]), np.zeros(3))
    array([2., 1., 0.])
    """
    total = np.zeros(len(p), np.result_type(g))
    total[: len(p) - 1] = g * np.arange(len(p) - 1, 0, -1)
    return total


def slopes_of(p: Any) -> Any:
    """The coefficients of the derivative of a polynomial, in their own precision.

    >>> slopes_of(np.array([1.0, 5.0, 3.0]))
    array([2., 5.])
    """
    return np.polyder(p).astype(np.asarray(p).dtype)


def polymul_adjoint(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of a by `np.polymul(a, b)`, which leaves out leading zeros."""
    whole = np.zeros(len(a) + len(b) - 1, np.result_type(g))
    whole[len(whole) - len(g) :] = g
    return np.correlate(whole, b, "valid")


def vander_adjoint(g: Any, x: Any, increasing: bool = False) -> Any:
    """The adjoint of `np.vander(x, N, increasing)`: the sum of g k x ** (k - 1) over the powers k.

    >>> vander_adjoint(np.ones((1, 3)), np.array([2.0]))
    array([5.])
    """
    n = np.shape(g)[1]
    powers = np.arange(n) if increasing else np.arange(n - 1, -1, -1)
    slopes = x[:, None] ** np.maximum(powers - 1, 0)
    return np.sum(g * powers.astype(np.result_type(g)) * slopes, axis=1)


def vander_tangent(x_dot: Any, x: Any, n: int, increasing: bool = False) -> Any:
    """The tangent of `np.vander(x, n, increasing)`."""
    powers = np.arange(n) if increasing else np.arange(n - 1, -1, -1)
    slopes = x[:, None] ** np.maximum(powers - 1, 0)
    return x_dot[:, None] * powers.astype(np.result_type(x_dot)) * slopes


def polyfit_adjoint_x(g: Any, x: Any, y: Any, deg: int) -> Any:
    """The adjoint of the places x by `np.polyfit(x, y, deg)`, by least squares and the powers of x.

    Golub and Pereyra (1973), "The differentiation of pseudo-inverses and nonlinear least squares problems", transposed.
    """
    powers = np.vander(x, deg + 1)
    inverse = np.linalg.pinv(powers)
    values = np.reshape(y, (len(x), np.size(y) // len(x)))
    g_c, c = np.reshape(g, (deg + 1, np.size(y) // len(x))), inverse @ values
    back = inverse.T @ g_c
    return vander_adjoint((values - powers @ c) @ (inverse @ back).T - back @ c.T, x)


def polyfit_tangent_x(x_dot: Any, x: Any, y: Any, deg: int) -> Any:
    """The tangent of `np.polyfit(x, y, deg)` for that of the places x."""
    powers = np.vander(x, deg + 1)
    inverse, moved = np.linalg.pinv(powers), vander_tangent(x_dot, x, deg + 1)
    c = inverse @ y
    return inverse @ (inverse.T @ (moved.T @ (y - powers @ c))) - inverse @ (moved @ c)


def poly_adjoint(g: Any, roots: Any) -> Any:
    """The adjoint of the roots by `np.poly(roots)`: the polynomial of the others, for each with a minus."""
    total = np.zeros(len(roots), np.result_type(g))
    for k in range(len(roots)):
        total[k] = -(g[1:] @ np.atleast_1d(np.poly(np.delete(roots, k))))
    return total


def poly_tangent(roots_dot: Any, roots: Any) -> Any:
    """The tangent of `np.poly(roots)`."""
    total = np.zeros(len(roots) + 1, np.result_type(roots_dot))
    for k in range(len(roots)):
        total[1:] -= roots_dot[k] * np.atleast_1d(np.poly(np.delete(roots, k)))
    return total
