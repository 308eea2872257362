"""Several returns, a guard that raises."""

import math


def safe_log(x: float):
    if x <= 0:
        raise ValueError("x must be positive")
    return math.log(x)


def sinc(x: float):
    if x == 0:
        return 1.0
    return math.sin(x) / x


def branchy(x: float, y: float):
    if x > y:
        if x > 1:
            return x * y
        return x + y
    z = math.sin(x)
    if z > 0.5:
        return z * y
    return z - y


CASES = {
    "grad(safe_log)": [(2.0,)],
    "grad(sinc)": [(0.7,)],
    "grad(branchy, wrt=('x', 'y'))": [(2.0, 1.0), (0.7, 0.1), (0.7, 1.0), (0.2, 1.0)],
}


# ---- emitted: grad(safe_log)
def grad_safe_log(x: float):
    """Gradient of safe_log with respect to x."""
    if x <= 0:
        raise ValueError('x must be positive')
    return 1 / x


# ---- emitted: grad(sinc)
def grad_sinc(x: float):
    """Gradient of sinc with respect to x."""
    if x == 0:
        return 0.0
    return -math.sin(x) / x ** 2 + math.cos(x) / x


# ---- emitted: grad(branchy, wrt=('x', 'y'))
def grad_branchy(x: float, y: float):
    """Gradient of branchy with respect to x and y."""
    if x > y:
        if x > 1:
            return y, x
        return 1.0, 1.0
    z = math.sin(x)
    if z > 0.5:
        # return z * y
        z_bar = y
        y_bar = z
    else:
        # return z - y
        z_bar = 1.0
        y_bar = -1.0
    return z_bar * math.cos(x), y_bar
