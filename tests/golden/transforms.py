"""Each transform on one small function."""

import math

import numpy as np
from jaxtyping import Float64


def f(x: float, y: float):
    return x * math.exp(-x * y)


def shape(x: Float64[np.ndarray, "n"]):
    return np.exp(-x ** 2) * np.sin(x)


def project(x: Float64[np.ndarray, "n"], A: Float64[np.ndarray, "m n"]):
    return np.tanh(A @ x)


random = np.random.default_rng(14)
x, A = random.normal(size=3), random.normal(size=(2, 3))
CASES = {
    "grad(f, wrt=('x', 'y'))": [(0.7, 1.3)],
    "value_and_grad(f)": [(0.7, 1.3)],
    "value_and_grad(f, wrt=('x', 'y'))": [(0.7, 1.3)],
    "vjp(f, wrt=('x', 'y'))": [(0.7, 1.3, 2.0)],
    "jvp(f)": [(0.7, 1.3, 2.0)],
    "jvp(f, wrt=('x', 'y'))": [(0.7, 1.3, 2.0, -1.0)],
    "elementwise_grad(shape)": [(x,)],
    "vjp(project, wrt=('x', 'A'))": [(x, A, np.array([0.3, -2.0]))],
    "jvp(project)": [(x, A, np.array([0.3, -2.0, 1.0]))],
}


# ---- emitted: grad(f, wrt=('x', 'y'))
def grad_f(x: float, y: float):
    """Gradient of f with respect to x and y."""
    # Forward sweep
    t1 = math.exp(-x * y)
    # Reverse sweep
    # return x * math.exp(-x * y)
    t2_bar = x * t1
    return t1 - t2_bar * y, -t2_bar * x


# ---- emitted: value_and_grad(f)
def value_and_grad_f(x: float, y: float):
    """Value and gradient of f with respect to x."""
    t1 = math.exp(-x * y)
    return x * t1, t1 - x * t1 * y


# ---- emitted: value_and_grad(f, wrt=('x', 'y'))
def value_and_grad_f(x: float, y: float):
    """Value and gradient of f with respect to x and y."""
    # Forward sweep
    t1 = math.exp(-x * y)
    # Reverse sweep
    # return x * math.exp(-x * y)
    t2_bar = x * t1
    return x * t1, (t1 - t2_bar * y, -t2_bar * x)


# ---- emitted: vjp(f, wrt=('x', 'y'))
def vjp_f(x: float, y: float, seed):
    """Adjoint for a seed of f with respect to x and y."""
    # Forward sweep
    t1 = math.exp(-x * y)
    # Reverse sweep
    # return x * math.exp(-x * y)
    t2_bar = seed * x * t1
    return seed * t1 - t2_bar * y, -t2_bar * x


# ---- emitted: jvp(f)
def jvp_f(x: float, y: float, x_dot):
    """Value and directional derivative of f with respect to x."""
    t1 = math.exp(-x * y)
    return x * t1, x_dot * t1 - x_dot * y * t1 * x


# ---- emitted: jvp(f, wrt=('x', 'y'))
def jvp_f(x: float, y: float, x_dot, y_dot):
    """Value and directional derivative of f with respect to x and y."""
    t1 = math.exp(-x * y)
    return x * t1, x_dot * t1 + (-x_dot * y - y_dot * x) * t1 * x


# ---- emitted: elementwise_grad(shape)
def elementwise_grad_shape(x: Float64[np.ndarray, 'n']):
    """Elementwise derivative of shape with respect to x."""
    t1 = np.exp(-x ** 2)
    return t1 * np.cos(x) - 2 * np.sin(x) * t1 * x


# ---- emitted: vjp(project, wrt=('x', 'A'))
def vjp_project(x: Float64[np.ndarray, 'n'], A: Float64[np.ndarray, 'm n'], seed):
    """Adjoint for a seed of project with respect to x and A."""
    # return np.tanh(A @ x)
    t1_bar = seed * (1 - np.tanh(A @ x) ** 2)
    return A.T @ t1_bar, np.outer(t1_bar, x)


# ---- emitted: jvp(project)
def jvp_project(x: Float64[np.ndarray, 'n'], A: Float64[np.ndarray, 'm n'], x_dot):
    """Value and directional derivative of project with respect to x."""
    result = np.tanh(A @ x)
    return result, A @ x_dot * (1 - result ** 2)
