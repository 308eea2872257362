"""Scalar functions whose derivatives are a line."""

import numpy as np


def square(w):
    return w ** 2


def cube(w):
    return w ** 3


def reciprocal(w):
    return 1 / w


def sine_squared(x):
    return np.sin(x) ** 2


def piecewise(x: float):
    if x > 2:
        return x ** 2
    y = np.sin(x)
    return y * x


CASES = {
    "grad(square)": [(3.0,)],
    "grad(cube)": [(2.0,)],
    "grad(reciprocal)": [(2.0,)],
    "grad(sine_squared)": [(0.7,)],
    "grad(piecewise)": [(0.7,), (2.5,)],
}


# ---- by hand: grad(square)
def grad_square(w):
    return 2 * w


# ---- by hand: grad(cube)
def grad_cube(w):
    return 3 * w ** 2


# ---- by hand: grad(reciprocal)
def grad_reciprocal(w):
    return -1 / w ** 2


# ---- by hand: grad(sine_squared)
def grad_sine_squared(x):
    return 2 * np.sin(x) * np.cos(x)


# ---- by hand: grad(piecewise)
def grad_piecewise(x: float):
    if x > 2:
        return 2 * x
    return np.sin(x) + x * np.cos(x)


# ---- emitted: grad(square)
def grad_square(w):
    """Gradient of square with respect to w."""
    return 2 * w


# ---- emitted: grad(cube)
def grad_cube(w):
    """Gradient of cube with respect to w."""
    return 3 * w ** 2


# ---- emitted: grad(reciprocal)
def grad_reciprocal(w):
    """Gradient of reciprocal with respect to w."""
    return -1 / w ** 2


# ---- emitted: grad(sine_squared)
def grad_sine_squared(x):
    """Gradient of sine_squared with respect to x."""
    return 2 * np.sin(x) * np.cos(x)


# ---- emitted: grad(piecewise)
def grad_piecewise(x: float):
    """Gradient of piecewise with respect to x."""
    if x > 2:
        return 2 * x
    return np.sin(x) + x * np.cos(x)
