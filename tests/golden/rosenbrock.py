"""Rosenbrock's function, of two numbers and of an array."""

import numpy as np
from jaxtyping import Float64


def banana(x: float, y: float):
    return (1 - x) ** 2 + 100 * (y - x ** 2) ** 2


def rosenbrock(x: Float64[np.ndarray, "n"]):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


CASES = {
    "grad(banana, wrt=('x', 'y'))": [(0.3, 0.7)],
    "grad(rosenbrock)": [(np.array([0.3, 0.7, -0.2, 1.1]),)],
    "value_and_grad(rosenbrock)": [(np.array([0.3, 0.7, -0.2, 1.1]),)],
}


# ---- emitted: grad(banana, wrt=('x', 'y'))
def grad_banana(x: float, y: float):
    """Gradient of banana with respect to x and y."""
    # return (1 - x) ** 2 + 100 * (y - x ** 2) ** 2
    y_bar = 200 * (y - x ** 2)
    return -2 * y_bar * x - 2 * (1 - x), y_bar


# ---- emitted: grad(rosenbrock)
def grad_rosenbrock(x: Float64[np.ndarray, 'n']):
    """Gradient of rosenbrock with respect to x."""
    # return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    x_bar = np.zeros_like(x)
    x_bar[:-1] -= 2 * (1 - x[:-1])
    t1_bar = 200 * (x[1:] - x[:-1] ** 2)
    x_bar[:-1] -= 2 * t1_bar * x[:-1]
    x_bar[1:] += t1_bar
    return x_bar


# ---- emitted: value_and_grad(rosenbrock)
def value_and_grad_rosenbrock(x: Float64[np.ndarray, 'n']):
    """Value and gradient of rosenbrock with respect to x."""
    # Forward sweep
    t1 = x[1:] - x[:-1] ** 2
    t2 = 1 - x[:-1]
    # Reverse sweep
    # return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    x_bar = np.zeros_like(x)
    x_bar[:-1] -= 2 * t2
    t3_bar = 200 * t1
    x_bar[:-1] -= 2 * t3_bar * x[:-1]
    x_bar[1:] += t3_bar
    return np.sum(100 * t1 ** 2 + t2 ** 2), x_bar
