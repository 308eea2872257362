"""Calls: a callee has a forward half that fills a tape, where it needs one, and a reverse half that empties it."""

import math


def step(y: float, k: float, dt: float):
    return y + dt * k * math.sin(y)


def simulate(y: float, k: float, n: int):
    for i in range(n):
        y = step(y, k, 0.1)
    return y * y


def power(x: float, n: int):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


CASES = {
    "grad(simulate, wrt=('y', 'k'))": [(0.5, 2.0, 9)],
    "grad(power)": [(1.7, 6), (1.7, 0)],
}


# ---- by hand: grad(simulate, wrt=('y', 'k'))
def reverse_step(y: float, k: float, dt: float, step_bar: float):
    return step_bar + step_bar * dt * k * math.cos(y), step_bar * dt * math.sin(y)


def grad_simulate(y: float, k: float, n: int):
    y_tape = []
    for i in range(n):
        y_tape.append(y)
        y = step(y, k, 0.1)
    y_bar = 2 * y
    k_bar = 0.0
    for i in range(n - 1, -1, -1):
        y = y_tape.pop()
        y_bar, t1_bar = reverse_step(y, k, 0.1, y_bar)
        k_bar += t1_bar
    return y_bar, k_bar


# ---- by hand: grad(power)
def forward_power(x: float, n: int, tape: list):
    if n == 0:
        return 1.0
    t1 = forward_power(x, n - 1, tape)
    tape.append(t1)
    return x * t1


def reverse_power(x: float, n: int, tape: list, power_bar: float):
    if n == 0:
        return 0.0
    t1 = tape.pop()
    return power_bar * t1 + reverse_power(x, n - 1, tape, power_bar * x)


def grad_power(x: float, n: int):
    tape = []
    forward_power(x, n, tape)
    return reverse_power(x, n, tape, 1.0)


# ---- emitted: grad(simulate, wrt=('y', 'k'))
def reverse_step(y: float, k: float, dt: float, step_bar: float):
    return step_bar + step_bar * dt * k * math.cos(y), step_bar * math.sin(y) * dt


def grad_simulate(y: float, k: float, n: int):
    """Gradient of simulate with respect to y and k."""
    # Forward sweep
    y_tape = []
    for i in range(n):
        y_tape.append(y)
        y = step(y, k, 0.1)
    # Reverse sweep
    # return y * y
    y_bar = 2 * y
    k_bar = 0.0
    for i in range(n - 1, -1, -1):
        # y = step(y, k, 0.1)
        y = y_tape.pop()
        y_bar, t1_bar = reverse_step(y, k, 0.1, y_bar)
        k_bar += t1_bar
    return y_bar, k_bar


# ---- emitted: grad(power)
def forward_power(x: float, n: int, tape: list):
    if n == 0:
        return 1.0
    t1 = forward_power(x, n - 1, tape)
    tape.append(t1)
    return x * t1


def reverse_power(x: float, n: int, tape: list, power_bar: float):
    if n == 0:
        return 0.0
    t1 = tape.pop()
    return power_bar * t1 + reverse_power(x, n - 1, tape, power_bar * x)


def grad_power(x: float, n: int):
    """Gradient of power with respect to x."""
    tape = []
    forward_power(x, n, tape)
    return reverse_power(x, n, tape, 1.0)
