"""The math module: the derivative stays in it."""

import math


def wave(t: float, a: float, k: float):
    return a * math.exp(-k * t) * math.sin(t)


def entropy(p: float):
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def hypotenuse(x: float, y: float):
    return math.sqrt(x * x + y * y)


def angle(x: float, y: float):
    return math.atan2(y, x)


CASES = {
    "grad(wave)": [(0.3, 2.0, 1.5)],
    "grad(wave, wrt=('a', 'k'))": [(0.3, 2.0, 1.5)],
    "grad(entropy)": [(0.3,)],
    "grad(hypotenuse, wrt=('x', 'y'))": [(3.0, 4.0)],
    "grad(angle, wrt=('x', 'y'))": [(3.0, 4.0)],
}


# ---- emitted: grad(wave)
def grad_wave(t: float, a: float, k: float):
    """Gradient of wave with respect to t."""
    t1 = math.exp(-k * t)
    return a * t1 * math.cos(t) - math.sin(t) * a * t1 * k


# ---- emitted: grad(wave, wrt=('a', 'k'))
def grad_wave(t: float, a: float, k: float):
    """Gradient of wave with respect to a and k."""
    # Forward sweep
    t1 = math.exp(-k * t)
    # Reverse sweep
    # return a * math.exp(-k * t) * math.sin(t)
    t2_bar = math.sin(t)
    return t2_bar * t1, -t2_bar * a * t1 * t


# ---- emitted: grad(entropy)
def grad_entropy(p: float):
    """Gradient of entropy with respect to p."""
    t1 = 1 - p
    return t1 / t1 + math.log(t1) - p / p - math.log(p)


# ---- emitted: grad(hypotenuse, wrt=('x', 'y'))
def grad_hypotenuse(x: float, y: float):
    """Gradient of hypotenuse with respect to x and y."""
    # return math.sqrt(x * x + y * y)
    t1_bar = 0.5 / math.sqrt(x * x + y * y)
    return 2 * t1_bar * x, 2 * t1_bar * y


# ---- emitted: grad(angle, wrt=('x', 'y'))
def grad_angle(x: float, y: float):
    """Gradient of angle with respect to x and y."""
    # return math.atan2(y, x)
    t1 = y * y + x * x
    return -y / t1, x / t1
