"""A cubic by Horner's rule."""


def horner(x: float, a: float, b: float, c: float, d: float):
    return ((a * x + b) * x + c) * x + d


CASES = {
    "grad(horner)": [(0.7, 1.0, -2.0, 0.5, 3.0)],
    "grad(horner, wrt=('a', 'b', 'c', 'd'))": [(0.7, 1.0, -2.0, 0.5, 3.0)],
}


# ---- emitted: grad(horner)
def grad_horner(x: float, a: float, b: float, c: float, d: float):
    """Gradient of horner with respect to x."""
    t1 = a * x + b
    return t1 * x + c + x * t1 + x * x * a


# ---- emitted: grad(horner, wrt=('a', 'b', 'c', 'd'))
def grad_horner(x: float, a: float, b: float, c: float, d: float):
    """Gradient of horner with respect to a, b, c and d."""
    # return ((a * x + b) * x + c) * x + d
    b_bar = x * x
    return b_bar * x, b_bar, x, 1.0
