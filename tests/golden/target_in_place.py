"""In-place writes: each cell written once needs no tape; a slice that is overwritten is put back, trip by trip."""

import numpy as np
from jaxtyping import Float64


def running_product(x: Float64[np.ndarray, "n"]):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
    return np.sum(y)


def relax(u: Float64[np.ndarray, "n"], h2: float, tol: float, maxit: int):
    k = 0
    while k < maxit:
        new = 0.5 * (u[:-2] + u[2:] + h2 * np.exp(u[1:-1]))
        r = np.max(np.abs(new - u[1:-1]))
        u[1:-1] = new
        k += 1
        if r < tol:
            break
    return np.sum(u**2)


_u = np.sin(np.linspace(0.0, 3.0, 9))
CASES = {
    "grad(running_product)": [(np.array([0.7, 1.3, -0.4, 2.1]),)],
    "grad(relax)": [(_u, 0.01, 1e-3, 50), (_u, 0.01, 0.0, 7), (_u, 0.01, 1e-3, 0)],
}


# ---- by hand: grad(running_product)
def grad_running_product(x: Float64[np.ndarray, "n"]):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
    y_bar = np.ones(len(x))
    x_bar = np.zeros(len(x))
    for i in range(len(x) - 1, 0, -1):
        y_bar[i - 1] += y_bar[i] * x[i]
        x_bar[i] += y_bar[i] * y[i - 1]
    x_bar[0] += y_bar[0]
    return x_bar


# ---- by hand: grad(relax)
def grad_relax(u: Float64[np.ndarray, "n"], h2: float, tol: float, maxit: int):
    u = u.copy()
    k = 0
    u_tape = []
    while k < maxit:
        new = 0.5 * (u[:-2] + u[2:] + h2 * np.exp(u[1:-1]))
        r = np.max(np.abs(new - u[1:-1]))
        u_tape.append(u[1:-1].copy())
        u[1:-1] = new
        k += 1
        if r < tol:
            break
    u_bar = 2 * u
    while u_tape:
        u[1:-1] = u_tape.pop()
        new_bar = u_bar[1:-1].copy()
        u_bar[1:-1] = 0
        t1_bar = 0.5 * new_bar
        u_bar[:-2] += t1_bar
        u_bar[2:] += t1_bar
        u_bar[1:-1] += h2 * t1_bar * np.exp(u[1:-1])
    return u_bar


# ---- emitted: grad(running_product)
def grad_running_product(x: Float64[np.ndarray, 'n']):
    """Gradient of running_product with respect to x."""
    # Forward sweep
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i]
    # Reverse sweep
    y_bar = np.ones_like(y)
    x_bar = np.zeros_like(x)
    for i in range(len(x) - 1, 0, -1):
        # y[i] = y[i - 1] * x[i]
        x_bar[i] += y_bar[i] * y[i - 1]
        y_bar[i - 1] += y_bar[i] * x[i]
    # y[0] = x[0]
    x_bar[0] += y_bar[0]
    return x_bar


# ---- emitted: grad(relax)
def grad_relax(u: Float64[np.ndarray, 'n'], h2: float, tol: float, maxit: int):
    """Gradient of relax with respect to u."""
    # Forward sweep
    u = np.copy(u)
    k = 0
    u_tape = []
    while k < maxit:
        new = 0.5 * (u[:-2] + u[2:] + h2 * np.exp(u[1:-1]))
        u_tape.append(np.copy(u[1:-1]))
        r = np.max(np.abs(new - u[1:-1]))
        u[1:-1] = new
        k += 1
        if r < tol:
            break
    # Reverse sweep
    # return np.sum(u**2)
    u_bar = 2 * u
    while u_tape:
        u[1:-1] = u_tape.pop()
        # u[1:-1] = new
        new_bar = np.copy(u_bar[1:-1])
        u_bar[1:-1] = 0
        # new = 0.5 * (u[:-2] + u[2:] + h2 * np.exp(u[1:-1]))
        t1_bar = 0.5 * new_bar
        u_bar[1:-1] += h2 * t1_bar * np.exp(u[1:-1])
        u_bar[2:] += t1_bar
        u_bar[:-2] += t1_bar
    return u_bar
