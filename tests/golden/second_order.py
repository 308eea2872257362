"""Derivatives of derivatives."""

import math

import numpy as np
from jaxtyping import Float64


def cubic(x: float):
    return x ** 3


def wave(x: float):
    return math.sin(x) ** 2


def power(x: float, n: int):
    y = 1.0
    for i in range(n):
        y = y * x
    return y


def quartic(x: Float64[np.ndarray, "n"]):
    return np.sum(x ** 4)


def coupled(x: Float64[np.ndarray, "n"], A: Float64[np.ndarray, "n n"]):
    return np.sum(np.exp(A @ x))


random = np.random.default_rng(15)
x, A = random.normal(size=3), random.normal(size=(3, 3))
CASES = {
    "grad(grad(cubic))": [(0.7,)],
    "grad(grad(wave))": [(0.7,)],
    "grad(grad(power))": [(0.7, 4)],
    "jvp(grad(cubic))": [(0.7, 2.0)],
    "jvp(grad(quartic))": [(x, np.array([0.3, -2.0, 1.0]))],
    "jvp(grad(coupled))": [(x, A, np.array([0.3, -2.0, 1.0]))],
}


# ---- emitted: grad(grad(cubic))
def grad_grad_cubic(x: float):
    """Gradient of grad_cubic with respect to x."""
    return 6 * x


# ---- emitted: grad(grad(wave))
def grad_grad_wave(x: float):
    """Gradient of grad_wave with respect to x."""
    t1 = math.sin(x)
    t2 = math.cos(x)
    return -2 * t1 * t1 + 2 * t2 * t2


# ---- emitted: grad(grad(power))
def grad_grad_power(x: float, n: int):
    """Gradient of grad_power with respect to x."""
    # Forward sweep
    y = 1.0
    y_tape = []
    y2_tape = []
    y_bar_tape = []
    y3_tape = []
    y_bar2_tape = []
    for i in range(n):
        y_tape.append(y)
        y2_tape.append(y)
        y = y * x
    y_bar = 1.0
    for i in range(n - 1, -1, -1):
        y = y_tape.pop()
        y_bar_tape.append(y_bar)
        y_bar = y_bar * x
        y3_tape.append(y)
    # Reverse sweep
    y_bar_bar = 0.0
    x_bar = 0.0
    for i in range(n):
        y = y3_tape.pop()
        # y = y * x
        y_bar = y_bar_tape.pop()
        x_bar += y_bar_bar * y_bar
        y_bar_bar = y_bar_bar * x + y
        y_bar2_tape.append(y_bar)
    y_bar = 0.0
    for i in range(n - 1, -1, -1):
        y = y2_tape.pop()
        x_bar += y_bar * y
        y2_bar = y_bar2_tape.pop()
        y_bar = y_bar * x + y2_bar
    return x_bar


# ---- emitted: jvp(grad(cubic))
def jvp_grad_cubic(x: float, x_dot):
    """Value and directional derivative of grad_cubic with respect to x."""
    return 3 * x ** 2, 6 * x_dot * x


# ---- emitted: jvp(grad(quartic))
def jvp_grad_quartic(x: Float64[np.ndarray, 'n'], x_dot):
    """Value and directional derivative of grad_quartic with respect to x."""
    return 4 * x ** 3, 12 * x_dot * x ** 2


# ---- emitted: jvp(grad(coupled))
def jvp_grad_coupled(x: Float64[np.ndarray, 'n'], A: Float64[np.ndarray, 'n n'], x_dot):
    """Value and directional derivative of grad_coupled with respect to x."""
    t1 = A @ x
    t2 = np.exp(t1)
    return A.T @ (np.broadcast_to(1.0, t1.shape) * t2), A.T @ (A @ x_dot * t2)
