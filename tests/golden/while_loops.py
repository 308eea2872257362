"""Newton's iteration in a while loop."""

import math


def square_root(a: float):
    x = 0.5 * (1 + a)
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def halve(x: float):
    n = 0
    while x > 1:
        x = x / 2
        n += 1
    return x + n


def kepler(mean: float, e: float):
    angle = mean
    step = 1.0
    while abs(step) > 1e-14:
        step = (angle - e * math.sin(angle) - mean) / (1 - e * math.cos(angle))
        angle = angle - step
    return angle


CASES = {
    "grad(square_root)": [(2.0,)],
    "grad(halve)": [(13.0,)],
    "grad(kepler, wrt=('mean', 'e'))": [(1.0, 0.3)],
}


# ---- emitted: grad(square_root)
def grad_square_root(a: float):
    """Gradient of square_root with respect to a."""
    # Forward sweep
    x = 0.5 * (1 + a)
    x_tape = []
    while abs(x * x - a) > 1e-12:
        x_tape.append(x)
        x = 0.5 * (x + a / x)
    # Reverse sweep
    x_bar = 1.0
    a_bar = 0.0
    while x_tape:
        # x = 0.5 * (x + a / x)
        x = x_tape.pop()
        x_bar *= 0.5
        a_bar += x_bar / x
        x_bar -= x_bar * a / x ** 2
    return a_bar + 0.5 * x_bar


# ---- emitted: grad(halve)
def grad_halve(x: float):
    """Gradient of halve with respect to x."""
    # Forward sweep
    k = 0
    while x > 1:
        k += 1
        x = x / 2
    # Reverse sweep
    x_bar = 1.0
    for i in range(k):
        # x = x / 2
        x_bar *= 0.5
    return x_bar


# ---- emitted: grad(kepler, wrt=('mean', 'e'))
def grad_kepler(mean: float, e: float):
    """Gradient of kepler with respect to mean and e."""
    # Forward sweep
    angle = mean
    step = 1.0
    angle_tape = []
    while abs(step) > 1e-14:
        step = (angle - e * math.sin(angle) - mean) / (1 - e * math.cos(angle))
        angle_tape.append(angle)
        angle = angle - step
    # Reverse sweep
    angle_bar = 1.0
    e_bar = 0.0
    mean_bar = 0.0
    while angle_tape:
        # angle = angle - step
        angle = angle_tape.pop()
        step_bar = -angle_bar
        # step = (angle - e * math.sin(angle) - mean) / (1 - e * math.cos(angle))
        t1 = math.sin(angle)
        t2 = math.cos(angle)
        t3 = 1 - e * t2
        t4_bar = step_bar / t3
        t5_bar = step_bar * (angle - e * t1 - mean) / t3 ** 2
        mean_bar -= t4_bar
        e_bar = e_bar + t5_bar * t2 - t4_bar * t1
        angle_bar = angle_bar - t5_bar * e * t1 + t4_bar - t4_bar * e * t2
    return mean_bar + angle_bar, e_bar
