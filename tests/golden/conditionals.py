"""Branches on values: if, elif, conditional expressions, chained comparisons."""

import math


def huber(r: float, delta: float):
    if abs(r) <= delta:
        return 0.5 * r ** 2
    return delta * (abs(r) - 0.5 * delta)


def smoothstep(x: float):
    if x <= 0.0:
        y = 0.0
    elif x < 1.0:
        y = x * x * (3 - 2 * x)
    else:
        y = 1.0
    return y


def leaky(x: float):
    return x if x > 0 else 0.01 * x


def clamp_scaled(x: float, s: float):
    y = s * x
    if 0.0 < y < 1.0:
        y = y ** 2
    return math.sin(y)


CASES = {
    "grad(huber)": [(0.3, 1.0), (-2.0, 1.0)],
    "grad(smoothstep)": [(-1.0,), (0.4,), (2.0,)],
    "grad(leaky)": [(2.0,), (-2.0,)],
    "grad(clamp_scaled, wrt=('x', 's'))": [(0.25, 2.0), (2.0, 2.0)],
}


# ---- emitted: grad(huber)
def grad_huber(r: float, delta: float):
    """Gradient of huber with respect to r."""
    if abs(r) <= delta:
        return r
    return delta if r > 0 else -delta if r < 0 else 0.0


# ---- emitted: grad(smoothstep)
def grad_smoothstep(x: float):
    """Gradient of smoothstep with respect to x."""
    if x <= 0.0:
        return 0.0
    if x < 1.0:
        return -2 * x * x + 2 * (3 - 2 * x) * x
    return 0.0


# ---- emitted: grad(leaky)
def grad_leaky(x: float):
    """Gradient of leaky with respect to x."""
    if x > 0:
        return 1.0
    return 0.01


# ---- emitted: grad(clamp_scaled, wrt=('x', 's'))
def grad_clamp_scaled(x: float, s: float):
    """Gradient of clamp_scaled with respect to x and s."""
    # Forward sweep
    y = s * x
    t1 = 0.0 < y < 1.0
    if t1:
        y2 = y
        y = y ** 2
    # Reverse sweep
    # return math.sin(y)
    y_bar = math.cos(y)
    if t1:
        # y = y ** 2
        y_bar = 2 * y_bar * y2
    return y_bar * s, y_bar * x
