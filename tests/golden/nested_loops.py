"""Loops in loops: one value needed from the innermost."""


def double_sum(x: float, n: int, m: int):
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += x ** i * (i + j)
    return total


def iterated_map(r: float, x: float, n: int):
    for i in range(n):
        x = r * x * (1 - x)
    return x


def nested_products(x: float, n: int):
    y = 1.0
    for i in range(n):
        for j in range(i):
            y = y * x + j
        y = y + x
    return y


CASES = {
    "grad(double_sum)": [(0.7, 3, 2)],
    "grad(iterated_map, wrt=('r', 'x'))": [(3.1, 0.4, 5)],
    "grad(nested_products)": [(0.7, 4)],
}


# ---- emitted: grad(double_sum)
def grad_double_sum(x: float, n: int, m: int):
    """Gradient of double_sum with respect to x."""
    x_bar = 0.0
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            # total += x ** i * (i + j)
            x_bar += (i + j) * i * (1 if (x, i) == (0, 0) else x) ** (i - 1)
    return x_bar


# ---- emitted: grad(iterated_map, wrt=('r', 'x'))
def grad_iterated_map(r: float, x: float, n: int):
    """Gradient of iterated_map with respect to r and x."""
    # Forward sweep
    x_tape = []
    for i in range(n):
        x_tape.append(x)
        x = r * x * (1 - x)
    # Reverse sweep
    x_bar = 1.0
    r_bar = 0.0
    for i in range(n - 1, -1, -1):
        # x = r * x * (1 - x)
        x = x_tape.pop()
        t1_bar = x_bar * (1 - x)
        r_bar += t1_bar * x
        x_bar = -x_bar * r * x + t1_bar * r
    return r_bar, x_bar


# ---- emitted: grad(nested_products)
def grad_nested_products(x: float, n: int):
    """Gradient of nested_products with respect to x."""
    # Forward sweep
    y = 1.0
    y_tape = []
    for i in range(n):
        for j in range(i):
            y_tape.append(y)
            y = y * x + j
        y = y + x
    # Reverse sweep
    y_bar = 1.0
    x_bar = 0.0
    for i in range(n - 1, -1, -1):
        # y = y + x
        x_bar += y_bar
        for j in range(i - 1, -1, -1):
            # y = y * x + j
            y = y_tape.pop()
            x_bar += y_bar * y
            y_bar *= x
    return x_bar
