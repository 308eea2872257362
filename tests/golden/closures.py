"""Closures, lambdas and methods, read only."""

import math


def scaled(factor):
    def f(x: float):
        return factor * math.sin(factor * x)

    return f


double = scaled(2.0)
parabola = lambda x, a=3.0: a * x ** 2


class Spring:
    def __init__(self, stiffness, rest):
        self.stiffness = stiffness
        self.rest = rest

    def energy(self, x: float):
        return 0.5 * self.stiffness * (x - self.rest) ** 2


spring = Spring(4.0, 0.5)
CASES = {"grad(double)": [(0.7,)], "grad(parabola)": [(0.7, 2.0)], "grad(spring.energy)": [(0.7,)]}


# ---- emitted: grad(double)
def grad_f(x: float):
    """Gradient of f with respect to x."""
    return factor * math.cos(factor * x) * factor


# ---- emitted: grad(parabola)
def grad_parabola(x, a=3.0):
    """Gradient of parabola with respect to x."""
    return 2 * a * x


# ---- emitted: grad(spring.energy)
def grad_energy(self, x: float):
    """Gradient of energy with respect to x."""
    return self.stiffness * (x - self.rest)
