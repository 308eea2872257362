"""The logistic function and its like."""

import math


def sigmoid(x: float):
    return 1 / (1 + math.exp(-x))


def softplus(x: float):
    return math.log1p(math.exp(x))


def gelu(x: float):
    return 0.5 * x * (1 + math.tanh(0.7978845608 * (x + 0.044715 * x ** 3)))


CASES = {"grad(sigmoid)": [(0.7,), (-2.0,)], "grad(softplus)": [(0.7,)], "grad(gelu)": [(0.7,)]}


# ---- emitted: grad(sigmoid)
def grad_sigmoid(x: float):
    """Gradient of sigmoid with respect to x."""
    t1 = math.exp(-x)
    return t1 / (1 + t1) ** 2


# ---- emitted: grad(softplus)
def grad_softplus(x: float):
    """Gradient of softplus with respect to x."""
    t1 = math.exp(x)
    return t1 / (1 + t1)


# ---- emitted: grad(gelu)
def grad_gelu(x: float):
    """Gradient of gelu with respect to x."""
    # Forward sweep
    t1 = math.tanh(0.7978845608 * (x + 0.044715 * x ** 3))
    # Reverse sweep
    # return 0.5 * x * (1 + math.tanh(0.7978845608 * (x + 0.044715 * x ** 3)))
    x_bar = 0.3989422804 * x * (1 - t1 * t1)
    return x_bar + 0.134145 * x_bar * x ** 2 + 0.5 * (1 + t1)
