"""A polynomial by Horner's rule over an array of coefficients, highest first."""

import numpy as np
from jaxtyping import Float64


def polynomial(x: float, a: Float64[np.ndarray, "n"]):
    y = 0.0
    for i in range(len(a)):
        y = y * x + a[i]
    return y


CASES = {
    "grad(polynomial)": [(0.7, np.array([1.0, -2.0, 0.5]))],
    "grad(polynomial, wrt=('x', 'a'))": [(0.7, np.array([1.0, -2.0, 0.5]))],
}


# ---- emitted: grad(polynomial)
def grad_polynomial(x: float, a: Float64[np.ndarray, 'n']):
    """Gradient of polynomial with respect to x."""
    # Forward sweep
    y = 0.0
    y_tape = []
    for i in range(len(a)):
        y_tape.append(y)
        y = y * x + a[i]
    # Reverse sweep
    y_bar = 1.0
    x_bar = 0.0
    for i in range(len(a) - 1, -1, -1):
        # y = y * x + a[i]
        y = y_tape.pop()
        x_bar += y_bar * y
        y_bar *= x
    return x_bar


# ---- emitted: grad(polynomial, wrt=('x', 'a'))
def grad_polynomial(x: float, a: Float64[np.ndarray, 'n']):
    """Gradient of polynomial with respect to x and a."""
    # Forward sweep
    y = 0.0
    y_tape = []
    for i in range(len(a)):
        y_tape.append(y)
        y = y * x + a[i]
    # Reverse sweep
    y_bar = 1.0
    a_bar = np.zeros_like(a)
    x_bar = 0.0
    for i in range(len(a) - 1, -1, -1):
        # y = y * x + a[i]
        y = y_tape.pop()
        a_bar[i] += y_bar
        x_bar += y_bar * y
        y_bar *= x
    return x_bar, a_bar
