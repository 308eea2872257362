"""Names bound again, swapped and unpacked."""

import math


def agm(a: float, b: float):
    for i in range(4):
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


def rotate(x: float, y: float, angle: float):
    c, s = math.cos(angle), math.sin(angle)
    x, y = c * x - s * y, s * x + c * y
    return x * y


def fibonacci(x: float, n: int):
    a, b = 1.0, x
    for i in range(n):
        a, b = b, a + x * b
    return a


CASES = {
    "grad(agm, wrt=('a', 'b'))": [(1.0, 2.0)],
    "grad(rotate, wrt=('x', 'y', 'angle'))": [(1.0, 2.0, 0.3)],
    "grad(fibonacci)": [(0.8, 5)],
}


# ---- emitted: grad(agm, wrt=('a', 'b'))
def grad_agm(a: float, b: float):
    """Gradient of agm with respect to a and b."""
    # Forward sweep
    a_tape = []
    b_tape = []
    for i in range(4):
        a_tape.append(a)
        t1 = math.sqrt(a * b)
        a = (a + b) / 2
        b_tape.append(b)
        b = t1
    # Reverse sweep
    a_bar = 1.0
    b_bar = 0.0
    for i in range(3, -1, -1):
        # a, b = (a + b) / 2, math.sqrt(a * b)
        b = b_tape.pop()
        a = a_tape.pop()
        t2_bar = 0.5 * b_bar / math.sqrt(a * b)
        t3_bar = 0.5 * a_bar
        a_bar = t2_bar * b + t3_bar
        b_bar = t2_bar * a + t3_bar
    return a_bar, b_bar


# ---- emitted: grad(rotate, wrt=('x', 'y', 'angle'))
def grad_rotate(x: float, y: float, angle: float):
    """Gradient of rotate with respect to x, y and angle."""
    # Forward sweep
    c = math.cos(angle)
    s = math.sin(angle)
    # Reverse sweep
    # return x * y
    x_bar = s * x + c * y
    y_bar = c * x - s * y
    return y_bar * s + x_bar * c, y_bar * c - x_bar * s, (y_bar * x - x_bar * y) * c - (y_bar * y + x_bar * x) * s


# ---- emitted: grad(fibonacci)
def grad_fibonacci(x: float, n: int):
    """Gradient of fibonacci with respect to x."""
    # Forward sweep
    a = 1.0
    b = x
    b_tape = []
    for i in range(n):
        t1 = a + x * b
        a = b
        b_tape.append(b)
        b = t1
    # Reverse sweep
    a_bar = 1.0
    b_bar = 0.0
    x_bar = 0.0
    for i in range(n - 1, -1, -1):
        # a, b = b, a + x * b
        b = b_tape.pop()
        b2_bar = a_bar
        a_bar = b_bar
        x_bar += b_bar * b
        b_bar = b2_bar + b_bar * x
    return x_bar + b_bar
