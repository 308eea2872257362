"""Finite differences and quadrature: slices that are only read."""

import numpy as np
from jaxtyping import Float64


def laplacian_energy(u: Float64[np.ndarray, "n"], h: float):
    d = (u[2:] - 2 * u[1:-1] + u[:-2]) / h ** 2
    return h * np.sum(d ** 2)


def poisson_residual(u: Float64[np.ndarray, "n m"], f: Float64[np.ndarray, "n m"]):
    r = 4 * u[1:-1, 1:-1] - u[2:, 1:-1] - u[:-2, 1:-1] - u[1:-1, 2:] - u[1:-1, :-2] - f[1:-1, 1:-1]
    return 0.5 * np.sum(r ** 2)


def trapezoid(y: Float64[np.ndarray, "n"], x: Float64[np.ndarray, "n"]):
    return np.sum((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2)


random = np.random.default_rng(12)
CASES = {
    "grad(laplacian_energy)": [(random.normal(size=6), 0.5)],
    "grad(poisson_residual)": [(random.normal(size=(5, 4)), random.normal(size=(5, 4)))],
    "grad(trapezoid, wrt=('y', 'x'))": [(random.normal(size=5), np.sort(random.normal(size=5)))],
}


# ---- emitted: grad(laplacian_energy)
def grad_laplacian_energy(u: Float64[np.ndarray, 'n'], h: float):
    """Gradient of laplacian_energy with respect to u."""
    # Forward sweep
    t1 = h ** 2
    d = (u[2:] - 2 * u[1:-1] + u[:-2]) / t1
    # Reverse sweep
    # d = (u[2:] - 2 * u[1:-1] + u[:-2]) / h ** 2
    t2_bar = 2 * h / t1 * d
    u_bar = np.zeros_like(u)
    u_bar[:-2] += t2_bar
    u_bar[1:-1] -= 2 * t2_bar
    u_bar[2:] += t2_bar
    return u_bar


# ---- emitted: grad(poisson_residual)
def grad_poisson_residual(u: Float64[np.ndarray, 'n m'], f: Float64[np.ndarray, 'n m']):
    """Gradient of poisson_residual with respect to u."""
    # Forward sweep
    r = 4 * u[1:-1, 1:-1] - u[2:, 1:-1] - u[:-2, 1:-1] - u[1:-1, 2:] - u[1:-1, :-2] - f[1:-1, 1:-1]
    # Reverse sweep
    # r = 4 * u[1:-1, 1:-1] - u[2:, 1:-1] - u[:-2, 1:-1] - u[1:-1, 2:] - u[1:-1, :-2] - f[1:-1, 1:-1]
    t1_bar = -r
    u_bar = np.zeros_like(u)
    u_bar[1:-1, :-2] += t1_bar
    u_bar[1:-1, 2:] += t1_bar
    u_bar[:-2, 1:-1] += t1_bar
    u_bar[2:, 1:-1] += t1_bar
    u_bar[1:-1, 1:-1] += 4 * r
    return u_bar


# ---- emitted: grad(trapezoid, wrt=('y', 'x'))
def grad_trapezoid(y: Float64[np.ndarray, 'n'], x: Float64[np.ndarray, 'n']):
    """Gradient of trapezoid with respect to y and x."""
    # return np.sum((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2)
    t1_bar = 0.5 * (y[1:] + y[:-1])
    t2_bar = 0.5 * (x[1:] - x[:-1])
    y_bar = np.zeros_like(y)
    y_bar[:-1] += t2_bar
    y_bar[1:] += t2_bar
    x_bar = np.zeros_like(x)
    x_bar[:-1] -= t1_bar
    x_bar[1:] += t1_bar
    return y_bar, x_bar
