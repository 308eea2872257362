"""Calls of other functions: with keywords and defaults, once and in a loop."""

import math


def bump(x: float, centre: float = 0.0, width: float = 1.0):
    return math.exp(-((x - centre) / width) ** 2)


def mixture(x: float, a: float):
    return a * bump(x) + (1 - a) * bump(x, width=2.0, centre=1.0)


def squared(x: float):
    return x * x


def fourth(x: float):
    return squared(squared(x))


def relax(x: float, target: float):
    return x + 0.5 * (target - x)


def settle(x: float, target: float, n: int):
    for i in range(n):
        x = relax(x, target)
    return squared(x)


CASES = {
    "grad(mixture, wrt=('x', 'a'))": [(0.4, 0.3)],
    "grad(fourth)": [(1.3,)],
    "grad(settle, wrt=('x', 'target'))": [(0.4, 2.0, 3)],
}


# ---- emitted: grad(mixture, wrt=('x', 'a'))
def reverse_bump(x: float, centre: float, width: float, bump_bar: float):
    # return math.exp(-((x - centre) / width) ** 2)
    t1 = (x - centre) / width
    return -2 * bump_bar * math.exp(-t1 ** 2) * t1 / width


def grad_mixture(x: float, a: float):
    """Gradient of mixture with respect to x and a."""
    # Forward sweep
    t1 = bump(x, 0.0, 1.0)
    # Reverse sweep
    # return a * bump(x) + (1 - a) * bump(x, width=2.0, centre=1.0)
    t2_bar = bump(x, 1.0, 2.0)
    x_bar = reverse_bump(x, 1.0, 2.0, 1 - a)
    return x_bar + reverse_bump(x, 0.0, 1.0, a), -t2_bar + t1


# ---- emitted: grad(fourth)
def reverse_squared(x: float, squared_bar: float):
    return 2 * squared_bar * x


def grad_fourth(x: float):
    """Gradient of fourth with respect to x."""
    return reverse_squared(x, reverse_squared(squared(x), 1.0))


# ---- emitted: grad(settle, wrt=('x', 'target'))
def reverse_squared(x: float, squared_bar: float):
    return 2 * squared_bar * x


def reverse_relax(relax_bar: float):
    # return x + 0.5 * (target - x)
    target_bar = 0.5 * relax_bar
    return relax_bar - target_bar, target_bar


def grad_settle(x: float, target: float, n: int):
    """Gradient of settle with respect to x and target."""
    # Forward sweep
    for i in range(n):
        x = relax(x, target)
    # Reverse sweep
    # return squared(x)
    x_bar = reverse_squared(x, 1.0)
    target_bar = 0.0
    for i in range(n - 1, -1, -1):
        # x = relax(x, target)
        x_bar, t1_bar = reverse_relax(x_bar)
        target_bar += t1_bar
    return x_bar, target_bar
